"""The list of decoders is whole: whatever of ours reads bytes is fuzzed, or stands here with the reason why not."""

from collections.abc import Mapping
from pathlib import Path

from tests.fuzz.decoders import DECODERS
from tests.fuzz.judge import Judge
from tests.fuzz.readers import Reader, readers, running

OWN, SHIPPED, NUMBER = "what this process has made itself", "a file of the package", "no bytes: a number of a library"
LEFT: Mapping[str, str] = {
    "schemas/contract/": "documents of this checkout, when they are made anew",
    "streams/bridge/command.py _host": "an address of the settings, which have checked it",
    "streams/bridge/redeliveries.py Redeliveries.stored": OWN,
    "streams/bridge/trail.py Trail.tell": OWN,
    "streams/demo/": "what its own processes have just written, in a cluster of its own",
    "streams/doctor/checks/disk.py _locked": "the kernel's own list of locks",
    "streams/doctor/checks/processes.py _page": "shown only, with what is no text replaced",
    "streams/doctor/checks/processes.py paused": NUMBER,
    "streams/doctor/wire.py _ApiVersionsRequestV3.parse_response_header": "Kafka's protocol, which aiokafka reads",
    "streams/domain/institutions/window.py _place": "a hash",
    "streams/executor/pages/texts.py _texts": SHIPPED,
    "streams/kafka/embedded/artifacts.py read_lock": SHIPPED,
    "streams/kafka/embedded/guard.py main": "the command line that its owner has given it",
    "streams/kafka/embedded/process.py Broker._reported_pid": "the line of its own guard",
    "streams/kafka/embedded/process.py last_lines": "shown only, with what is no text replaced",
    "streams/kafka/embedded/security.py BrokerSecurity.properties": "the certificate that a test has made",
    "streams/history/chains.py _named": "the first decision of a restored log; what cannot be read is refused",
    "streams/links/fix.py links_of": "keys of the settings, which have checked them",
    "streams/observe/admin.py AdminServer.start": NUMBER,
    "streams/ports.py free_endpoint": NUMBER,
    "streams/operate/pseudonym.py _ids": "words of the command line, and what is no id is refused",
    "streams/replay/names.py Names._is_of_forgotten": "a key, compared only, with what is no text replaced",
    "streams/replay/command.py Offsets.convert": "words of the command line, and what is no offset is refused",
    "streams/replay/command.py links_of": "keys of the settings, which have checked them",
    "streams/replay/command.py naming_of": "keys of the settings, which have checked them",
    "streams/replay/compare/audits.py _previous": "the end of a decision that is as it was derived but for its links",
    "streams/settings/logs.py LogPart.log_options": "keys of the settings, which have checked them",
    "streams/simulate/ledger.py Message.": OWN,
    "streams/simulate/summary.py Summary.add": OWN,
    "streams/snapshots/": "files that are held against the log: flipped and forged in tests/component/snapshots",
    "streams/subscribe/meters.py Meters.paused": NUMBER,
    "streams/testing/": "what a fold has written in memory, for tests",
    "streams/transport/place.py LogPlace._begin": NUMBER,
    "streams/vendor/gate/kafka.py _partition_of": "a key that this process writes",
    "streams/worker/program.py FoldProgram.table": "makes a reader, and reads nothing",
}
"""By file and function, or by the first part of that."""


def reached(folder: Path) -> set[Reader]:
    """Give the functions that run for some seed; each is looked at by itself, as endless nesting ends the looking."""
    found: set[Reader] = set()
    for decoder in DECODERS.values():
        judge = Judge(decoder, folder)
        for seed in decoder.seeds():
            found |= running(lambda seed=seed, judge=judge: judge(seed))  # type: ignore[misc] # bound to its own
    return found


def test_every_reader_is_fuzzed_or_left_out_for_a_reason(tmp_path: Path) -> None:
    """A new function that reads needs a decoder, or a line above; a line that none needs any more goes."""
    unfuzzed = {" ".join(reader) for reader in readers() - reached(tmp_path)}
    assert {one for one in unfuzzed if not one.startswith(tuple(LEFT))} == set()
    assert {left for left in LEFT if not any(one.startswith(left) for one in unfuzzed)} == set()


def test_what_reads_is_found() -> None:
    """Readers of every kind are among those that are found, those that were made at the top of their module as well."""
    found = {" ".join(reader) for reader in readers()}
    assert {
        "schemas/times.py _in_utc",
        "streams/bridge/services/callers.py read_callers",
        "streams/kafka/embedded/process.py ask",
        "streams/subscriptions/held.py Account.of",
        "streams/transport/local/frames.py read_frames",
        "streams/transport/local/head.py decode_head",
        "streams/vendor/gate/standing.py read_entry",
    } <= found
    assert "streams/bridge/services/callers.py Callers.once" not in found
