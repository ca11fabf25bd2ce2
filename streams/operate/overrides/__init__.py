"""Overrides as operators are told of them: in words, which are in force, and whether the ids are known at all."""
