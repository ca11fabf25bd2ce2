"""When timers of institutions fire."""

from dataclasses import replace

from streams.domain.institutions import fired_at
from tests.unit.domain.institutions.build import HOUR, RULES, START


def test_a_timer_fires_at_the_time_it_was_due() -> None:
    """Or when the signal or the rules came that made it due; but never later than now."""
    late, rules = START + 9 * HOUR, replace(RULES, since=START + 2 * HOUR)
    assert fired_at(START, None, RULES, late) == START
    assert fired_at(START + HOUR, START, RULES, late) == START + HOUR
    assert fired_at(START, START + HOUR, RULES, late) == START + HOUR
    assert fired_at(START, START + HOUR, rules, late) == START + 2 * HOUR
    assert fired_at(START + 3 * HOUR, START, rules, late) == START + 3 * HOUR
    assert fired_at(START, START, rules, START + HOUR) == START + HOUR
