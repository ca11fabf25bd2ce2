"""Snapshots: what a log has led to at a mark in it, so that a replay need not begin with the first record."""
