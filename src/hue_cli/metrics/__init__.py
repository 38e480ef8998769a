"""How far a painted photograph is from the true one: pure functions, their catalogue, streaming means."""
