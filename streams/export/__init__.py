"""`txpush export` and `txpush import`: topics to files that stand alone, and back into an empty cluster."""
