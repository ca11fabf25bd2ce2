"""The state of the agents as it goes over: the last value of each key, and the name of the new log in it."""

from collections.abc import AsyncIterator, Mapping, Sequence

import msgspec

from schemas.state import ControlState, encode, replace
from schemas.state.partitions import STATE_VERSION
from streams.export.choices import CONTROLS, STATE, ExportError
from streams.fold.effects import SourceRecord
from streams.history import History, Place
from streams.history.exports.lines import ExportedRecord
from streams.kafka.topics import AGENT, EVENTS, INSTITUTIONS, SIGNALS, changelog

LOG_OF = {changelog(AGENT, "control"): EVENTS, changelog(INSTITUTIONS, "control"): SIGNALS}
"""The log that each control record is about."""
_decode = msgspec.json.Decoder(ControlState).decode


async def to_write(
    history: History, place: Place, identities: Mapping[str, str]
) -> AsyncIterator[Sequence[SourceRecord]]:
    """Give the records of a partition as a cluster is to have them: all of them, or of state the last of each key.

    Args:
        history: the export.
        place: of it.
        identities: `<cluster id>/<topic id>` of each log in the cluster.

    Raises:
        HistoryError: the export cannot be read.
        ExportError: the state is of another log than the export's, or of a later release.
    """
    span = (await history.spans([place.topic]))[place]
    if place.topic not in STATE:
        async for records in history.read(place, span):
            yield records
        return
    last: dict[bytes | None, int] = {}
    async for records in history.read(place, span):
        last.update({record.key: record.offset for record in records})
    async for records in history.read(place, span):
        kept = [one for one in records if last[one.key] == one.offset and one.value is not None]
        if place.topic in CONTROLS:
            kept = [_renamed(history, place, one, identities) for one in kept]
        if kept:
            yield kept


def _renamed(history: History, place: Place, record: SourceRecord, identities: Mapping[str, str]) -> SourceRecord:
    """Give a control record that goes on with the log of the new cluster, which has the offsets of the old one."""
    log = LOG_OF[place.topic]
    try:
        control = _decode(record.value or b"null")
    except (msgspec.MsgspecError, ValueError) as error:
        raise ExportError(
            f"{place}/{record.offset} cannot be read ({error}): it is of a later release, use that one"
        ) from error
    if control.version > STATE_VERSION:
        raise ExportError(
            f"{place}/{record.offset}: the state is of version {control.version}, and this release knows up to "
            f"{STATE_VERSION}: import with the release that wrote it"
        )
    if control.log not in {"", history.identity(log)}:
        raise ExportError(
            f"{place}/{record.offset}: the state is of another {log} ({control.log}) than the export has "
            f"({history.identity(log)}): that cluster's agent would not have gone on with it either"
        )
    value = encode(replace(control, log=identities[log])) if control.log else record.value
    return ExportedRecord(record.offset, record.timestamp, record.key, value, record.headers)
