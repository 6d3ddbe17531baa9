"""What may be done with rows of several licences together: names, terms, conflicts, and what follows for the whole."""
