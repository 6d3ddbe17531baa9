"""Curation: raw pages and text in, a corpus with every row accounted for out."""
