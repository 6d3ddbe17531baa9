"""Taking input in: which files there are, which formats they hold, their rows, and what could not be read."""
