"""OWASP's list in the README of the bridge: every row has tests of its own, and every such test is in a row."""

import ast
import re
from collections import Counter
from pathlib import Path

README = Path(__file__).parents[3] / "streams" / "bridge" / "README.md"
SECTION = README.read_text("utf-8").partition("\n## OWASP's list\n")[2].partition("\n## ")[0]
MODULES = [README.parent / path for path in re.findall(r"\]\(([^)]*/test_\w+\.py)\)", SECTION)]
ROW = re.compile(r"^\| (.+?) \| (.+) \| (.*?) \|$", re.MULTILINE)
TESTS = re.compile(r"`test_\w+`(?:, `test_\w+`)*")

Test = ast.FunctionDef | ast.AsyncFunctionDef


def rows() -> list[tuple[str, str, str]]:
    """Give the rows: what OWASP asks for, what is done, and the tests as they are written."""
    (_, *below) = [(found[1], found[2], found[3]) for found in ROW.finditer(SECTION) if set(found[1]) != {"-"}]
    return below


def named() -> list[str]:
    """Give the tests of all rows, in order."""
    return [name for *_, tests in rows() for name in re.findall(r"`(test_\w+)`", tests)]


def written() -> list[Test]:
    """Give the tests of the modules, as they are written."""
    trees = [ast.parse(module.read_text("utf-8")) for module in MODULES]
    return [node for tree in trees for node in tree.body if isinstance(node, Test) and node.name.startswith("test")]


def test_every_line_of_the_table_is_a_row() -> None:
    """None is passed by for the way it is written: 26 rows under the head."""
    lines = [line for line in SECTION.splitlines() if line.startswith("|")]
    assert len(rows()) == len(lines) - 2 == 26


def test_no_row_comes_twice() -> None:
    """Each of OWASP's points is one row."""
    names = Counter(name.casefold() for name, *_ in rows())
    assert [name for name, times in names.items() if times > 1] == []


def test_every_row_says_what_is_done_and_by_which_tests_it_is_held() -> None:
    """A row without a word or without a test is a promise."""
    assert [name for name, done, tests in rows() if not (done.strip() and TESTS.fullmatch(tests))] == []


def test_each_test_is_of_one_row_and_of_one_module() -> None:
    """A test of two rows would hold neither by itself; of two functions of a name the first is never run."""
    assert [name for name, times in Counter(named()).items() if times > 1] == []
    assert [name for name, times in Counter(test.name for test in written()).items() if times > 1] == []


def test_the_tests_of_the_table_are_those_of_its_modules() -> None:
    """Every test of a row is there, and every test of the modules is in a row."""
    assert len(MODULES) == 3
    assert set(named()) == {test.name for test in written()}


def test_none_of_them_is_empty_or_left_out() -> None:
    """Each says what it holds and asserts something; none is skipped, expected to fail, or out of sight in a class."""
    assert [test.name for test in written() if not ast.get_docstring(test)] == []
    assert [test.name for test in written() if not any(isinstance(node, ast.Assert) for node in ast.walk(test))] == []
    left_out = re.compile(
        r"pytest\.(?:mark\.)?(?:skip|xfail|importorskip)|__test__|^[ \t]+(?:async )?def test|^class ", re.MULTILINE
    )
    assert [module.name for module in MODULES if left_out.search(module.read_text("utf-8"))] == []
