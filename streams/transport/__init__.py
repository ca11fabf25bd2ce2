"""Exactly-once folds inside Faust: one transaction per input partition and poll, tables restored by our own reader."""
