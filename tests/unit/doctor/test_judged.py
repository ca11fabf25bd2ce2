"""What checks make of what they were told, without asking anybody."""

from collections.abc import Iterable

import pytest

from schemas.catalogue import Catalogue
from schemas.contract.channels import Component
from schemas.events import PolicyActivated
from schemas.policy import Policy
from streams.doctor.checks import brokers, clock, groups, keys, policy, processes, rights, vendor
from streams.doctor.checks.groups import Reading, Unread
from streams.doctor.checks.rights import HeldRights
from streams.doctor.findings import Finding, Status
from streams.fold.effects import ShareTooLarge
from streams.fold.inforce import InForce
from streams.fold.share import WINDOW, PollShare
from streams.history import Place
from streams.kafka.acls.cluster import OPERATIONS
from streams.kafka.acls.rights import ALL_TOPICS, Operation, reads, writes
from streams.kafka.acls.rights import rights as needed_by
from streams.kafka.identity import PartitionDescription, TopicDescription
from streams.kafka.topics import AGENT, EVENTS, Layout
from streams.operate.inforce import Standing
from streams.vendor.gate.standing import Entry, State, Told
from streams.vendor.gate.standing import Standing as Pair
from tests.unit.worker.test_health import Partition, owning, unready

READ, WRITE = (1 << OPERATIONS[one] for one in (Operation.READ, Operation.WRITE))
SEEN = (1 << OPERATIONS[Operation.DESCRIBE]) | (1 << OPERATIONS[Operation.DESCRIBE_CONFIGS])


def told(findings: Iterable[Finding]) -> list[tuple[Status, str]]:
    """Give how each is, and what; each that is not well says what to do."""
    found = list(findings)
    assert all(one.remedy for one in found if one.status in {Status.WARNING, Status.WRONG})
    return [(one.status, one.what) for one in found]


# -- brokers


def described(*partitions: tuple[int, int, list[int], list[int]]) -> list[TopicDescription]:
    """Give a topic with partitions: number, leader, replicas and those in sync."""
    return [TopicDescription(0, EVENTS, "an-id", [PartitionDescription(*one) for one in partitions], 0)]


def test_copies_are_told() -> None:
    """No leader: nothing goes on; too few in sync: nothing is written; one behind: a warning."""
    layout = Layout(4, 3)
    topics = described((0, -1, [1, 2, 3], []), (1, 1, [1, 2, 3], [1]), (2, 1, [1, 2, 3], [1, 2]), (3, 1, [1], [1, 2]))
    assert told(brokers._copies(topics, layout)) == [
        (Status.WRONG, f"{EVENTS}/0: no broker leads them, so nothing is read or written there"),
        (Status.WRONG, f"{EVENTS}/1: too few copies in sync, so nothing is written there"),
        (Status.WARNING, f"{EVENTS}/2: a copy is not in sync"),
    ]
    many = described(*((number, -1, [1], []) for number in range(30)))
    ((_, what),) = told(brokers._copies(many, layout))
    assert "and 25 more: no broker" in what


def test_too_few_brokers_are_told() -> None:
    """Three copies need three brokers."""
    assert told(brokers._few(3, Layout(12, 3))) == []
    assert told(brokers._few(2, Layout(12, 3))) == [(Status.WARNING, "2 brokers for 3 copies of each record")]


# -- clock


@pytest.mark.parametrize(
    ("ahead", "within", "wanted"),
    [
        (4.9, 0.0, []),
        (5.0, 0.0, [(Status.WARNING, "this machine's clock is 5 s behind it")]),
        (60.0, 0.0, [(Status.WRONG, "this machine's clock is 60 s behind it")]),
        (-6.0, 1.5, []),
        (8.0, 1.0, [(Status.WARNING, "this machine's clock is 8 s behind it")]),
        (61.0, 0.5, [(Status.WRONG, "this machine's clock is 61 s behind it")]),
        (
            -90.0,
            0.5,
            [(Status.WRONG, "this machine's clock is 90 s ahead of it; brokers refuse records 300 s ahead of them")],
        ),
    ],
)
def test_a_clock_is_judged_by_what_is_sure(ahead: float, within: float, wanted: list[tuple[Status, str]]) -> None:
    """A slow answer accuses nobody; what is off for sure is told by how much, and in which direction."""
    assert told(clock._judged(ahead, within, "it")) == wanted


# -- groups


def reading(members: int = 1, still: Iterable[int] = (), **unread: Unread) -> Reading:
    """Give a group at the second look."""
    numbered = {int(name.removeprefix("p")): one for name, one in unread.items()}
    return Reading(AGENT, Component.AGENT, EVENTS, members, numbered, frozenset(still))


def test_lag_is_told_by_what_becomes_of_it() -> None:
    """Nothing, what is under way, what goes on though late, what stands still, and what nobody reads."""
    young, old = Unread(7, 10, 2.0), Unread(7, 1200, 3600.0)
    assert told(groups._lag(AGENT, reading())) == [(Status.OK, f"{AGENT}: all of {EVENTS} is read")]
    unread = f"{AGENT}: 10 messages of {EVENTS} unread, the oldest for 2 s"
    assert told(groups._lag(AGENT, reading(p0=young))) == [(Status.OK, unread)]
    late = f"{AGENT}: 1,210 messages of {EVENTS} unread, the oldest for 3,600 s"
    assert told(groups._lag(AGENT, reading(p0=young, p2=old))) == [(Status.WARNING, f"{late}; it goes on")]
    still = reading(1, [2], p0=young, p2=old)
    assert told(groups._lag(AGENT, still)) == [(Status.WRONG, f"{late}; partitions 2 stand still")]
    assert told(groups._lag(AGENT, reading(0))) == [
        (Status.WARNING, f"{AGENT}: all of {EVENTS} is read, and nobody is in the group")
    ]
    assert told(groups._lag(AGENT, reading(0, p0=young))) == [(Status.WRONG, f"{unread}, and nobody is in the group")]
    assert told(groups._lag(AGENT, None)) == [
        (Status.LEFT_OUT, f"{AGENT}: no right to see how far it has read"),
    ]


def test_a_paused_partition_is_told_with_what_helps() -> None:
    """In the words of a worker: where a resume helps it is named; where not, the reason itself says what does."""
    with pytest.raises(ShareTooLarge) as raised:
        share_of(dead_letters=WINDOW).require(0.1)
    share, later = str(raised.value), "a later release has worked here; start that one again"
    lines = unready(owning(Partition(3, paused=share), Partition(4, paused=later)))
    first, second = groups._paused("http://a:1", dict(processes.paused(processes.Page("http://a:1", 503, lines))))
    assert first.what == f"http://a:1: partition 3 is paused: {share}"
    assert "`txpush override resume 3`" in first.remedy
    assert (second.what, "resume" in second.remedy) == (f"http://a:1: partition 4 is paused: {later}", False)


def test_what_stands_still_is_guessed_at_unless_workers_tell() -> None:
    """Kafka knows of no pause: a partition that somebody has and that does not go on may be one."""
    page, still = processes.Page("http://a:1", 503, ["partition 3 is paused: too many"]), reading(1, [2])
    assert told(groups._stopped([page], [still])) == [
        (Status.WRONG, "http://a:1: partition 3 is paused: too many"),
    ]
    ((status, what),) = told(groups._stopped([], [still]))
    assert (status, what.startswith(f"{EVENTS} 2 may be paused")) == (Status.WARNING, True)
    for nobodys_or_going in (reading(0, [2]), reading(1)):
        assert told(groups._stopped([], [nobodys_or_going])) == [(Status.OK, "none")]
    assert [one.status for one in groups._stopped([], [None])] == [Status.LEFT_OUT]


def share_of(*, dead_letters: int) -> PollShare:
    """Give the share of a poll that has nothing but dead letters of nobody."""
    share = PollShare([])
    for _ in range(dead_letters):
        share.take([None])
    return share


# -- policy


def activation(version: str) -> PolicyActivated:
    """Give a policy of some version as the log has it."""
    rules = InForce.of(Policy(version=version), Catalogue.load())
    return PolicyActivated(
        policy=rules.rules.policy,
        policy_sha256=rules.policy_sha256,
        catalogue=rules.rules.catalogue,
        catalogue_sha256=rules.catalogue_sha256,
        engine_version=rules.engine_version,
    )


def test_the_policy_is_in_force_everywhere_or_told() -> None:
    """Missing on a partition, another one on a partition, and one that waits to be read."""
    places = [Place(EVENTS, number) for number in range(3)]
    one, other = Standing(activation("one")), Standing(activation("other"))
    (good,) = told(policy._judged(dict.fromkeys(places, one), None))
    assert (good[0], good[1].startswith("in force: version one (")) == (Status.OK, True)
    mixed = {places[0]: one, places[1]: None, places[2]: one}
    assert told(policy._judged(mixed, None))[0] == (Status.WARNING, f"none yet on {EVENTS} 1")
    mixed = {places[0]: one, places[1]: one, places[2]: other}
    assert told(policy._judged(mixed, None))[0] == (Status.WRONG, f"another one on {EVENTS} 2 than elsewhere")
    waiting = {places[0]: Standing(activation("one"), 0)}
    assert told(policy._judged(waiting, None))[0] == (Status.WARNING, f"one waits to be read on {EVENTS} 0")
    assert told(policy._judged(dict.fromkeys(places), None)) == [(Status.WARNING, f"none yet on {EVENTS} 0-2")]


# -- rights


def held(component: Component, **more: int) -> HeldRights:
    """Give what a component may do by the ACLs, and more on some topics."""
    bits = {
        topic: SEEN | (READ if topic in reads(component) else 0) | (WRITE if topic in writes(component) else 0)
        for topic in ALL_TOPICS
    }
    return HeldRights(bits | more, {AGENT: READ}, [f"{AGENT}."])


def test_rights_are_compared_with_the_contract() -> None:
    """Nothing to say of what fits; what is missing is named, and a topic too many to write to."""
    needed = rights._told_apart(needed_by(Component.AGENT))
    assert told(rights._missing(Component.AGENT, needed, held(Component.AGENT))) == []
    assert told(rights._too_many(Component.AGENT, held(Component.AGENT))) == []
    ((status, what),) = told(rights._missing(Component.AGENT, needed, held(Component.AGENT, **{EVENTS: SEEN})))
    assert (status, what) == (Status.WRONG, f"agent lacks Read on topic {EVENTS}, Write on topic {EVENTS}")
    nobody = HeldRights({}, {}, [])
    ((_, what),) = told(rights._missing(Component.AGENT, needed, nobody))
    assert f"and {len(needed) - rights.NAMED} more" in what
    ((status, what),) = told(rights._too_many(Component.BRIDGE, held(Component.BRIDGE, **{"vendor.auth": WRITE})))
    assert (status, what) == (
        Status.WARNING,
        "bridge may write to vendor.auth, which is none of its business",
    )
    assert not held(Component.AUDITOR).is_unlimited
    assert HeldRights(dict.fromkeys(ALL_TOPICS, READ | WRITE), {}, []).is_unlimited


def test_a_user_without_a_component_is_told_for_whom_it_would_do() -> None:
    """Whoever looks at an environment sees whose rights it has."""
    assert rights._enough_for([Component.OPERATOR]).what.startswith("enough for operator")
    assert rights._enough_for([]).status is Status.WARNING


# -- credentials and keys


def entry(state: State) -> Told:
    return Told(1_000, Entry(state=state, who="executor-0"))


@pytest.mark.parametrize(
    ("pair", "status", "words"),
    [
        (None, Status.OK, "never tried yet"),
        (Pair(), Status.OK, "never tried yet"),
        (Pair(accepted=entry(State.ACCEPTED)), Status.OK, "accepted, the last time 1970-01-01T00:00:01Z"),
        (Pair(refused=entry(State.REFUSED)), Status.WRONG, "not tried any more: the vendor refused the credentials"),
        (Pair(claims={"a": entry(State.UNANSWERED)}), Status.WARNING, "tried, and never accepted yet"),
    ],
)
def test_credentials_are_judged_by_the_gate(pair: Pair | None, status: Status, words: str) -> None:
    """What other processes have learned of them is told, and nothing is tried."""
    ((found, what),) = told([vendor._standing(pair, 2_000)])
    assert (found, what.startswith(words)) == (status, True), what


@pytest.mark.parametrize(
    ("opened", "unopened", "enforced", "wanted"),
    [
        (3, 0, True, Status.OK),
        (3, 1, True, Status.WRONG),
        (3, 1, False, Status.WARNING),
        (2, 2, False, Status.WARNING),
        (1, 3, False, Status.WRONG),
        (0, 0, True, Status.WARNING),
        (0, 0, False, Status.OK),
    ],
)
def test_signing_keys_are_judged_by_what_they_cost(opened: int, unopened: int, enforced: bool, wanted: Status) -> None:  # noqa: FBT001 - a case
    """One key that cannot be opened is an account whose notifications are refused, where signatures are enforced."""
    assert keys._judged(opened, unopened, enforced=enforced, has_secrets=True).status is wanted
