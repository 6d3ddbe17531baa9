"""Reading documents: every supported format becomes the same rows, and what cannot be read is put aside."""
