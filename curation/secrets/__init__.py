"""Keys, tokens and passwords in text: found in one pass over many patterns, masked or dropped."""
