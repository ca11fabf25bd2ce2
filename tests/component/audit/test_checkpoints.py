"""Checkpoints: signed, in order, verifiable without Kafka; and what a rewritten chain cannot hide from them."""

import stat
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from streams.audit.checkpoints.command import Order, _round
from streams.audit.checkpoints.folder import CheckpointError, Checkpoints, FolderError, name_of, read_folder
from streams.audit.checkpoints.keys import KeyFileError, make_pair, read_private, read_public
from streams.audit.checkpoints.making import Made, checkpoint_made
from streams.audit.faults import Kind
from streams.audit.parallel import proven_here
from streams.audit.plan import LOGS, Ways
from streams.audit.planning import Asked
from streams.audit.verify import RESTORED, verified
from streams.history import Place
from streams.kafka.topics import AUDIT, CUSTOMER_COMMANDS, EVENTS
from tests.unit.audit.tape import Tape, TapeHistory, TapeOrigin, grown, recorded, verdict
from tests.unit.audit.test_tampering import flipped, rewritten

NOW = datetime(2026, 12, 1, tzinfo=UTC)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(31) + b"\1")


async def sign(tape: Tape, folder: Path, key: Ed25519PrivateKey = KEY, *, former: Checkpoints | None = None) -> Made:
    """Make a checkpoint."""
    asked = Asked(now=NOW + timedelta(hours=_count(folder)))
    return await checkpoint_made(TapeOrigin(tape), folder, key, asked, Ways(), run=proven_here, former=former)


def _count(folder: Path) -> int:
    return len(list(folder.iterdir()))


async def signed_on_the_way(folder: Path) -> tuple[Tape, Checkpoints]:
    """Make checkpoints of a history as it grows, and give all of it."""
    for tape in grown():
        made = await sign(tape, folder)
        assert (made.verdict.faults, made.left_out) == ((), {})
    return grown()[-1].copy(), read_folder(folder, [KEY.public_key()])


async def test_each_goes_on_from_the_one_before(tmp_path: Path) -> None:
    """Only what came since is read; the numbers are those of all of it."""
    tape, known = await signed_on_the_way(tmp_path)
    assert [one.checkpoint.number for one in known.kept] == [1, 2, 3, 4]
    whole = await verdict(tape)
    counts = {(place.topic, place.partition): one.decisions for place, one in known.latest().items()}
    assert counts == {
        (log, proof.number): walked.decisions for proof in whole.proofs for log, walked in proof.walked.items()
    }
    again = await verdict(tape, Asked(starts=known.latest()))
    assert again.faults == ()
    assert all(walked.decisions == 0 for proof in again.proofs for walked in proof.walked.values())


async def test_a_whole_chain_agrees_with_all_of_them(tmp_path: Path) -> None:
    """From the beginning to the state."""
    tape, known = await signed_on_the_way(tmp_path)
    assert (await verdict(tape, Asked(checkpoints=known.marks()))).faults == ()


async def test_a_rewritten_chain_is_found(tmp_path: Path) -> None:
    """The first checkpoint that does not fit is named, and between which offsets it was."""
    tape, known = await signed_on_the_way(tmp_path)
    place = Place(EVENTS, 0)
    first, second, third = (mark.next_offset for mark in known.marks()[place][:3])
    assert first < second < third
    rewritten(tape, place, second + 1)
    assert (await verdict(tape)).faults == ()
    fault = (await verdict(tape, Asked(checkpoints=known.marks()))).faults[0]
    assert (fault.kind, fault.place, fault.offset) == (Kind.REWRITTEN, place, third)
    assert "the chain is not the one of checkpoint 3 of 2026-12-01" in fault.text
    assert f"between offset {second} and offset {third}" in fault.text


async def test_a_broken_chain_is_not_signed(tmp_path: Path) -> None:
    """It is left out and named; the others are signed, and it is signed again only when it is whole."""
    tape = grown()[0].copy()
    place, record = tape.there(EVENTS)[3]
    tape.put(place, record._replace(value=flipped(record.value, 3)))
    made = await sign(tape, tmp_path)
    assert list(made.left_out) == [str(place)]
    assert "it was changed" in made.left_out[str(place)]
    assert place not in read_folder(tmp_path, [KEY.public_key()]).latest()
    assert (await sign(grown()[1], tmp_path)).left_out == {}


class Restored(TapeHistory):
    """A tape on another cluster: topics have other ids, and only the logs have the offsets that they had."""

    cluster_id = "restored"

    @property
    def topics(self) -> Mapping[str, str]:
        """Each has a new id."""
        return {topic: f"new-{topic}" for topic in super().topics}

    def identity(self, topic: str) -> str:
        """Give the name of its chains, had they begun here."""
        return f"restored/new-{topic}"


@dataclass(frozen=True)
class RestoredOrigin:
    """A restored cluster as an origin."""

    tape: Tape

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Restored]:
        """Open it."""
        yield Restored(self.tape)


def restored(tape: Tape) -> Tape:
    """Give a tape as a restored cluster has it: decisions and messages without the gaps that transactions leave."""
    tape = tape.copy()
    for place, records in tape.records.items():
        if place.topic not in LOGS:
            tape.records[place] = [one for one in records if one is not None]
            tape.renumber(place)
    return tape


async def test_a_restored_cluster_goes_on_with_its_checkpoints(tmp_path: Path) -> None:
    """They have the names that its chains began with; all is proven from the beginning, and agrees with the last."""
    grown_up, known = await signed_on_the_way(tmp_path)
    tape = restored(grown_up)
    asked = Asked(now=NOW + timedelta(days=1))
    made = await checkpoint_made(RestoredOrigin(tape), tmp_path, KEY, asked, Ways(), run=proven_here)
    assert (made.verdict.faults, made.left_out) == ((), {})
    again = read_folder(tmp_path, [KEY.public_key()])
    assert {place: one.decisions for place, one in again.latest().items()} == {
        place: one.decisions for place, one in known.latest().items()
    }
    rewritten(tape, Place(EVENTS, 0), known.marks()[Place(EVENTS, 0)][0].next_offset + 1)
    former = Asked(starts=known.latest(), former=known.names)
    (fault, *_) = (await verified(RestoredOrigin(tape), former, Ways())).faults
    assert "is not the one of the last checkpoint of the former cluster" in fault.text


async def test_a_restored_cluster_says_what_is_needed() -> None:
    """Without the names of before all its chains seem cut off; of one among others that is, no such thing is said."""
    verdict = await verified(RestoredOrigin(restored(grown()[3])), Asked(), Ways())
    assert verdict.faults
    assert RESTORED in verdict.notes
    cut = grown()[3].copy()
    place, first = cut.there(AUDIT)[0]
    cut.remove(place, first.offset)
    assert RESTORED not in (await verified(TapeOrigin(cut), Asked(), Ways())).notes


async def test_a_restored_chain_without_its_beginning_has_to_agree(tmp_path: Path) -> None:
    """One that was made anew is not hidden by taking away what lies in front of the checkpoint."""
    for tape in grown()[:3]:
        await sign(tape, tmp_path)
    known, tape, place = read_folder(tmp_path, [KEY.public_key()]), restored(grown()[3]), Place(EVENTS, 0)
    rewritten(tape, place, 6)
    signed_to = known.marks()[place][-1].next_offset
    decided = [orjson.loads(one.value or b"") for one in tape.records[Place(AUDIT, 0)] if one is not None]
    behind = next(at for at, one in enumerate(decided) if (one["topic"], one["offset"] >= signed_to) == (EVENTS, True))
    tape.begins[Place(AUDIT, 0)] = behind
    asked = Asked(starts=known.latest(), former=known.names)
    faults = (await verified(RestoredOrigin(tape), asked, Ways())).faults
    assert any("is not the one of the last checkpoint of the former cluster" in one.text for one in faults)
    made = await checkpoint_made(
        RestoredOrigin(tape), tmp_path, KEY, Asked(now=NOW + timedelta(days=1)), Ways(), run=proven_here
    )
    assert str(place) in made.left_out


async def test_what_is_signed_names_nobody(tmp_path: Path) -> None:
    """Who is named in a file that is never changed could not be forgotten any more: the place says where to look."""
    tape = grown()[0].copy()
    place, record = tape.there(CUSTOMER_COMMANDS[0])[0]
    tape.put(place, record._replace(value=b"{}"))
    made = await sign(tape, tmp_path)
    ((_, why),) = made.left_out.items()
    name = dict(record.headers)["ce_id"].decode()
    assert name in str(made.verdict.faults[0])
    assert name not in (tmp_path / name_of(1)).read_text()
    assert why.startswith(f"changed: {place} at {record.offset}: message (withheld) ")


async def test_a_folder_that_is_away_for_a_while(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Signing again and again does not end with it: the round is told as one that could not be, and comes again."""
    make_pair(tmp_path / "audit.key")
    order = Order(tmp_path / "audit.key", tmp_path / "gone", (), ())
    assert await _round(order, TapeOrigin(grown()[0])) is False
    assert "gone: cannot be read: No such file or directory" in caplog.text


def test_a_file_that_cannot_be_read_is_no_fault(tmp_path: Path) -> None:
    """Nothing is said of what it has: the command ends with 2, not with 1."""
    (tmp_path / name_of(1)).mkdir()
    with pytest.raises(FolderError, match=f"{name_of(1)}: cannot be read: Is a directory; let who checks read it"):
        read_folder(tmp_path, [KEY.public_key()])


async def test_a_forged_command_since_the_last_one_is_found(tmp_path: Path) -> None:
    """Messages are compared from the very one on that the checkpoint names; earlier ones are not read again."""
    tape, known = await signed_on_the_way(tmp_path)
    place, record = tape.there(CUSTOMER_COMMANDS[0])[0]
    tape.append(place, record)
    (fault,) = (await verdict(tape, Asked(starts=known.latest()))).faults
    assert (fault.kind, fault.place, fault.offset) == (Kind.FORGED, place, len(tape.records[place]) - 1)


async def test_an_old_signal_written_anew_is_found(tmp_path: Path) -> None:
    """Under the name of one that was compared before the checkpoint."""
    tape, known = await signed_on_the_way(tmp_path)
    failing = ("ce_type", b"institution.login.failing")
    place, record = tape.there("institution.signals", chosen=lambda one: failing in one.headers)[0]
    tape.append(place, record)
    (fault,) = (await verdict(tape, Asked(starts=known.latest()))).faults
    assert (fault.kind, fault.place) == (Kind.FORGED, place)


async def test_a_file_that_was_touched_is_refused(tmp_path: Path) -> None:
    """Changed in any byte, taken out of the midst, renamed, or signed by somebody else."""
    await signed_on_the_way(tmp_path)
    second = tmp_path / name_of(2)
    written = second.read_bytes()
    for position in range(0, len(written), 97):
        second.write_bytes(flipped(written, position))
        with pytest.raises(CheckpointError, match="checkpoint-00000002"):
            read_folder(tmp_path, [KEY.public_key()])
    second.write_bytes(written)
    with pytest.raises(CheckpointError, match="none of the keys has signed it"):
        read_folder(tmp_path, [OTHER.public_key()])
    second.unlink()
    with pytest.raises(CheckpointError, match=r"checkpoint-00000002\.json is missing, between 1 and 3"):
        read_folder(tmp_path, [KEY.public_key()])


async def test_one_of_another_history_does_not_follow(tmp_path: Path) -> None:
    """Signed by the same key, it is still not the next one."""
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    await signed_on_the_way(one)
    for _ in range(2):
        await sign(recorded(2), other)
    (one / name_of(2)).write_bytes((other / name_of(2)).read_bytes())
    with pytest.raises(CheckpointError, match="does not go on from the one before"):
        read_folder(one, [KEY.public_key()])


async def test_a_new_key_goes_on(tmp_path: Path) -> None:
    """Who checks gives both; who signs, the former public one."""
    first, second = grown()[:2]
    await sign(first, tmp_path)
    keys = [OTHER.public_key(), KEY.public_key()]
    with pytest.raises(CheckpointError):
        await sign(second, tmp_path, OTHER)
    await sign(second, tmp_path, OTHER, former=read_folder(tmp_path, keys))
    assert read_folder(tmp_path, keys).number == 2


def test_a_pair_of_keys(tmp_path: Path) -> None:
    """For the owner's eyes only, and never overwritten."""
    path = tmp_path / "audit.key"
    public = make_pair(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_private(path).public_key() == read_public(public)
    with pytest.raises(KeyFileError, match="never overwritten"):
        make_pair(path)
    public.chmod(0o600)
    with pytest.raises(KeyFileError, match="no private key"):
        read_private(public)
    with pytest.raises(KeyFileError, match="no public key"):
        read_public(path)
    with pytest.raises(KeyFileError, match="txpush audit keygen"):
        read_private(tmp_path / "none")


async def test_a_topic_that_was_cut_off_behind_a_checkpoint_is_found(tmp_path: Path) -> None:
    """What goes on from a checkpoint would have nothing to read there, and nothing to find wrong."""
    tape, known = await signed_on_the_way(tmp_path)
    for topic in (EVENTS, AUDIT, CUSTOMER_COMMANDS[0]):
        place, _ = tape.there(topic)[0]
        cut = tape.copy()
        del cut.records[place][-3:]
        faults = (await verdict(cut, Asked(starts=known.latest()))).faults
        assert (Kind.MISSING, place, len(cut.records[place])) in [(one.kind, one.place, one.offset) for one in faults]


async def test_the_oldest_may_not_be_taken_away(tmp_path: Path) -> None:
    """Unless somebody says that they are kept elsewhere, and which is the first that is here."""
    await signed_on_the_way(tmp_path)
    for number in (1, 2):
        (tmp_path / name_of(number)).unlink()
    with pytest.raises(CheckpointError, match=r"begins with checkpoint-00000003\.json.*--first 3"):
        read_folder(tmp_path, [KEY.public_key()])
    assert [one.checkpoint.number for one in read_folder(tmp_path, [KEY.public_key()], first=3).kept] == [3, 4]
    (tmp_path / name_of(3)).unlink()
    with pytest.raises(CheckpointError, match="older ones were taken away"):
        read_folder(tmp_path, [KEY.public_key()], first=3)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644, 0o666])
def test_a_private_key_is_its_owners_alone(tmp_path: Path, mode: int) -> None:
    """As ssh has it: one that others could have read is not used, and it is said how to mend that."""
    path = tmp_path / "audit.key"
    make_pair(path)
    path.chmod(mode)
    with pytest.raises(KeyFileError, match=f"chmod 600 {path}"):
        read_private(path)
    path.chmod(0o400)
    assert read_private(path)
