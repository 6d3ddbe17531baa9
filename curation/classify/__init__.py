"""Text classifiers: fastText models that are trained, calibrated and measured here, or brought along by their users."""
