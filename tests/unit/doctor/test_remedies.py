"""What is not well comes with what to do next: every finding of every check, and every line of `/readyz`."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from streams import doctor
from streams.bridge.process import _Process as BridgeProcess
from streams.canary.meters import CanaryMeters
from streams.canary.rounds import LATE_SECONDS, Rounds, customers_of
from streams.doctor.checks import processes, topics
from streams.executor.process import _Process as ExecutorProcess
from streams.kafka import applied
from streams.kafka.access import Bootstrap
from streams.kafka.topics import Layout, contract
from streams.kafka.view import TopicView
from streams.observe.metrics import Instruments
from streams.vendor import KafkaGate
from streams.vendor.calls import NOT_NAMED
from tests.unit.doctor.scopes import scope

FOLDER = Path(doctor.__file__).parent
MODULES = {path.stem: ast.parse(path.read_text()) for path in sorted(FOLDER.rglob("*.py"))}
NOT_WELL = ("left_out", "warning", "wrong")


def found_by(tree: ast.AST) -> Iterator[ast.Call]:
    """Give every call that makes a finding which is not `ok`, by whatever name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in {*NOT_WELL, "tell", "Finding"}:
            yield node


CALLS = [(name, call) for name, tree in MODULES.items() if name != "findings" for call in found_by(tree)]


def is_step(expression: ast.expr) -> bool:
    """Tell whether an argument says something; what is put together elsewhere, or taken apart, has tests of its own."""
    return not isinstance(expression, ast.Constant) or bool(expression.value)


@pytest.mark.parametrize(("module", "call"), CALLS, ids=[f"{name}-{call.lineno}" for name, call in CALLS])
def test_a_finding_says_what_to_do(module: str, call: ast.Call) -> None:
    """Nothing that is left out, warned of or wrong goes without; `ok` alone has no place for it."""
    is_parted = len(call.args) == 1 and isinstance(call.args[0], ast.Starred)
    assert is_parted or is_step(call.args[-1]), module
    assert is_parted or len(call.args) == (3 if getattr(call.func, "id", "") == "Finding" else 2), module


async def test_what_topics_lack_is_told_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever differs: that a topic is missing, its partitions, its replicas, its settings."""
    first, *others = contract()
    layout = Layout(3, 3)
    different = applied._differences(first, layout, (5, 1), {})
    missing = [f"topic {one.name} is missing: run `txpush topics apply`" for one in others]

    async def check(*_: object) -> list[str]:
        return [*different, *missing]

    async def there(_bootstrap: Bootstrap) -> Mapping[str, tuple[int, int]]:
        return {}

    monkeypatch.setattr(topics, "topics_there", there)
    monkeypatch.setattr(topics, "check", check)
    found = await topics.look(scope())
    assert len(found) == len(different) + len(missing) > 30
    assert [one for one in found if not one.remedy] == []


def lines() -> Mapping[str, list[str]]:
    """Give what processes say in `/readyz` where they end, have not begun, or hear nothing."""
    ending: Any = SimpleNamespace(_stopping=True)
    meters = CanaryMeters(Instruments("canary", CollectorRegistry()))
    rounds = Rounds(customers_of(1), None, meters, lambda: True)  # type: ignore[arg-type]
    rounds._began -= 2 * LATE_SECONDS
    return {
        "a bridge that ends": BridgeProcess.problems(ending),
        "an executor that ends": ExecutorProcess.problems(ending),
        "a gate that was not entered": KafkaGate("127.0.0.1:1").problems(),
        "credentials without a name": [NOT_NAMED],
        "a view that was not started": TopicView("127.0.0.1:1", ["a"], lambda _record: None).problems(),
        "a canary that hears nothing": rounds.late(),
    }


@pytest.mark.parametrize("case", lines())
def test_a_line_of_readiness_ends_with_what_to_do(case: str) -> None:
    """Behind its last semicolon, where doctor takes it from."""
    (line,) = lines()[case]
    (finding,) = processes._told(processes.Page("http://a:1", 503, [line]))
    assert finding.what == f"http://a:1: {line.rpartition('; ')[0]}"
    assert finding.remedy
    assert finding.remedy != "see the log of that process"
