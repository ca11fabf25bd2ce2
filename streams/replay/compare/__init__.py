"""Holds what was derived against what was recorded; pure."""
