"""Where a reader keeps, durably, what it has done: whole numbers by name that only ever go up."""

from streams.subscribe.stores.base import AsyncStore, MemoryStore, Store
from streams.subscribe.stores.file import FileStore

__all__ = ["AsyncStore", "FileStore", "MemoryStore", "Store"]
