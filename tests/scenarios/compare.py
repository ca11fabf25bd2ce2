"""Whether a scenario came out as written, and a side by side of both where it did not."""

from collections.abc import Iterator
from datetime import datetime
from itertools import zip_longest
from typing import Any

from schemas.catalogue import Catalogue
from tests.scenarios.notation.model import Health, Line, Scenario, Told
from tests.scenarios.notation.times import write_time
from tests.scenarios.script import CATALOGUE
from tests.scenarios.simulated import simulated
from tests.scenarios.stage import Stage

HEAD = ("what", "who", "action", "why", "code", "cause", "steps")
ALWAYS = ("what", "who", "action", "why", "code", "at")
Row = tuple[bool, str, str, str]


def differences(scenario: Scenario, catalogue: Catalogue = CATALOGUE) -> str:
    """Play a scenario; give nothing where every message was expected and every expected message came, else a table."""
    stage = Stage(scenario.policy, catalogue)
    rows: list[Row] = []
    for line in scenario.lines:
        found = stage.hear(line.steps)
        rows += _rows(line, found)
        rows += [_health_row(one, stage) for one in line.health]
    return "" if all(row[0] for row in rows) else _table(scenario, rows)


def differences_simulated(scenario: Scenario) -> str:
    """Do the same in a simulation, for the whole scenario at once: its clock may bring a message a line earlier."""
    expected = [told for line in scenario.lines for told in line.told]
    last = scenario.lines[-1]
    rows = list(_rows(Line(last.number, last.time, "", [], expected), simulated(scenario)))
    return "" if all(row[0] for row in rows) else _table(scenario, rows)


def _rows(line: Line, found: list[Told]) -> Iterator[Row]:
    left = line.text
    for expected, one in zip_longest(line.told, found):
        holds = expected is not None and one is not None and expected.covers(one)
        names = tuple(expected.parts) if expected is not None else ALWAYS
        yield holds, left, _say(expected, line.time), _say(one, line.time, names)
        left = ""
    if left:
        yield True, left, "", ""


def _health_row(expected: Health, stage: Stage) -> Row:
    key = f"{expected.customer}/{expected.account}"
    found = stage.health.get(key)
    said = None if expected.says is None or found is None else {name: _plain(found[name]) for name in expected.says}
    wanted = None if expected.says is None else {name: _plain(value) for name, value in expected.says.items()}
    return said == wanted and key in stage.health, "", f"health {key} {wanted}", f"health {key} {said}"


def _plain(value: Any) -> Any:  # noqa: ANN401 - a part of a health record
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value


def _say(told: Told | None, at: datetime, names: tuple[str, ...] = ()) -> str:
    """Write a message as a scenario would, only its named parts."""
    if told is None:
        return "(nothing)"
    parts = {name: part for name, part in told.parts.items() if not names or name in names or name in HEAD[:4]}
    head = " ".join(_word(parts[name], name) for name in HEAD if name in parts and _is_said(parts, name))
    rest = [f"{name} {_word(parts[name], name)}" for name in parts if name not in HEAD and parts[name] != at]
    return f"{head} ({', '.join(rest)})" if rest else head


def _is_said(parts: dict[str, Any], name: str) -> bool:
    return parts[name] not in (None, ()) or (name == "code" and parts["what"] != "lookup")


def _word(part: Any, name: str) -> str:  # noqa: ANN401 - any part of a message
    if isinstance(part, tuple):
        return " ".join(part)
    if isinstance(part, datetime):
        return write_time(part)
    return "none" if part is None and name == "code" else str(part)


def _table(scenario: Scenario, rows: list[Row]) -> str:
    title = f"{scenario.file}:{scenario.number}: {' '.join(scenario.rules)}: {scenario.title}"
    wide, wider = (max(len(row[1]) for row in rows), max(len(row[2]) for row in rows))
    lines = [title]
    for holds, heard, expected, found in ((True, "heard", "expected", "found"), *rows):
        mark = "   " if holds else ">> "
        lines.append(f"{mark}{heard:<{wide}} | {expected:<{wider}} | {found}".rstrip())
    return "\n".join(lines)
