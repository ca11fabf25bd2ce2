"""Fixtures of the tests of operators' commands."""

from pathlib import Path

import pytest

from streams.clock import WallClock
from streams.operate import forget as forget_command
from streams.operate import override as override_command
from streams.operate import policy as policy_command
from streams.operate import telling
from streams.operate.differences import as_toml
from streams.operate.overrides import resume as resume_command
from streams.operate.overrides import show as show_command
from tests.component.operate.double import MILD, NOW, Kafka


@pytest.fixture
def kafka(monkeypatch: pytest.MonkeyPatch) -> Kafka:
    double = Kafka()
    monkeypatch.setattr(telling, "write", double.write)
    monkeypatch.setattr(policy_command, "standings", double.standings)
    monkeypatch.setattr(forget_command, "end_subscriptions", double.end_subscriptions)
    for command in (override_command, forget_command):
        monkeypatch.setattr(command, "look_up", double.look_up)
    monkeypatch.setattr(show_command, "read_snapshot", double.read_snapshot)
    monkeypatch.setattr(resume_command, "unread", double.unread)
    monkeypatch.setattr(WallClock, "now", lambda _self: NOW)
    monkeypatch.setenv("TXPUSH_PARTITIONS", "3")
    return double


@pytest.fixture
def mild(tmp_path: Path) -> str:
    file = tmp_path / "mild.toml"
    file.write_text(as_toml(MILD))
    return str(file)
