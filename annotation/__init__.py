"""People in the loop: demonstrations and rankings. Nothing stands here yet."""
