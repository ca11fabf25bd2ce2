"""Whatever is not as it was is found, with what it comes from."""

import logging
from collections.abc import Callable, Iterator
from functools import partial
from io import StringIO

import orjson
import pytest
from rich.console import Console

from streams.fold.application import APPLICATIONS
from streams.history import Place
from streams.history.forgotten import WITHHELD
from streams.kafka.topics import AUDIT, EVENTS, TICKETS, changelog
from streams.plain import plain
from streams.replay.compare.difference import DECISION, Cause, Difference, Verdict
from streams.replay.plan import Asked
from streams.replay.report.page import page
from streams.replay.report.table import show
from streams.replay.summary import INCIDENTS, Summary
from streams.testing.broker import Record
from tests.component.replay.stage import Edit, Tampered, audits, lived, replayed
from tests.topology.inputs import policies

FIX = "remediation.connect-fix"
LOG, CHAIN, COMMANDS = Place(EVENTS, 0), Place(AUDIT, 0), Place(FIX, 0)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Keep the poison of the inputs from writing its traces."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


async def found(place: Place, edit: Edit) -> list[Difference]:
    """Replay with one partition edited, and give what differs."""
    return differences(await replayed(lived(), {place: edit}))


def differences(summary: Summary) -> list[Difference]:
    assert summary.exit_code == 1
    return [*summary.incidents, *(one for outcome in summary.outcomes for one in outcome.first)]


def decision(number: int = 10) -> Record:
    """Give a decision on an event of partition 0."""
    return audits(lived(), EVENTS, 0)[number]


def without(gone: Record) -> Edit:
    return lambda records: [record for record in records if record.offset != gone.offset]


def rewritten(target: Record, change: Callable[[dict[str, object]], object]) -> Edit:
    """Give an edit that changes the JSON of a record."""

    def edit(records: list[Record]) -> list[Record]:
        value = orjson.loads(target.value or b"{}")
        change(value)
        other = target._replace(value=orjson.dumps(value))
        return [other if record.offset == target.offset else record for record in records]

    return edit


async def test_a_removed_decision() -> None:
    """It is new: derived, and not recorded; all behind it is the same still."""
    (one,) = await found(CHAIN, without(decision()))
    assert (one.verdict, one.cause, one.what) == (Verdict.NEW, Cause.NO_DECISION, DECISION)
    assert one.offset == orjson.loads(decision().value or b"")["offset"]


async def test_a_forged_decision() -> None:
    """One that nothing in the log leads to is dropped, wherever it says that it belongs."""
    target = decision()
    for offset in (orjson.loads(target.value or b"")["offset"], 3):
        (forged,) = rewritten(target, partial(dict.update, offset=offset, rules=["R99"]))([target])

        def edit(records: list[Record], forged: Record = forged) -> list[Record]:
            place = next(number for number, one in enumerate(records) if one.offset == target.offset)
            return [*records[: place + 1], forged._replace(key=b"7009"), *records[place + 1 :]]

        (one,) = await found(CHAIN, edit)
        assert (one.verdict, one.cause, one.customer) == (Verdict.DROPPED, Cause.NO_EVENT, "7009")


@pytest.mark.parametrize(
    ("field", "value", "cause"),
    [
        ("policy_sha256", "0" * 64, Cause.POLICY),
        ("catalogue_sha256", "0" * 64, Cause.CATALOGUE),
        ("dead_letter", "bad_data", Cause.WAS_DEAD_LETTER),
        ("rules", ["R99"], Cause.RULES),
        ("phase_after", "blue", Cause.OTHERWISE),
        ("state_sha256", "0" * 64, Cause.STATE),
        ("inputs_sha256", "0" * 64, Cause.INPUTS),
        ("previous", "0" * 64, Cause.CHAIN),
        ("event_id", "another", Cause.EVENT),
        ("messages", [{"topic": FIX, "id": "x:0", "sha256": "0" * 64}], Cause.MESSAGES),
    ],
)
async def test_a_field_of_a_decision(field: str, value: object, cause: Cause) -> None:
    """Each tells another story, and all behind it is the same."""
    (one,) = await found(CHAIN, rewritten(decision(), lambda read: read.update({field: value})))
    assert (one.verdict, one.cause) == (Verdict.CHANGED, cause)
    assert field in one.fields


async def test_a_dead_letter_of_now() -> None:
    """What was decided then and cannot be read now."""
    place = audits(lived(), EVENTS, 0)
    (dead,) = [one for one in place if orjson.loads(one.value or b"")["dead_letter"]][:1]
    one, *_ = await found(CHAIN, rewritten(dead, lambda read: read.update(dead_letter=None)))
    assert one.cause is Cause.IS_DEAD_LETTER


async def test_another_engine_is_no_difference() -> None:
    """It is counted, and said: such decisions are compared, not verified."""

    def older(records: list[Record]) -> list[Record]:
        return [
            one._replace(value=(one.value or b"").replace(b'"engine_version":"', b'"engine_version":"0.'))
            for one in records
        ]

    summary = await replayed(lived(), {CHAIN: older})
    assert (summary.differences, summary.exit_code) == (0, 0)
    assert sum(summary.other_engines.values()) == len(audits(lived(), EVENTS, 0)) + len(
        audits(lived(), "institution.signals", 0)
    )


async def test_a_flipped_bit_of_the_log() -> None:
    """The roll over the inputs shows it, whatever it decides."""
    offset = orjson.loads(decision().value or b"")["offset"]

    def flip(records: list[Record]) -> list[Record]:
        return [one._replace(value=(one.value or b"")[:-1] + b" ") if one.offset == offset else one for one in records]

    assert any(one.offset == offset for one in await found(LOG, flip))


async def test_a_command_that_is_missing_forged_changed_or_moved() -> None:
    """Of each its id, but for that of one that nobody has decided; the others are the same."""
    commands = lived().cluster.read(*COMMANDS)
    target = commands[2]
    (missing,) = await found(COMMANDS, without(target))
    assert (missing.verdict, missing.cause, missing.what) == (Verdict.NEW, Cause.NO_MESSAGE, FIX)
    assert missing.id == dict(target.headers)["ce_id"].decode()

    forged = target._replace(headers=(("ce_id", b"forged:0"), *target.headers[2:]))
    (extra,) = await found(COMMANDS, lambda records: [*records[:4], forged, *records[4:]])
    assert (extra.verdict, extra.cause, extra.id) == (Verdict.DROPPED, Cause.FORGED, WITHHELD)
    assert (extra.where, extra.subject) == (str(LOG), f"{COMMANDS}/{target.offset} {WITHHELD}")
    (last,) = await found(COMMANDS, lambda records: [*records, forged])
    assert (last.verdict, last.cause) == (Verdict.DROPPED, Cause.FORGED)

    (changed,) = await found(COMMANDS, rewritten(target, lambda value: value.update(steps=["pay"])))
    assert (changed.verdict, changed.cause, changed.fields) == (Verdict.CHANGED, Cause.BYTES, ("steps",))
    assert changed.shown["steps"][0] == ["pay"]

    def swapped(records: list[Record]) -> list[Record]:
        return [*records[:2], records[3], records[2], *records[4:]]

    moved = await found(COMMANDS, swapped)
    assert {one.verdict for one in moved} == {Verdict.NEW, Verdict.DROPPED}
    assert len({one.id for one in moved}) == 1


async def test_an_incident_that_nobody_announced_or_heard() -> None:
    """Both logs are held against each other."""
    heard = [one for one in lived().cluster.read(*LOG) if b"institution.incident.opened" in dict(one.headers).values()]
    assert heard
    name = dict(heard[0].headers)["ce_id"]
    gone = [one for one in heard if dict(one.headers)["ce_id"] == name]  # it may have been announced twice
    summary = await replayed(lived(), {LOG: lambda records: [one for one in records if one not in gone]})
    (one,) = summary.incidents
    assert (one.what, one.verdict, one.place) == (INCIDENTS, Verdict.NEW, str(LOG))

    forged = heard[0]._replace(headers=tuple((n, b"incident:x" if n == "ce_id" else v) for n, v in heard[0].headers))
    others = await replayed(lived(), {LOG: lambda records: [forged if one in gone else one for one in records]})
    assert {(one.verdict, one.id) for one in others.incidents} == {
        (Verdict.NEW, name.decode()),
        (Verdict.DROPPED, "incident:x"),
    }


async def test_what_is_not_decided_yet() -> None:
    """Where nobody says how far live is, decisions behind the last recorded one are counted, and no difference."""
    controls = frozenset(changelog(one.name, "control") for one in APPLICATIONS)
    last = [one.offset for one in audits(lived(), EVENTS, 0)[-3:]]
    edits = {CHAIN: lambda records: [one for one in records if one.offset not in last]}
    summary = await replayed(lived(), origin=Tampered(lived(), edits, without=controls))
    assert (summary.undecided, summary.counts[DECISION, Verdict.NEW]) == (3, 0)
    assert [one.cause for one in differences(await replayed(lived(), edits))] == [Cause.NO_DECISION] * 3


async def test_a_log_that_nobody_has_decided_on() -> None:
    """Neither its decisions nor their messages are missing: nobody has come to them yet."""
    controls = frozenset(changelog(one.name, "control") for one in APPLICATIONS)
    edits = {Place(topic, number): nothing for topic in (AUDIT, FIX, TICKETS) for number in range(2)}
    summary = await replayed(lived(), origin=Tampered(lived(), edits, without=controls))
    assert summary.undecided == len(lived().read(AUDIT))
    assert not {FIX, TICKETS} & {what for what, _ in summary.counts}


def nothing(_records: list[Record]) -> list[Record]:
    return []


async def test_a_decision_that_nobody_can_read_is_named() -> None:
    """Its partition is not replayed, the others are, and it is said what names the decision."""
    summary = await replayed(lived(), {CHAIN: rewritten(decision(), lambda said: said.update(event_time="soon"))})
    ((place, error),) = [(one.place, one.error) for one in summary.outcomes if one.error]
    assert (place, summary.exit_code) == (LOG, 2)
    assert "txpush audit verify" in str(error)


async def test_rules_that_nobody_can_read_put_nothing_in_force() -> None:
    """They are set aside, as the agent does; that this was decided otherwise is a difference."""
    found_ = await found(LOG, lambda records: [one._replace(value=b"{") if not one.offset else one for one in records])
    assert found_[0].offset == 0


async def test_an_id_moves_no_cursor() -> None:
    """Whoever forges a message chooses its id and its key."""
    forged = (
        lived().cluster.read(*COMMANDS)[2]._replace(key=b"\x1b[2J", headers=(("ce_id", b"a\x1b[2J\n0 differences"),))
    )
    edits = {COMMANDS: lambda records: [*records, forged]}
    console = Console(file=StringIO(), width=80)
    show(await replayed(lived(), edits), console)
    text = console.file.getvalue()  # type: ignore[attr-defined] # the one of above
    assert "dropped" in text
    assert ("\x1b" in text, "\n0 differences" in text) == (False, False)


@pytest.mark.parametrize("hostile", ["a\x1b[2J\n0 differences", "\u202eevil", "[/foo]", "[bold red]x[/]"])
async def test_words_of_a_forged_command_are_shown_as_they_are(hostile: str) -> None:
    """Under another policy, too: its kind, action and rules are text, no markup, and move no cursor."""
    target = lived().cluster.read(*COMMANDS)[2]
    value = orjson.loads(target.value or b"{}") | {"kind": hostile, "action": hostile, "command_id": "x"}
    value["evidence"]["rules"] = [hostile]
    forged = target._replace(value=orjson.dumps(value))
    summary = await replayed(lived(), {COMMANDS: lambda records: [*records, forged]}, Asked(policy=policies()[1]))
    console = Console(file=StringIO(), width=160)
    show(summary, console)
    text = console.file.getvalue()  # type: ignore[attr-defined] # the one of above
    assert plain(hostile) in text
    assert not {"\x1b", "\u202e"} & {*text, *page(summary, "a cluster")}


async def test_a_forged_time_and_a_deep_value_are_told() -> None:
    """A timestamp beyond all times, and a value that nothing can write, are differences like others."""
    target = lived().cluster.read(*COMMANDS)[2]
    late = target._replace(timestamp=2**62)
    (one,) = await found(COMMANDS, lambda records: [*records, late])
    assert one.at == 2**62
    summary = await replayed(lived(), {COMMANDS: lambda records: [*records, late]})
    show(summary, Console(file=StringIO()))
    assert "0001-01-01" in page(summary, "a cluster")
    value = orjson.loads(target.value or b"{}") | {"steps": 0}
    deep = orjson.dumps(value).replace(b'"steps":0', b'"steps":' + b"[" * 900 + b"]" * 900)
    edit = {COMMANDS: lambda records: [r._replace(value=deep) if r.offset == target.offset else r for r in records]}
    changed, *_ = differences(await replayed(lived(), edit))
    assert "steps" in changed.fields
