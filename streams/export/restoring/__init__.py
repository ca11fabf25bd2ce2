"""`txpush import`: a whole export back into an empty cluster, with the offsets that state and audit chains refer to."""
