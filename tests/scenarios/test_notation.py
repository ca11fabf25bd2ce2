"""The notation of scenarios: what it reads, what it refuses and where, and that nothing passes unseen."""

from datetime import timedelta
from pathlib import Path

import pytest

from tests.scenarios.compare import differences
from tests.scenarios.notation.files import parse, read_scenarios
from tests.scenarios.notation.model import Scenario, ScenarioError
from tests.scenarios.notation.times import DAY_ONE, read_time, write_time

HERE = Path(__file__).parent
TITLE = "scenario R3: a title\n"


def scenario(*lines: str) -> Scenario:
    """Read one scenario of some lines."""
    (one,) = parse(TITLE + "\n".join(lines), "x.txt")
    return one


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("day 1 03:00 a1@L1 0", "x.txt:1: a line stands before the first"),
        ("scenario: no rule", "x.txt:1: a title is"),
        (TITLE, "x.txt:1: the scenario has no lines"),
        (TITLE + "-> connect-fix L1 issue 185", "x.txt:2: something is told before anything is heard"),
        (TITLE + "day 1 03:00", "x.txt:2: a time without an event"),
        (TITLE + "day 1 03:00 a1@L1 lost", "x.txt:2: 'a1@L1 lost' is no event"),
        (TITLE + "day 1 03:00 a1@L1 0 (colour red)", r"x.txt:2: \(colour\) says nothing here"),
        (TITLE + "\nday 1 03:00 a1@L1 0 (attempt soon)", "x.txt:3: 'soon' is not a time"),
        (
            TITLE + "day 1 03:00 a1@L1 0 -> connect-fox L1 issue 185",
            "x.txt:2: 'connect-fox L1 issue 185' is no message",
        ),
        (TITLE + "day 1 03:00 a1@L1 0 -> connect-fix L1 issue", "x.txt:2: .* say the code"),
        (TITLE + "day 1 03:00 a1@L1 0 -> connect-fix L1 withdraw", "x.txt:2: 'connect-fix L1 withdraw' is no message"),
        (TITLE + "day 1 03:00 a1@L1 0 -> connect-fix L1", "x.txt:2: 'connect-fix L1' is no message"),
        (TITLE + "day 1 03:00 a1@L1 0 -> connect-fix L1 issue 185 (size 7)", r"x.txt:2: .*\(size\) says nothing here"),
        (TITLE + "policy: contact.cooldown_weeks = 1", "x.txt:2: .*cooldown_weeks: no such key"),
        (TITLE + "policy: contact.cooldown_hours =", "x.txt:2: policy: not TOML"),
    ],
)
def test_what_cannot_be_read_is_named_by_file_and_line(text: str, problem: str) -> None:
    """An error names file and line, and says what is wrong there."""
    with pytest.raises(ScenarioError, match=problem):
        list(parse(text, "x.txt"))


def test_a_message_that_nobody_expected_fails() -> None:
    """A line without anything on its right allows no message."""
    assert ">> day 1 03:00 a1@L1 185 | (nothing) | connect-fix L1 issue 185" in differences(
        scenario("day 1 03:00 a1@L1 185")
    )


def test_a_message_that_does_not_come_fails() -> None:
    """What is on the right must be told."""
    one = scenario("day 1 03:00 a1@L1 0 -> connect-fix L1 issue 185")
    assert ">> day 1 03:00 a1@L1 0 | connect-fix L1 issue 185 | (nothing)" in differences(one)


def test_the_order_of_messages_counts() -> None:
    """The same messages in another order are a difference."""
    one = scenario(
        "day 1 03:00 a1@L1 185 -> connect-fix L1 issue 185",
        "day 1 04:00 a1@L1 931 -> otp-escalation L1 issue 931 -> connect-fix L1 withdraw otp",
    )
    assert differences(one).count(">>") == 2


@pytest.mark.parametrize(
    "told",
    [
        "connect-fix L2 issue 185",
        "connect-fix L1 remind 185",
        "connect-fix L1 issue 187",
        "connect-fix L1 issue 185 renew_token",
        "connect-fix L1 issue 185 (at +1ms)",
        "connect-fix L1 issue 185 (ordinal 2)",
        "connect-fix L1 issue 185 (until day 2 03:01)",
        "connect-fix L1 issue 185 (opened day 1 03:00)",
        "connect-fix L1 issue 185 (accounts a2)",
        "relink L1 issue 185",
    ],
)
def test_each_stated_part_counts(told: str) -> None:
    """A message is the expected one only if all that is stated of it holds."""
    assert differences(scenario(f"day 1 03:00 a1@L1 185 -> {told}")) != ""


def test_health_is_compared() -> None:
    """What health is said to say must be what it says."""
    assert differences(scenario("day 1 03:00 a1@L1 0 -> health a1 (otp no, code 0)")) == ""
    assert ">>" in differences(scenario("day 1 03:00 a1@L1 0 -> health a1 (otp suspected)"))
    assert ">>" in differences(scenario("day 1 03:00 a1@L1 0 -> health a2 gone"))


def test_times_count_from_the_line_before() -> None:
    """A line without a day is so long after the one before; one without a time is at the same moment."""
    one = scenario("day 2 03:00 a1@L1 0", "+1d+2h tick", "-1ms tick", "tick", "day 5 00:00:30 -1ms tick")
    assert [write_time(line.time) for line in one.lines] == [
        "day 2 03:00",
        "day 3 05:00",
        "day 3 04:59:59.999",
        "day 3 04:59:59.999",
        "day 5 00:00:29.999",
    ]


def test_a_time_alone_is_read() -> None:
    """A time may be absolute, relative or both."""
    assert read_time("day 1 00:00 +90m", DAY_ONE) == read_time("+1h +30m", DAY_ONE) == DAY_ONE + timedelta(minutes=90)


def test_every_rule_has_scenarios_each_with_a_title_of_its_own() -> None:
    """No rule of the eighteen is left out; a title names one scenario."""
    every = [one for path in sorted((HERE / "rules").glob("*.txt")) for one in read_scenarios(path)]
    assert {rule for one in every for rule in one.rules} == {f"R{n}" for n in range(1, 19)}
    titles = [(one.rules, one.title) for one in every]
    assert len(set(titles)) == len(titles)
