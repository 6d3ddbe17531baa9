"""Thin trainers that eat dataset versions and leave models that say what they ate."""
