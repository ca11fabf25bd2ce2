"""What an operator decides, written into the logs: rules, overrides, and customers to forget."""
