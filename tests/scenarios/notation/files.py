"""Scenario files: titles, numbers of the policy, and lines of events and messages."""

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from schemas.policy import Policy
from tests.scenarios.notation.messages import read_told
from tests.scenarios.notation.model import Health, Line, Scenario, ScenarioError
from tests.scenarios.notation.numbers import SHIPPED, with_numbers
from tests.scenarios.notation.phrases import read_phrase
from tests.scenarios.notation.times import DAY_ONE, leading_time

_TITLE = re.compile(r"scenario (R\d+(?:,? R\d+)*): (\S.*)")
_POLICY = "policy:"
_APART = "clocks: apart"
_DIFFERS = "differs:"
ARROW = re.compile(r"\s*->\s*")


def read_scenarios(path: Path) -> list[Scenario]:
    """Read a file of scenarios; `ScenarioError` names file and line."""
    return list(parse(path.read_text("utf-8"), path.name))


def parse(text: str, file: str) -> Iterator[Scenario]:
    """Read the text of a file."""
    common, scenario = SHIPPED, None
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.partition("#")[0].strip()
        try:
            if line.startswith("scenario"):
                if scenario is not None:
                    yield _whole(scenario)
                scenario = _titled(line, file, number, common)
            elif scenario is None and line.startswith(_POLICY):
                common = with_numbers(common, line.removeprefix(_POLICY).strip())
            elif line:
                _take(scenario, line, number)
        except ValueError as error:
            raise ScenarioError(f"{file}:{number}: {error}") from None
    if scenario is not None:
        yield _whole(scenario)


def _take(scenario: Scenario | None, line: str, number: int) -> None:
    if scenario is None:
        raise ValueError("a line stands before the first `scenario R8: what holds`")
    if line.startswith(_POLICY):
        scenario.policy = with_numbers(scenario.policy, line.removeprefix(_POLICY).strip())
    elif line.startswith(_DIFFERS):
        scenario.differs = line.removeprefix(_DIFFERS).strip()
    elif line == _APART:
        scenario.clocks_apart = True
    else:
        _add(scenario, line, number)


def _whole(scenario: Scenario) -> Scenario:
    if not scenario.lines:
        raise ScenarioError(f"{scenario.file}:{scenario.number}: the scenario has no lines: say what is heard")
    return scenario


def _titled(line: str, file: str, number: int, common: Policy) -> Scenario:
    match = _TITLE.fullmatch(line)
    if match is None:
        raise ValueError("a title is `scenario R8: what holds`")
    return Scenario(file, number, tuple(re.findall(r"R\d+", match[1])), match[2], common)


def _add(scenario: Scenario, text: str, number: int) -> None:
    left, *right = ARROW.split(text)
    before = scenario.lines[-1].time if scenario.lines else DAY_ONE
    if left:
        scenario.lines.append(_heard(scenario, left, number, before))
    elif not scenario.lines:
        raise ValueError("something is told before anything is heard")
    for told in right:
        _tell(scenario.lines[-1], told)


def _heard(scenario: Scenario, text: str, number: int, before: datetime) -> Line:
    time, phrase = leading_time(text, before)
    if not phrase:
        raise ValueError("a time without an event: write `tick` to let time pass")
    return Line(number, time, " ".join(text.split()), read_phrase(phrase, time, scenario.policy))


def _tell(line: Line, text: str) -> None:
    try:
        for one in read_told(text, line.time):
            if isinstance(one, Health):
                line.health.append(one)
            else:
                line.told.append(one)
    except (ValueError, IndexError) as error:
        raise ValueError(f"{text!r} is no message: {error}; for example `connect-fix L1 issue 185`") from None
