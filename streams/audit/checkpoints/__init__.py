"""Checkpoints: what was proven, signed, and kept where nobody who can write to Kafka can change it."""
