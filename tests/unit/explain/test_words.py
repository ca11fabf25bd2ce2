"""Fixed words: every rule has a line, every outcome and hold has words, spans read as people say them."""

from datetime import timedelta

import pytest

from schemas.commands import Hold, WithdrawReason
from schemas.events import Source
from streams.domain import Outcome
from streams.domain.rules import Rule
from streams.explain.wording.words import HOLDS, OUTCOMES, RULES, SOURCES, WITHDRAWN, rules_said, span


def test_every_rule_is_a_line() -> None:
    """R1 to R18, and what the audit says of new rules; each fits a terminal."""
    assert set(RULES) == {*(rule.name for rule in Rule), "R2", "policy"}
    assert [rule for rule, words in RULES.items() if len(f"  {rule}: {words}") > 80] == []
    assert rules_said(("R99",))[0].says == "a rule that this release does not know"


def test_nothing_is_without_words() -> None:
    """Whatever the core may say."""
    assert set(OUTCOMES) == set(Outcome)
    assert set(HOLDS) == set(Hold)
    assert set(WITHDRAWN) == set(WithdrawReason)
    assert set(SOURCES) == set(Source)


@pytest.mark.parametrize(
    ("minutes", "words"),
    [(0, "0 s"), (0.5, "30 s"), (15, "15 min"), (1440, "24 h"), (1570, "26 h 10 min"), (4440, "3 d 2 h")],
)
def test_spans(minutes: float, words: str) -> None:
    """Two units at most, and hours up to two days."""
    assert span(timedelta(minutes=minutes)) == words
