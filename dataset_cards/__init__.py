"""The floor everything stands on: immutable dataset versions and the cards that describe them."""
