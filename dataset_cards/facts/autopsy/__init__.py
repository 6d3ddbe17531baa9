"""The autopsy of preferences: how far rules get that never read an answer, and what else a model could learn."""
