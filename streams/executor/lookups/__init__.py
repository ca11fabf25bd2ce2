"""Look-ups of the agent: read, answered from the vendor's API, and acknowledged once the answer is in the log."""
