"""A fold as a worker process: its Faust application, metrics, health, and an orderly start and end."""
