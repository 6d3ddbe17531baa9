"""Thin trainers that eat dataset versions. Nothing stands here yet."""
