"""Changelogs as they are read: keys and values, whatever else lies there."""

import logging

import pytest

from streams.transport.state.restore import _by_key
from tests.fuzz.standins import Stored


@pytest.mark.parametrize("key", [None, b"\xff"])
def test_a_record_that_no_table_has_written_is_passed_by(caplog: pytest.LogCaptureFixture, key: bytes | None) -> None:
    """A partition opens all the same: no table could hold the record, nor drop it; the log names its place."""
    caplog.set_level(logging.WARNING)
    records = [Stored("app-accounts-changelog", key, b"{}"), Stored("app-accounts-changelog", b"7/5", b"{}")]
    assert [*_by_key(records)] == [("7/5", b"{}")]
    assert "app-accounts-changelog/0/0 is passed by" in caplog.text
