"""Every call of the log in our modules, as it stands in the source."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4] / "streams"
LEVELS = {"debug", "info", "warning", "error", "exception", "critical", "log"}
NAMES_SOMEBODY = re.compile(r"(^|_)(customer|account|login)(_ids?)?$")


def calls(source: str) -> Iterator[ast.Call]:
    """Give the calls of a module's `log`."""
    for node in ast.walk(ast.parse(source)):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in LEVELS
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id == "log"
        ):
            yield node


def in_clear(node: ast.AST) -> Iterator[str]:
    """Give what is named after an id in an argument, but for what a pseudonym is made of."""
    if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("pseudonyms."):
        return
    name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
    if NAMES_SOMEBODY.search(name):
        yield name
    for child in ast.iter_child_nodes(node):
        yield from in_clear(child)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('log.info("%s", customer_id)', ["customer_id"]),
        ('log.info("%s", extra={"a": event.data.account_id})', ["account_id"]),
        ('log.info("%s", [one.institution_login_id for one in logins])', ["institution_login_id"]),
        ('log.info("%s", pseudonyms.customer(customer_id))', []),
    ],
)
def test_an_id_in_a_call_is_found(source: str, found: list[str]) -> None:
    """What the next test looks for it would find."""
    (call,) = calls(source)
    assert sorted(name for argument in (*call.args, *call.keywords) for name in in_clear(argument)) == found


def test_no_call_has_an_id_in_clear() -> None:
    """Customers, accounts and logins go through `streams.pseudonyms` on their way into a line."""
    seen, found = 0, []
    for path in sorted(ROOT.rglob("*.py")):
        for call in calls(path.read_text()):
            seen += 1
            named = [name for argument in (*call.args, *call.keywords) for name in in_clear(argument)]
            found += [f"{path}:{call.lineno}: {name}" for name in named]
    assert found == []
    assert seen > 50


def test_messages_are_made_of_templates() -> None:
    """What varies is an argument: lines of one kind have one message, by which their rate is limited."""
    found = []
    for path in sorted(ROOT.rglob("*.py")):
        for call in calls(path.read_text()):
            message = call.args[1] if ast.unparse(call.func) == "log.log" else call.args[0]
            if isinstance(message, ast.JoinedStr | ast.BinOp | ast.Call):
                found.append(f"{path}:{call.lineno}")
    assert found == []
