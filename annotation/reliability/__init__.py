"""How far each person's answers can be trusted, estimated from everybody's answers together."""
