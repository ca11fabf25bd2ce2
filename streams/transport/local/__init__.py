"""The state of a partition on this machine's disk: what of it is left after a crash, so that only the rest is read."""
