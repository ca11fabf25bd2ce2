"""The signing keys of subscriptions: whether TXPUSH_SEALING_KEYS opens what is on the topic."""

from collections.abc import Sequence

from aiokafka import TopicPartition

from streams.doctor.findings import Finding, ok, warning, wrong
from streams.doctor.scope import Scope
from streams.kafka.topics import SUBSCRIPTIONS
from streams.kafka.view import ViewRecord
from streams.operate.reading import committed_reader, to_end
from streams.subscriptions.sealing import Sealing
from streams.subscriptions.view import SigningKeys

SUBSCRIBE = "run `txpush subscribe`"
REMEDY = (
    "set TXPUSH_SEALING_KEYS to the key that `txpush subscribe` had, before or behind the new one; else subscribe anew"
)


async def look(scope: Scope) -> Sequence[Finding]:
    """Open every record of the topic, and keep none."""
    secrets = [key.get_secret_value() for key in scope.settings.sealing_keys]
    keys = SigningKeys(Sealing(secrets))
    places = [TopicPartition(SUBSCRIPTIONS, number) for number in range(scope.settings.partitions)]
    async with committed_reader(scope.access) as consumer:
        async for one in to_end(consumer, places, {}):
            keys.hear(ViewRecord(one.topic, one.partition, one.offset, one.key, one.value, one.timestamp))
    return [
        _judged(len(keys), keys.unopened, enforced=scope.settings.signatures == "enforce", has_secrets=bool(secrets))
    ]


def _judged(opened: int, unopened: int, *, enforced: bool, has_secrets: bool) -> Finding:
    if unopened:
        tell = wrong if enforced or unopened > opened else warning
        why = "does not open" if has_secrets else "is not set, and would have to open"
        return tell(f"TXPUSH_SEALING_KEYS {why} the keys of {unopened} accounts, {opened} are open", REMEDY)
    if opened or not enforced:
        return ok(f"the keys of {opened} accounts can be opened")
    return warning("no account has a signing key, and what is not signed is refused", SUBSCRIBE)
