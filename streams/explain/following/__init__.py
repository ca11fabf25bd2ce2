"""Following a customer through the log: what was recorded, beside what the pure core derives."""
