"""Reads every known customer's accounts at the vendor, and tells the log what it must have missed (R12, R17)."""
