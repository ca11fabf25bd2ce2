"""How often sessions may begin: a few at once, then one now and then, per command and for all."""

import pytest

from streams.executor.fixing import limits as module
from streams.executor.fixing.limits import Limits, TooManyError, TooOftenError


def limits(**changed: float) -> Limits:
    """Give limits of ten at once and one a second for all, two at once and one in a minute for a command."""
    given = {"all_size": 10.0, "per_second": 1.0, "command_size": 2.0, "command_refill_seconds": 60.0} | changed
    return Limits(**given)


def test_a_command_has_its_limit() -> None:
    """After two at once the third has to wait as long as it is told, and no longer."""
    one = limits()
    one.take("a", 0.0)
    one.take("a", 0.0)
    with pytest.raises(TooOftenError) as refused:
        one.take("a", 10.0)
    assert refused.value.after_seconds == pytest.approx(50.0)
    assert not isinstance(refused.value, TooManyError)
    with pytest.raises(TooOftenError):
        one.take("a", 59.0)
    one.take("a", 60.0)


def test_another_command_is_not_held_up() -> None:
    """Each has its own."""
    one = limits()
    for name in ("a", "a", "b", "b"):
        one.take(name, 0.0)


def test_all_together_have_theirs() -> None:
    """Ten at once, then one a second; what is refused takes nothing of the command's own."""
    one = limits()
    for number in range(10):
        one.take(str(number), 0.0)
    for _ in range(5):
        with pytest.raises(TooManyError) as refused:
            one.take("a", 0.5)
    assert refused.value.after_seconds == pytest.approx(0.5)
    one.take("a", 1.0)
    one.take("a", 2.0)


def test_full_buckets_are_forgotten() -> None:
    """A command not used for as long as its bucket takes to fill up has none."""
    one = limits()
    one.take("a", 0.0)
    one.take("b", 100.0)
    one.take("c", 121.0)
    assert set(one._commands) == {"b", "c"}


def test_the_buckets_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Past it the one unused for longest goes."""
    monkeypatch.setattr(module, "MAX_BUCKETS", 2)
    one = limits()
    for name in ("a", "b", "a", "c"):
        one.take(name, 0.0)
    assert set(one._commands) == {"a", "c"}
