"""What is read of a history for one customer: its partition alone, and in it only what concerns it."""
