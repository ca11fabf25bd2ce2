"""The state of a partition between a revocation and the next assignment: kept, on disk, or read back."""
