"""Models in the loop: whom to ask, what generators make of the answers, and how both are checked."""
