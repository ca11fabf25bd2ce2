"""The start of the agent: what it says about links, and what it refuses."""

import logging
from typing import Any

import pytest

from streams.agent import app
from streams.settings import Settings, SettingsError

KEY = "0f" * 32


def start(monkeypatch: pytest.MonkeyPatch, **settings: Any) -> None:  # noqa: ANN401 - fields by name
    """Start the agent with these settings, up to where it would look for a broker."""
    monkeypatch.setattr(app.program, "settings", Settings(**settings))
    monkeypatch.setattr(app.program, "run", lambda *_: None)
    app.main()


def test_without_links_it_says_so(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """One line, and it works on."""
    with caplog.at_level(logging.INFO):
        start(monkeypatch)
    assert [one.getMessage().partition(":")[0] for one in caplog.records] == ["commands carry no fix_url"]


def test_with_links_it_says_nothing(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Neither that they are there, nor a key."""
    with caplog.at_level(logging.INFO):
        start(monkeypatch, link_url="https://fix.example.com", link_keys=KEY)
    assert caplog.records == []


def test_half_of_the_settings_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before any broker is looked for."""
    with pytest.raises(SettingsError, match="TXPUSH_LINK_KEYS"):
        start(monkeypatch, link_url="https://fix.example.com")
