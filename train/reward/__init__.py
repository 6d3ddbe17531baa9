"""Reward models, and the rules that read nothing."""
