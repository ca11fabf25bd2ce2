"""Why a broker and we do not accept each other: aiokafka tells its log alone, and says that there is no broker."""

import asyncio
import logging
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from aiokafka.conn import collect_hosts, create_conn
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    IllegalSaslStateError,
    KafkaConnectionError,
    KafkaError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
    UnsupportedSaslMechanismError,
)
from aiokafka.protocol.metadata import MetadataRequest

from streams.kafka.access import OPEN, Access, AccessRefusedError, Bootstrap, access_to
from streams.ports import is_this_machine
from streams.settings import security as names

KNOCK_SECONDS = 3.0
NOBODY = "no broker answers there, where TXPUSH_BOOTSTRAP says"
LOOK_AT_BROKERS = "look at the brokers, and run `txpush doctor`"
"""What to do where they cannot be read from or written to, as the end of each reason."""
EXPIRED, NOT_YET_VALID = 10, 9
NO_RIGHT = (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
)
OTHER_NAME = frozenset({62, 64})
"""OpenSSL's numbers of what is wrong with a certificate (`X509_V_ERR_…`); all others come to who signed it."""
OURS_REFUSED = re.compile(r"ALERT.*(CERTIFICATE|UNKNOWN_CA)")
"""What a broker answers that does not take our certificate, or wants one."""


class Refusal(NamedTuple):
    """Why we are not let in; one that is not certain may be a broker that is just coming up or going down."""

    why: str
    is_certain: bool


async def refusal(cluster: Bootstrap) -> Refusal | None:
    """Knock at each address in turn; None when one lets us in, or when all that is wrong is that nobody answers."""
    access, found = access_to(cluster), None
    for host, port in addresses_of(access):
        error = await knocked(access, host, port)
        if error is None:
            return None
        found = found or refusal_in(access, f"{host}:{port}", error)
    return found


def addresses_of(access: Access) -> list[tuple[str, int]]:
    """Give host and port of every address that the settings name, in their order."""
    return [(host, port) for host, port, _ in collect_hosts(access.bootstrap, randomize=False)]


async def knocked(access: Access, host: str, port: int) -> Exception | None:
    """Knock at one address, for three seconds at most; None when it lets us in, else what came of it."""
    try:
        await _knock(access, host, port)
    except (KafkaError, OSError, TimeoutError, ValueError) as error:
        failed: Exception = error
        return failed
    return None


async def told(cluster: Bootstrap, error: Exception) -> str:
    """Put a failure to connect in words; a cluster that is open to everybody is not asked why."""
    if isinstance(error, NO_RIGHT):
        return no_right(cluster, error)
    found = None if access_to(cluster).protocol == OPEN else await refusal(cluster)
    if found is not None:
        return found.why
    return NOBODY if _is_silence(error) else repr(error)


def unanswered(cluster: Bootstrap, error: Exception, so: str = "") -> str:
    """Say, for a command that ends by it, that no broker answers, or that we have no right; and the next step.

    Args:
        cluster: where that was.
        error: what came of asking.
        so: what follows for the work, as `; nothing was written`.
    """
    if isinstance(error, NO_RIGHT):
        return f"{no_right(cluster, error)}{so}"
    return f"no broker answers at {cluster}{beside_silence(error)}{so}\n{start_one(cluster)}"


def start_one(cluster: Bootstrap) -> str:
    """Say how to have brokers where none answers: by a command that names them, where all are of this machine."""
    command = command_for(cluster)
    return f"set TXPUSH_BOOTSTRAP, or start {'the brokers there' if command is None else f'one: {command}'}"


def command_for(cluster: Bootstrap) -> str | None:
    """Give the command that starts brokers at these ports, with what they have kept; None for those elsewhere.

    By itself `txpush kafka` takes a free port, and keeps nothing.
    """
    access = access_to(cluster)
    addresses = addresses_of(access)
    ports = sorted(port for _, port in addresses)
    are_here = access.protocol == OPEN and all(is_this_machine(host) for host, _ in addresses)
    if not are_here or ports != list(range(ports[0], ports[0] + len(ports))):
        return None
    brokers = f" --brokers {len(ports)}" if len(ports) > 1 else ""
    return f"txpush kafka{brokers} --port {ports[0]} --data FOLDER"


def beside_silence(error: Exception) -> str:
    """Give what an error says beside that no broker answers, as the end of that sentence; nothing where that is all."""
    return "" if _is_silence(error) else f": {error!r}"


def _is_silence(error: Exception) -> bool:
    return isinstance(error, KafkaConnectionError) and "Unable to bootstrap" in str(error)


def keep_to_words() -> None:
    """Have aiokafka write no lines of its own where ours say, once, what is wrong with brokers."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)


@asynccontextmanager
async def in_words(cluster: Bootstrap) -> AsyncIterator[None]:
    """Say why, where connecting fails within.

    Raises:
        AccessRefusedError: we and the brokers do not accept each other, or we have no right; no waiting helps.
        KafkaError, OSError, TimeoutError: nobody answers.
    """
    try:
        yield
    except NO_RIGHT as error:
        raise AccessRefusedError(no_right(cluster, error)) from error
    except (KafkaError, OSError, TimeoutError, ValueError) as error:  # the last: a broker that cannot prove itself
        found = await refusal(cluster)
        if found is None:
            raise
        raise (AccessRefusedError if found.is_certain else KafkaConnectionError)(found.why) from error


def no_right(cluster: Bootstrap, error: BaseException) -> str:
    """Put it in words that what we show gives no right to something."""
    access = access_to(cluster)
    who = "the user of our certificate" if access.username is None else f"the user {access.username!r}"
    return f"{who} has no right to do this ({error!r}): see `txpush topics acls`"


async def _knock(access: Access, host: str, port: int) -> None:
    async with asyncio.timeout(KNOCK_SECONDS):
        connection = await create_conn(
            host, port, client_id="txpush", request_timeout_ms=int(KNOCK_SECONDS * 1000), **access.security()
        )
        try:
            await connection.send(MetadataRequest([]))  # a certificate of ours is refused after the handshake only
        finally:
            connection.close()


def refusal_in(access: Access, address: str, error: BaseException) -> Refusal | None:
    """Find what lies under an error; a connection that was not even made says nothing."""
    causes = causes_of(error)
    for cause in causes:
        if (why := _certain(access, address, cause)) is not None:
            return Refusal(why, is_certain=True)
    if any(isinstance(cause, ssl.SSLError | KafkaConnectionError | ConnectionResetError) for cause in causes):
        hint = f"{address} hangs up on us: does its listener speak {names.PROTOCOL}={access.protocol}?"
        return Refusal(hint, is_certain=False)
    return None


def causes_of(error: BaseException | None) -> list[BaseException]:
    """Give an error and what it was raised from, one after the other."""
    return [] if error is None else [error, *causes_of(error.__cause__)]


def _certain(access: Access, address: str, error: BaseException) -> str | None:
    if isinstance(error, ssl.SSLCertVerificationError):
        return _their_certificate(access, address, error)
    if isinstance(error, ssl.SSLError) and OURS_REFUSED.search(str(error.reason)):
        return _our_certificate(access, address, str(error.reason))
    if isinstance(error, SaslAuthenticationFailed):
        return (
            f"{address} does not know the user {access.username!r} with that password: see {names.USERNAME} and "
            f"{names.PASSWORD}, and whether {names.MECHANISM}={access.mechanism} is how it was made"
        )
    if isinstance(error, UnsupportedSaslMechanismError | IllegalSaslStateError):
        shown = f"{names.MECHANISM}={access.mechanism} with {names.PROTOCOL}={access.protocol}"
        return f"{address} does not take {shown}: set both as its listener has them"
    if isinstance(error, ValueError):
        return f"{address} has not shown that it knows our password ({error}): does {names.PASSWORD} belong there?"
    return None


def _their_certificate(access: Access, address: str, error: ssl.SSLCertVerificationError) -> str:
    told_by = f"the certificate of {address}"
    if error.verify_code in OTHER_NAME:
        return (
            f"{told_by} is for another name ({error.verify_message}): TXPUSH_BOOTSTRAP has to name the brokers as "
            "their certificates do"
        )
    if error.verify_code in {EXPIRED, NOT_YET_VALID}:
        return (
            f"{told_by} is not valid today ({error.verify_message}): have it renewed; {names.CA_FILE} has to hold who "
            "signs the new one"
        )
    if access.ca_file is None:
        return f"{told_by} is signed by nobody the system trusts ({error.verify_message}): set {names.CA_FILE}"
    signed_by = f"signed by nobody in {names.CA_FILE}={access.ca_file} ({error.verify_message})"
    return f"{told_by} is {signed_by}: put who signed it into that file"


def _our_certificate(access: Access, address: str, reason: str) -> str:
    if access.certificate_file is None:
        return f"{address} asks for a certificate of ours ({reason}): set {names.CERTIFICATE_FILE} and {names.KEY_FILE}"
    return f"{address} refuses our certificate ({reason}): see {names.CERTIFICATE_FILE}={access.certificate_file}"
