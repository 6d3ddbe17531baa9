"""Reinforcement learning on answers that can be checked."""
