"""Dataset versions: steps that can be cached, and versions that never change."""
