"""Synthetic and constitutional data. Nothing stands here yet."""
