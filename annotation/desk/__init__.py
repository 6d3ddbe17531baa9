"""Where people answer: the interface of a desk, Argilla behind it, and scripted annotators in memory."""
