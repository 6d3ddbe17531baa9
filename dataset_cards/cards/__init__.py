"""Cards, reports and comparisons: what a version looks like to a person."""
