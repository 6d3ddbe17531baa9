"""Learning from a teacher, and what was lost on the way."""
