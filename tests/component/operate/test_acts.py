"""An operator's decision as records: ids, keys and places."""

from datetime import UTC, datetime

import pytest

from schemas.catalogue import Catalogue
from schemas.cloudevents import from_record, to_headers, to_value
from schemas.events import CustomerForgotten, EventData, EventType, Override, OverrideAction, PolicyActivated, Source
from schemas.policy import Policy
from schemas.times import to_epoch_ms
from streams.fold.inforce import InForce
from streams.fold.intake import EVENT_SOURCES
from streams.kafka.topics import EVENTS, SIGNALS
from streams.operate import acts
from streams.operate.acts import Act

AT = datetime(2026, 11, 1, 3, tzinfo=UTC)
RULES = InForce.of(Policy.load(), Catalogue.load())
ONE = Override(
    action=OverrideAction.MARK_OTP, customer_id="7", institution_login_id="71", who="ann", why="asked the customer"
)
ALL = Override(action=OverrideAction.SILENCE, all=True, until=AT, who="ann", why="wrong letters")
GONE = CustomerForgotten(customer_id="7", who="ann", why="asked for it")
EVERY = [
    acts.override(ONE, AT),
    acts.override(ALL, AT),
    acts.forget(GONE, AT),
    acts.activation(RULES, "ann", "new", AT),
]


@pytest.mark.parametrize(("act", "data"), [(EVERY[0], ONE), (EVERY[2], GONE)])
def test_what_is_about_a_customer_is_one_record(act: Act, data: EventData) -> None:
    """It goes under the customer's key, which says where, and names the customer as its subject."""
    (placed,) = act.placed({EVENTS: 3})
    assert (placed.topic, placed.partition, placed.event.partition_key) == (EVENTS, None, "7")
    assert (placed.event.data, placed.event.subject) == (data, "customers/7")


def test_what_is_about_many_is_in_every_partition() -> None:
    """It has no key; the records share the decision's id, each with its place behind it."""
    placed = EVERY[1].placed({EVENTS: 3})
    assert [(one.topic, one.partition, one.event.partition_key) for one in placed] == [
        (EVENTS, 0, None),
        (EVENTS, 1, None),
        (EVENTS, 2, None),
    ]
    assert [one.event.id for one in placed] == [f"{EVERY[1].event.id}:{EVENTS}/{number}" for number in range(3)]


def test_rules_go_to_both_logs() -> None:
    """The institution agent follows a log of its own and decides by the same rules; who and why travel with them."""
    placed = EVERY[3].placed({EVENTS: 2, SIGNALS: 2})
    assert {(one.topic, one.partition) for one in placed} == {(EVENTS, 0), (EVENTS, 1), (SIGNALS, 0), (SIGNALS, 1)}
    data = placed[0].event.data
    assert isinstance(data, PolicyActivated)
    assert (data.policy_sha256, data.catalogue_sha256) == (RULES.policy_sha256, RULES.catalogue_sha256)
    assert (data.who, data.why) == ("ann", "new")


@pytest.mark.parametrize("act", EVERY)
def test_the_log_takes_it(act: Act) -> None:
    """Written and read again it is the same event, from the source that may send it."""
    for placed in act.placed({EVENTS: 1, SIGNALS: 1}):
        event = placed.event
        key = None if event.partition_key is None else event.partition_key.encode()
        assert from_record(to_headers(event), key, to_value(event.data), to_epoch_ms(AT)) == event
        assert event.source == Source.OPERATOR
        assert event.source in EVENT_SOURCES[event.type]


def test_ids_are_those_of_the_decision() -> None:
    """The same decision at the same moment has the same id; another moment or another word gives another."""
    assert acts.override(ONE, AT).event.id == EVERY[0].event.id
    later, other = AT.replace(hour=4), ONE.model_copy(update={"why": "the bank said so"})
    assert len({acts.override(ONE, at).event.id for at in (AT, later)} | {acts.override(other, AT).event.id}) == 3


def test_announced_rules_have_no_operator() -> None:
    """What an agent announces by itself is written as before: without who and why."""
    event = RULES.announcement(Source.AGENT, EVENTS, 0, AT)
    assert event.type == EventType.POLICY_ACTIVATED
    assert b'"who"' not in to_value(event.data)
