"""Whether Faust knows what a fold works with: its tables and its agent are those of the application, and no others."""

from collections.abc import Collection, Iterator, Sequence

import faust

from streams.fold import Table


class RegistrationError(RuntimeError):
    """The application is not what its fold works with; the message lists every difference and how to mend it."""


def require_registered(app: faust.App, log_topic: str, tables: Sequence[Table], names: Collection[str]) -> None:
    """Refuse to work beside Faust: what `faust agents` and `faust tables` show has to be what decides and what is kept.

    Args:
        app: the application, with everything declared.
        log_topic: the log that is folded.
        tables: those that the fold reads and changes.
        names: the tables whose changelogs are topics of the contract.

    Raises:
        RegistrationError: with every difference in words.
    """
    problems = [*_of_agents(app, log_topic), *_of_tables(app, tables), *_of_names(app, tables, names)]
    if problems:
        raise RegistrationError(f"{app.conf.id} is not what it works with:\n  " + "\n  ".join(problems))


def _of_agents(app: faust.App, log_topic: str) -> Iterator[str]:
    read = [topic for agent in app.agents.values() for topic in agent.get_topic_names()]
    if log_topic not in read:
        yield f"no agent reads {log_topic}: declare one with `@app.agent(program.source)`"
    elif len(read) > 1:
        yield f"its agents read {', '.join(sorted(read))}, and one agent on {log_topic} is all that a fold can serve"


def _of_tables(app: faust.App, tables: Sequence[Table]) -> Iterator[str]:
    for table in tables:
        if app.tables.get(table.name) is not table:
            yield f"Faust does not know the fold's table {table.name}: declare it with `program.table`"


def _of_names(app: faust.App, tables: Sequence[Table], names: Collection[str]) -> Iterator[str]:
    used = {table.name for table in tables}
    for name in sorted(used - set(names)):
        yield f"the table {name} has no changelog: name it in TABLES of streams/kafka/topics.py"
    for name in sorted({*app.tables, *names} - used):
        yield f"the fold does not use the table {name}: give it to the decider, or take it away"
