"""A customer is forgotten: all is whole and the same, and no output has an id by which they could be known."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from schemas.catalogue import Catalogue
from schemas.policy import Policy
from streams.audit import command as audits
from streams.audit.faults import Fault, Kind
from streams.audit.parallel import proven_here
from streams.audit.withholding import withheld
from streams.cli import txpush
from streams.explain import command as stories
from streams.history import Place
from streams.kafka.topics import AUDIT, CUSTOMER_COMMANDS, EVENTS, LOOKUP
from streams.operate.differences import as_toml
from streams.replay import command as replays
from streams.testing import Topology
from streams.testing.broker import Record
from streams.testing.history import MemoryHistory
from tests.component.replay.stage import Edit, Tampered
from tests.unit.explain.stories import ACCOUNT, CUSTOMER, LOGIN, OTHER, connect, forget, notify, report

MINE, OTHER_KEY = CUSTOMER.encode(), OTHER.encode()


@pytest.fixture(scope="module")
def topology() -> Topology:
    """Give the life of two customers of whom one is forgotten in the end."""
    with Topology(partitions=1, policy=Policy.load(), catalogue=Catalogue.load()) as topology:
        notify(topology, 185)
        notify(topology, 103, "5900000077", OTHER, institutionLoginId="7100000077")
        topology.advance(hours=25)
        report(topology, topology.commands("remediation.connect-fix")[0]["command_id"], "delivered", f"to {CUSTOMER}")
        connect(topology, "done")
        topology.advance(hours=30)
        forget(topology)
        topology.advance(hours=1)
    return topology


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, topology: Topology, tmp_path: Path) -> "Run":
    """Give what runs commands."""
    return Run(monkeypatch, topology, tmp_path)


class Run:
    """Runs commands on the history, as it is or edited, and keeps all that they have said or written."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, topology: Topology, folder: Path) -> None:
        self._monkeypatch = monkeypatch
        self._topology = topology
        self.folder = folder
        self.said = ""

    def __call__(self, *words: str, edits: dict[Place, Edit] | None = None) -> Result:
        """Run one."""
        origin = Tampered(self._topology, edits or {})
        for module in (audits, replays, stories):
            self._monkeypatch.setattr(module, "origin_of", lambda *_: origin)
        self._monkeypatch.setattr(audits, "proven_in_processes", proven_here)
        result = CliRunner().invoke(txpush, words)
        self.said += result.output + "".join(path.read_text() for path in self.folder.iterdir())
        return result

    def replay(self, *words: str, edits: dict[Place, Edit] | None = None) -> Result:
        """Replay, and write all that there is to write."""
        files = ("--jsonl", str(self.folder / "lines"), "--html", str(self.folder / "page.html"))
        return self("replay", "--jobs", "1", *files, *words, edits=edits)


def of_customer(topology: Topology) -> set[str]:
    """Give every word by which the customer could be known: ids of theirs, of their events and of their commands."""
    ids = {
        dict(record.headers)["ce_id"].decode()
        for topic in (EVENTS, *CUSTOMER_COMMANDS, LOOKUP)
        for record in topology.read(topic)
        if record.key == MINE
    }
    assert len(ids) >= 6
    return {CUSTOMER, ACCOUNT, LOGIN, *ids, *(one.partition(":")[0] for one in ids if "-" in one.partition(":")[0])}


def known(topology: Topology, said: str) -> set[str]:
    return {word for word in of_customer(topology) if word in said}


def test_all_is_whole_and_the_same(run: Run, topology: Topology) -> None:
    """Nothing of a chain is taken away: what was decided is proven and derived as ever."""
    verified = run("audit", "verify")
    assert (verified.exit_code, verified.output.splitlines()[-1].split(":")[0]) == (0, "whole")
    assert run("audit", "verify", "--json").exit_code == 0
    replayed = run.replay()
    assert (replayed.exit_code, replayed.output.split(":")[0]) == (0, "same")
    assert known(topology, run.said) == set()


def without(records: list[Record], topic: str) -> list[Record]:
    """Leave out what is about the customer, or take the messages out of decisions on them."""
    if topic != AUDIT:
        return [record for record in records if record.key != MINE]
    return [
        record._replace(value=(record.value or b"").replace(b'"messages":[{', b'"messages":[],"x":[{'))
        if record.key == MINE
        else record
        for record in records
    ]


def other_bytes(records: list[Record]) -> list[Record]:
    """Have every message of the customer changed."""
    return [one._replace(value=(one.value or b"") + b" ") if one.key == MINE else one for one in records]


def other_ids(records: list[Record]) -> list[Record]:
    """Have every message of the customer under another one's key: nobody names it there."""
    return [one._replace(key=OTHER_KEY) if one.key == MINE else one for one in records]


def no_longer(records: list[Record]) -> list[Record]:
    return [record for record in records if record.key != MINE]


@pytest.mark.parametrize("edit", [other_bytes, other_ids, no_longer])
def test_faults_name_nobody(run: Run, topology: Topology, edit: Edit) -> None:
    """A message that is changed, under another key, or gone: its place says where to look."""
    for words in ((), ("--json",)):
        assert run("audit", "verify", *words, edits={Place(CUSTOMER_COMMANDS[0], 0): edit}).exit_code == 1
    assert "message (withheld)" in run.said
    assert known(topology, run.said) == set()


def planted(records: list[Record], which: int) -> list[Record]:
    """Have a message of the customer once more, under another one's key and in the place of their last."""
    mine = [one for one in records if one.key == MINE][which]
    theirs = [one for one in records if one.key == OTHER_KEY][-1]
    return [mine._replace(key=OTHER_KEY, offset=one.offset) if one is theirs else one for one in records]


@pytest.mark.parametrize("which", [0, -1])
def test_what_is_forged_under_another_key_names_nobody(run: Run, topology: Topology, which: int) -> None:
    """Behind the true one, or before it: an id that nothing of ours has written there is anybody's."""
    edits: dict[Place, Edit] = {Place(CUSTOMER_COMMANDS[0], 0): partial(planted, which=which)}
    assert run("audit", "verify", edits=edits).exit_code == 1
    assert "no decision names message '(withheld)'" in run.said
    assert run.replay(edits=edits).exit_code == 1
    assert known(topology, run.said) == set()


async def test_what_is_about_two_ids_has_neither(topology: Topology) -> None:
    """That of a decision and that of its record, where either is of who was forgotten; those of others are told."""
    text = "decision 1 is about event 'a:0', the record there is 'b:0'"
    fault = Fault(Kind.DIFFERENT, Place(EVENTS, 0), 3, text, ids=("a:0", "b:0"), keys=(None, MINE))
    history = MemoryHistory(topology.cluster)
    theirs, others = await withheld(history, [fault, replace(fault, keys=(OTHER_KEY, None))])
    assert theirs.text == "decision 1 is about event '(withheld)', the record there is '(withheld)'"
    assert others.text == text


def test_others_are_named(run: Run, topology: Topology) -> None:
    """By the id of their command, as ever."""
    theirs = [one for one in topology.read(CUSTOMER_COMMANDS[0]) if one.key == OTHER_KEY]
    edits: dict[Place, Edit] = {Place(CUSTOMER_COMMANDS[0], 0): no_other}
    assert run("audit", "verify", edits=edits).exit_code == 1
    assert dict(theirs[0].headers)["ce_id"].decode() in run.said


def no_other(records: list[Record]) -> list[Record]:
    return [record for record in records if record.key != OTHER_KEY]


@pytest.mark.parametrize("topic", [CUSTOMER_COMMANDS[0], AUDIT])
def test_differences_name_nobody(run: Run, topology: Topology, topic: str) -> None:
    """Where something is not as it was, its place says where to look."""
    replayed = run.replay(edits={Place(topic, 0): partial(without, topic=topic)})
    assert replayed.exit_code == 1
    assert "(withheld)" in run.said
    assert known(topology, run.said) == set()


def test_another_policy_names_nobody(run: Run, topology: Topology, tmp_path: Path) -> None:
    """What they would have been sent is counted, and told of nobody."""
    policy = Policy.load()
    never = policy.model_copy(
        update={"version": "never", "contact": policy.contact.model_copy(update={"reminder_days": (2,)})}
    )
    file = tmp_path.parent / f"{tmp_path.name}.toml"
    file.write_text(as_toml(never))
    assert run.replay("--policy", str(file)).exit_code == 1
    assert known(topology, run.said) == set()


def test_their_story_names_nobody(run: Run, topology: Topology) -> None:
    """Whoever asks has named the customer; the answer does not."""
    assert run("explain", CUSTOMER).exit_code == 0
    assert run("explain", CUSTOMER, "--json").exit_code == 0
    assert known(topology, run.said) == set()
