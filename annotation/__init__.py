"""People in the loop: what they are asked, on which desk, how far they agree, and the data that comes of it."""
