"""`txpush explain`: one customer's story in order, with the reason of everything that was done, and of what was not."""

from streams.explain.asked import Asked, ExplainError
from streams.explain.run import explain
from streams.explain.story import Story

__all__ = ["Asked", "ExplainError", "Story", "explain"]
