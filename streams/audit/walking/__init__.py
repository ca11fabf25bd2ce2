"""Walking a chain: inbound records and decisions side by side."""
