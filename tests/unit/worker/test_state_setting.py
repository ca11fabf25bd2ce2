"""Where a worker keeps its state, as it is told."""

from pathlib import Path

import pytest

from streams.settings import read_settings


@pytest.mark.parametrize(("told", "folder"), [(None, None), ("", None), ("/var/lib/txpush", Path("/var/lib/txpush"))])
def test_no_folder_is_no_state_on_disk(monkeypatch: pytest.MonkeyPatch, told: str | None, folder: Path | None) -> None:
    """Left out or empty, nothing is kept; an empty name does not mean the folder that the worker was started in."""
    if told is not None:
        monkeypatch.setenv("TXPUSH_STATE_DIR", told)
    assert read_settings().state_dir == folder
