"""What is told of it: a table while it goes on, a verdict at its end."""
