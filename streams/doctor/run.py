"""Makes the checks: settings and brokers first, all others side by side, each within its time."""

import asyncio
from collections.abc import Sequence

from aiokafka.errors import KafkaError

from streams.doctor.checks.settings import refused
from streams.doctor.checks.topics import there
from streams.doctor.findings import Checked, Finding, Status, left_out, warning, wrong
from streams.doctor.plan import BROKERS, SECONDS, SETTINGS, Check, chosen
from streams.doctor.scope import Scope
from streams.kafka.access import AccessRefusedError, ClusterError
from streams.kafka.applied import partitions_of
from streams.kafka.refusals import NO_RIGHT, keep_to_words
from streams.operate.writing import OperateError
from streams.places import place_of
from streams.settings import SettingsError
from streams.vendor import TryAgainError

END_SECONDS = 2.0
FIRST = "mend what the check `brokers` says, then ask again"
TOPICS = "mend what the check `topics` says, then ask again"
ACLS = "see `txpush topics acls`, or ask as another user"


def without_settings(error: SettingsError) -> list[Checked]:
    """Give what can be said where the settings cannot be read: nothing else was looked at."""
    return [Checked(SETTINGS.name, refused(error))]


async def examine(scope: Scope) -> list[Checked]:
    """Make every check that concerns the scope; raises nothing of theirs."""
    keep_to_words()  # what is wrong with brokers is told once, by a check
    try:
        first = [await _made(SETTINGS, scope), await _made(BROKERS, scope)]
        is_shut = first[-1].status is Status.WRONG
        return [
            *first,
            *await asyncio.gather(*(_or_left_out(check, scope, is_shut=is_shut) for check in chosen(scope))),
        ]
    finally:
        await scope.close(END_SECONDS)


async def _or_left_out(check: Check, scope: Scope, *, is_shut: bool) -> Checked:
    if is_shut and check.needs_broker:
        return Checked(check.name, [left_out("no broker lets us in", FIRST)])
    if not is_shut and check.needs_partitions and (others := await scope.once(_other_partitions)):
        return Checked(check.name, [left_out(others, TOPICS)])
    return await _made(check, scope)


async def _other_partitions(scope: Scope) -> str:
    """Say that the settings have another number of partitions than the topics; nothing where that is not known."""
    try:
        async with asyncio.timeout(SECONDS):
            found = partitions_of(await scope.once(there))
    except (AccessRefusedError, ClusterError, KafkaError, OSError, TimeoutError):
        return ""
    if not found or found == {scope.settings.partitions}:
        return ""
    counted = " or ".join(map(str, sorted(found)))
    return f"the topics have {counted} partitions, and TXPUSH_PARTITIONS is {scope.settings.partitions}"


async def _made(check: Check, scope: Scope) -> Checked:
    """Make a check within its time; what it raises becomes a finding."""
    task = asyncio.ensure_future(check.look(scope))
    _, late = await asyncio.wait([task], timeout=check.seconds)
    if late:
        task.cancel()
        await asyncio.wait([task], timeout=END_SECONDS)
        return Checked(check.name, [_too_slow(check.seconds)])
    return Checked(check.name, _findings(task))


def _findings(task: "asyncio.Future[Sequence[Finding]]") -> Sequence[Finding]:
    try:
        return task.result()
    except (AccessRefusedError, *NO_RIGHT) as error:
        return [left_out(f"no right to look at this: {error}", ACLS)]
    except TimeoutError as error:
        return [_too_slow(None, str(error))]
    except (ClusterError, LookupError, OperateError, TryAgainError) as error:
        return [wrong(str(error), "do what it says, then ask again")]
    except (KafkaError, OSError) as error:
        return [wrong(f"it could not be asked: {error!r}", "look at the check `brokers`, then ask again")]
    except Exception as error:  # noqa: BLE001 - the other checks are of use all the same
        return [wrong(f"this check has failed: {place_of(error)}", "this is a fault of txpush: report it")]


def _too_slow(seconds: float | None, why: str = "") -> Finding:
    limit = "in time" if seconds is None else f"within {seconds:.0f} s"
    return warning(
        f"not found out {limit}{': ' if why else ''}{why}", "a broker is slow, or there is much to read: ask again"
    )
