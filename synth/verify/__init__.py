"""Verifiers: whether an answer is right, wrong, or more than a program can tell."""
