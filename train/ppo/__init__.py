"""PPO against a reward model."""
