"""What a run would cost, measured on a sample of its own input."""
