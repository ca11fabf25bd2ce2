"""Files about people: what commands write that read history is for its owner alone."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

OTHERS = 0o077
"""What nobody but the owner may do."""


@contextmanager
def private_files() -> Iterator[None]:
    """Have files and folders that are made meanwhile be the owner's alone, in processes that are started as well."""
    before = os.umask(OTHERS)
    try:
        yield
    finally:
        os.umask(before)
