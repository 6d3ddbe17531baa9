"""Mixtures: several versions in chosen shares, and token shards for training."""
