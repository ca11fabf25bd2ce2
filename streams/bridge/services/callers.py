"""The services that may post events: from a TOML file, known by a bearer token or by what a TLS proxy says of them."""

import hashlib
import hmac
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic_core import ErrorDetails

from schemas.problems import UNREADABLE, place_of, words_of
from streams.bridge.answers import Rejected, told
from streams.observe.labels import Outcome

ServiceType = Literal["account.challenged", "command.reported", "canary.sent"]
"""The types of events that services may be allowed to send."""
MAX_CALLERS = 100
PROXY_SECRET_HEADER = "x-proxy-secret"  # noqa: S105 - the name of a header

_EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()

_CHALLENGE = (("www-authenticate", 'Bearer realm="txpush"'),)
_UNKNOWN = told(
    401, Outcome.UNAUTHENTICATED, "send `Authorization: Bearer TOKEN`, with a token of the callers' file", _CHALLENGE
)


class CallersError(ValueError):
    """The file of callers cannot be used; each line says what is wrong, and with whom."""


class Entry(BaseModel):
    """One service, as the file has it; two tokens while one is replaced."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    types: Annotated[tuple[ServiceType, ...], Field(min_length=1)]
    token_sha256: Annotated[
        tuple[Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")], ...], Field(max_length=2)
    ] = ()
    certificates: Annotated[
        tuple[Annotated[str, StringConstraints(min_length=1, max_length=256)], ...], Field(max_length=8)
    ] = ()


@dataclass(frozen=True, slots=True)
class Caller:
    """A service that is known, and the types of events that it may send."""

    name: str
    types: frozenset[str]


@dataclass(frozen=True, slots=True)
class Callers:
    """The services by their tokens' SHA-256 and by the names in their certificates.

    Attributes:
        by_token: callers by lower-case hex.
        by_certificate: callers by the name that the TLS proxy gives in `name_header`.
        proxy_secrets: who shows one of them is the proxy; without any, names in headers count for nothing.
    """

    by_token: tuple[tuple[bytes, Caller], ...] = field(default=(), repr=False)
    by_certificate: Mapping[bytes, Caller] = field(default_factory=dict)
    proxy_secrets: tuple[str, ...] = field(default=(), repr=False)
    name_header: str = "x-client-name"

    def __bool__(self) -> bool:
        """Tell whether there is anybody."""
        return bool(self.by_token or self.by_certificate)

    def once(self, headers: Sequence[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
        """Give headers by their names.

        Raises:
            Rejected: one that says who sends is repeated: which of them is the proxy's own nobody can tell.
        """
        names = [name for name, _ in headers]
        telling = (b"authorization", PROXY_SECRET_HEADER.encode(), self.name_header.encode())
        if any(names.count(name) > 1 for name in telling):
            raise Rejected(_UNKNOWN)
        return dict(headers)

    def named_in(self, headers: Mapping[bytes, bytes]) -> Caller:
        """Give the service that sends a request, by the headers of the request, names in lower case.

        Raises:
            Rejected: with 401, whatever is wrong or missing.
        """
        scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
        by_token = scheme.lower() == b"bearer"
        caller = self._of_token(token.strip()) if by_token else self._of_certificate(headers)
        if caller is None:
            raise Rejected(_UNKNOWN)
        return caller

    def _of_token(self, token: bytes) -> Caller | None:
        """Compare with every token: how long it takes tells nothing of any."""
        if not token:
            return None
        given = hashlib.sha256(token).hexdigest().encode()
        found = [caller for known, caller in self.by_token if hmac.compare_digest(given, known)]
        return found[0] if found else None

    def _of_certificate(self, headers: Mapping[bytes, bytes]) -> Caller | None:
        shown = headers.get(PROXY_SECRET_HEADER.encode(), b"")
        is_proxy = [hmac.compare_digest(shown, secret.encode()) for secret in self.proxy_secrets]
        return self.by_certificate.get(headers.get(self.name_header.encode(), b"")) if any(is_proxy) else None


def read_callers(path: Path, proxy_secrets: tuple[str, ...] = (), name_header: str = "x-client-name") -> Callers:
    """Read the file: a table a service, with `types`, and `token_sha256` or `certificates` or both.

    Raises:
        CallersError: lists everything that is wrong at once.
    """
    try:
        tables = tomllib.loads(path.read_text())
    except (OSError, *UNREADABLE) as error:
        raise CallersError(f"{path}: cannot be read as TOML: {error}") from None
    entries, problems = {}, [] if len(tables) <= MAX_CALLERS else [f"{len(tables)} callers: at most {MAX_CALLERS}"]
    for name, table in tables.items():
        try:
            entries[name] = Entry.model_validate(table)
        except ValidationError as error:
            problems += [f"{name}: {_plainly(one)}" for one in error.errors(include_url=False, include_input=False)]
    problems += _contradictions(entries, has_proxy=bool(proxy_secrets))
    if problems:
        raise CallersError("\n".join(f"{path}: {problem}" for problem in problems))
    return _callers(entries, proxy_secrets, name_header)


def _callers(entries: Mapping[str, Entry], proxy_secrets: tuple[str, ...], name_header: str) -> Callers:
    known = {name: Caller(name, frozenset(entry.types)) for name, entry in entries.items()}
    return Callers(
        tuple((digest.encode(), known[name]) for name, entry in entries.items() for digest in entry.token_sha256),
        {text.encode(): known[name] for name, entry in entries.items() for text in entry.certificates},
        proxy_secrets,
        name_header,
    )


def _contradictions(entries: Mapping[str, Entry], *, has_proxy: bool) -> list[str]:
    owners: dict[str, str] = {}
    problems = [
        f"{name}: has a token or certificate of {owners[mark]}: each is one caller's"
        for name, entry in entries.items()
        for mark in (*entry.token_sha256, *entry.certificates)
        if owners.setdefault(mark, name) != name
    ]
    for name, entry in entries.items():
        if _EMPTY_SHA256 in entry.token_sha256:
            problems.append(f"{name}: token_sha256: that is the hash of no token at all")
        if not entry.token_sha256 and not entry.certificates:
            problems.append(f"{name}: token_sha256 or certificates is needed")
        if entry.certificates and not has_proxy:
            problems.append(f"{name}: certificates need TXPUSH_PROXY_SECRETS, or anybody could claim a name")
    return problems


def _plainly(problem: ErrorDetails) -> str:
    return f"{place_of(problem, 'the file')}: {words_of(problem)}"
