"""Finding documents that say the same thing again: exactly, or nearly."""
