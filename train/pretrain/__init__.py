"""Pretraining: the next token of documents."""
