"""From what people said to the data that follows from it; nothing that was said is lost on the way."""
