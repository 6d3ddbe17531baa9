"""Lineage in both directions: where a row or a model comes from, and what was made from it."""
