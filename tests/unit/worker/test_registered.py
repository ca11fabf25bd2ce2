"""A fold works with what Faust shows of it, or not at all."""

from dataclasses import dataclass
from typing import Any

import pytest

from streams.agent import app as agent
from streams.fold import Table
from streams.institutions import app as institutions
from streams.kafka.topics import TABLES
from streams.worker.program import FoldProgram
from streams.worker.registered import RegistrationError, require_registered


@dataclass(frozen=True)
class Declared:
    """An application as it ships."""

    program: FoldProgram
    tables: tuple[Table, ...]
    agent: str

    @property
    def names(self) -> tuple[str, ...]:
        """Give the tables of the contract."""
        return TABLES[self.program.fold.application]

    def require(self, tables: tuple[Table, ...] | None = None, names: tuple[str, ...] | None = None) -> None:
        """Check it, with some of it taken away."""
        require_registered(self.program.app, self.program.fold.source_topic, tables or self.tables, names or self.names)


def declared(module: Any) -> Declared:  # noqa: ANN401 - a module
    """Give what a module declares."""
    program: FoldProgram = module.program
    (name,) = program.app.agents
    return Declared(program, (*module.tables.all(), program.policies, program.control), name)


APPS = [declared(module) for module in (agent, institutions)]
EACH_TABLE = [
    pytest.param(app, table, id=f"{app.program.fold.application}-{table.name}") for app in APPS for table in app.tables
]
EACH_APP = pytest.mark.parametrize("app", APPS, ids=lambda app: app.program.fold.application)


@EACH_APP
def test_what_ships_is_declared(app: Declared) -> None:
    """Agent, tables and changelogs fit together."""
    app.require()


@pytest.mark.parametrize(("app", "table"), EACH_TABLE)
def test_a_table_that_faust_does_not_know(app: Declared, table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    """No table of the fold may live beside Faust."""
    monkeypatch.delitem(app.program.app.tables, table.name)
    with pytest.raises(RegistrationError, match=f"does not know the fold's table {table.name}: .*program.table"):
        app.require()


@pytest.mark.parametrize(("app", "table"), EACH_TABLE)
def test_a_table_that_the_fold_does_not_use(app: Declared, table: Table) -> None:
    """`faust tables` shows nothing that is not kept."""
    with pytest.raises(RegistrationError, match=f"does not use the table {table.name}:"):
        app.require(tables=tuple(one for one in app.tables if one is not table))


@pytest.mark.parametrize(("app", "table"), EACH_TABLE)
def test_a_table_without_a_changelog(app: Declared, table: Table) -> None:
    """`txpush topics` makes the changelog of every table."""
    with pytest.raises(RegistrationError, match=f"the table {table.name} has no changelog: .*topics.py"):
        app.require(names=tuple(name for name in app.names if name != table.name))


@EACH_APP
def test_no_agent(app: Declared, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a Faust agent on the log nothing would ever be decided."""
    monkeypatch.delitem(app.program.app.agents, app.agent)
    with pytest.raises(RegistrationError, match=f"no agent reads {app.program.fold.source_topic}: "):
        app.require()


@EACH_APP
def test_an_agent_too_many(app: Declared, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second agent's topic would be assigned as if it were the log."""
    monkeypatch.setitem(app.program.app.agents, "other", app.program.app.agents[app.agent])
    with pytest.raises(RegistrationError, match=r"one agent on .* is all"):
        app.require()


def test_every_difference_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has to start as often as there is something to mend."""
    app = APPS[0]
    monkeypatch.delitem(app.program.app.agents, app.agent)
    monkeypatch.delitem(app.program.app.tables, "accounts")
    monkeypatch.delitem(app.program.app.tables, "logins")
    with pytest.raises(RegistrationError) as refused:
        app.require()
    assert len(str(refused.value).splitlines()) == 4
