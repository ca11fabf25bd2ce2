"""Logs that were lived through have records that nobody can read among them."""

import logging
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module", autouse=True)
def quiet() -> Iterator[None]:
    """Keep the poison of the inputs from writing its traces, while logs are made as well."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)
