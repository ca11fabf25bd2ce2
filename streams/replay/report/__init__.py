"""Says what a replay came to: in a terminal, as lines of JSON, and as a page."""
