"""Derives decisions again from the log, and holds them against those that are recorded; it only reads."""
