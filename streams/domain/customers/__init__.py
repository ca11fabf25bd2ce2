"""What a customer's own records do to its accounts: observations, fixes, deletions, and what others are told of it."""
