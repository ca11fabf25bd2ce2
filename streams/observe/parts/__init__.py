"""Parts of the one list of metrics; `streams.observe.metrics` has all of it."""
