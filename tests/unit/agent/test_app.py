"""The start of the agent: what it says about links, and what it refuses."""

import gc
import logging
import signal
from collections.abc import Callable
from typing import Any, TextIO

import pytest

from schemas.events import Source
from streams.agent import app
from streams.institutions import app as institutions
from streams.institutions.turn import InstitutionDecider
from streams.observe.logs import setup
from streams.observe.logs.limit import LimitedHandler
from streams.settings import Settings, SettingsError
from streams.worker.program import FoldProgram
from streams.worker.registered import RegistrationError
from tests.written import written_log

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


def refuse(*_: object) -> None:
    """End a start."""
    raise RegistrationError("here it ends")


@pytest.mark.parametrize("main", [app.main, institutions.main], ids=["agent", "institutions"])
def test_the_log_is_set_up_once(main: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """A second time would take the place of the first, and end what that has counted."""
    made: list[LimitedHandler] = []

    class Counted(LimitedHandler):
        def __init__(self, stream: TextIO) -> None:
            super().__init__(stream)
            made.append(self)

    monkeypatch.setattr(setup, "LimitedHandler", Counted)
    monkeypatch.setattr(gc, "set_threshold", lambda *_: None)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(FoldProgram, "_require_declared", refuse)
    with written_log(), pytest.raises(SystemExit):
        main()
    assert len(made) == 1


@pytest.mark.parametrize("instance", [None, "agent-0"])
def test_a_worker_without_a_name_says_what_that_costs(
    instance: str | None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """One line at its start, which names the setting; who has a name hears nothing."""
    monkeypatch.setattr(gc, "set_threshold", lambda *_: None)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(FoldProgram, "_require_declared", refuse)
    monkeypatch.setattr(institutions.program, "settings", Settings(instance=instance))
    with caplog.at_level(logging.WARNING), pytest.raises(SystemExit):
        institutions.program.run(InstitutionDecider(institutions.tables), Source.INSTITUTIONS, {})
    told = [one.getMessage() for one in caplog.records]
    assert len(told) == (instance is None)
    assert all("TXPUSH_INSTANCE" in line and "rebalance" in line for line in told)
