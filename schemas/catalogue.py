"""The catalogue of aggregation status codes: what each means and what mends it (R2)."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from enum import StrEnum
from functools import cached_property
from importlib import resources
from typing import Any, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from schemas.problems import words_of

FILE = "catalogue.json"


class Kind(StrEnum):
    """What sort of remediation a command asks for; the topic of the command is named after it."""

    CONNECT_FIX = "connect-fix"
    RELINK = "relink"
    REMOVE_DUPLICATE = "remove-duplicate"
    CONSENT_RENEWAL = "consent-renewal"
    OTP_ESCALATION = "otp-escalation"
    SUPPORT_TICKET = "support-ticket"


class Step(StrEnum):
    """One thing that the reader of a command does, or has the customer do."""

    ENTER_CREDENTIALS = "enter_credentials"
    RESOLVE_PROMPT_AT_BANK = "resolve_prompt_at_bank"
    CONNECT_FIX = "connect_fix"
    SET_NEW_PASSWORD_AT_BANK = "set_new_password_at_bank"  # noqa: S105 - the name of a step, no secret
    ANSWER_CHALLENGE = "answer_challenge"
    REAUTHENTICATE_OAUTH = "reauthenticate_oauth"
    AUTHENTICATE_RIGHT_ACCOUNT = "authenticate_right_account"
    RENEW_TOKEN = "renew_token"  # noqa: S105 - the name of a step, no secret
    KEEP_ONE_DELETE_REST = "keep_one_delete_rest"
    DELETE_ACCOUNT = "delete_account"
    ADD_ACCOUNT = "add_account"
    SUBMIT_CASE = "submit_case"
    STOP_REMINDERS = "stop_reminders"
    REFRESH_WITH_CUSTOMER_PRESENT = "refresh_with_customer_present"
    REAUTHORISE_CONSENT = "reauthorise_consent"
    RECONNECT_IN_DATA_CONNECT = "reconnect_in_data_connect"


class Fault(StrEnum):
    """On whose side the cause of a code lies."""

    CUSTOMER = "customer"
    INSTITUTION = "institution"
    AGGREGATOR = "aggregator"


class Treatment(StrEnum):
    """Which rules look at a code: the first branch of every decision."""

    HEALTHY = "healthy"
    CUSTOMER = "customer"
    OTP = "otp"
    SUPPORT = "support"
    INSTITUTION = "institution"
    UNKNOWN = "unknown"


_KINDS: Mapping[Treatment, tuple[Kind, ...]] = {
    Treatment.CUSTOMER: (Kind.CONNECT_FIX, Kind.RELINK, Kind.REMOVE_DUPLICATE),
    Treatment.OTP: (Kind.OTP_ESCALATION,),
    Treatment.SUPPORT: (Kind.SUPPORT_TICKET,),
}
_KINDS_OF_RULES = (Kind.CONSENT_RENEWAL, Kind.OTP_ESCALATION, Kind.SUPPORT_TICKET)
_Model = TypeVar("_Model", bound=BaseModel)


class CatalogueError(ValueError):
    """The catalogue cannot be used: each line names the file, the code and what to mend."""


class Frozen(BaseModel):
    """An immutable part of the rule data; a changed copy never keeps a value computed from the old fields."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Copy as pydantic does (the update is not validated), without the cached properties."""
        copied = super().model_copy(update=update, deep=deep)
        for name in copied.__dict__.keys() - type(self).model_fields.keys():
            del copied.__dict__[name]
        return copied

    def digest(self) -> str:
        """Give the SHA-256, in hex, of the canonical JSON: sorted keys, no spaces, UTF-8."""
        canonical = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(canonical.encode()).hexdigest()


class Remedy(Frozen):
    """What mends a failing account: the kind of command, its steps in order, and whether a `fix_url` goes with it."""

    kind: Kind
    steps: tuple[Step, ...] = Field(min_length=1)
    fix_url: bool = False


class Entry(Frozen):
    """One status code.

    `stops_batch` and `fix_applies` are true only for codes on the vendor page's two lists. `fault` is None where the
    cause lies with none of the three, or is not known. `rank` orders reasons (R3): the larger number is stated.
    `without_fix` replaces kind and steps where Data Connect Fix is not integrated. `code` is None in `UNLISTED` only.
    `opens_incident` is false for codes that speak of one customer's login, however many have them (R9).
    """

    code: int | None = Field(ge=0)
    cause: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    text: str = Field(min_length=1, max_length=100)
    fault: Fault | None = None
    stops_batch: bool = False
    fix_applies: bool = False
    treatment: Treatment
    kind: Kind | None = None
    steps: tuple[Step, ...] = ()
    rank: int | None = Field(default=None, ge=1)
    without_fix: Remedy | None = None
    opens_incident: bool = True

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        return _refuse(self, _entry_problems(self))

    def remedy(self, *, fix_integrated: bool) -> Remedy | None:
        """Give what mends this code, None where no command follows from the code itself."""
        if self.kind is None:
            return None
        if self.without_fix is not None and not fix_integrated:
            return self.without_fix
        linked = self.kind in (Kind.CONNECT_FIX, Kind.OTP_ESCALATION)
        return Remedy(kind=self.kind, steps=self.steps, fix_url=linked and fix_integrated)


class Catalogue(Frozen):
    """Every known code, and the remedies that rules rather than codes ask for (`by_rule`: R7, R10, R11, R15).

    Travels whole inside `policy.activated` records, so a replay decides with the catalogue of its day.
    """

    version: str = Field(min_length=1, max_length=40)
    by_rule: tuple[Remedy, ...]
    entries: tuple[Entry, ...]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        return _refuse(self, _catalogue_problems(self))

    @classmethod
    def load(cls) -> "Catalogue":
        """Read the shipped catalogue; `CatalogueError` if it does not hold together."""
        return cls.from_json(resources.files("schemas").joinpath(FILE).read_text("utf-8"))

    @classmethod
    def from_json(cls, text: str, file: str = FILE) -> "Catalogue":
        """Read a catalogue from `text`; `CatalogueError` lists every problem by file and code."""
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            problems = [f"{file}: {_place(text, one)}{_advice(one)}" for one in error.errors(include_url=False)]
            raise CatalogueError("\n".join(problems)) from None

    def entry(self, code: int | None) -> Entry:
        """Give the entry of `code`, the shared `UNLISTED` for a code that the catalogue does not list."""
        return UNLISTED if code is None else self._by_code.get(code, UNLISTED)

    def remedy(self, code: int, *, fix_integrated: bool) -> Remedy | None:
        """Give what mends `code`; None for healthy, institution and unknown codes."""
        return (self._with_fix if fix_integrated else self._without_fix).get(code)

    def rule_remedy(self, kind: Kind, *, fix_integrated: bool) -> Remedy:
        """Give the remedy of a kind that a rule opens, whatever the code; `KeyError` for the other kinds."""
        return (self._rules_with_fix if fix_integrated else self._rules_without_fix)[kind]

    @cached_property
    def sha256(self) -> str:
        """The digest that commands, audit records and `policy.activated` state."""
        return self.digest()

    @cached_property
    def _by_code(self) -> dict[int, Entry]:
        return {entry.code: entry for entry in self.entries if entry.code is not None}

    @cached_property
    def _with_fix(self) -> dict[int, Remedy]:
        return self._remedies(fix_integrated=True)

    @cached_property
    def _without_fix(self) -> dict[int, Remedy]:
        return self._remedies(fix_integrated=False)

    def _remedies(self, *, fix_integrated: bool) -> dict[int, Remedy]:
        every = {code: entry.remedy(fix_integrated=fix_integrated) for code, entry in self._by_code.items()}
        return {code: remedy for code, remedy in every.items() if remedy is not None}

    @cached_property
    def _rules_with_fix(self) -> dict[Kind, Remedy]:
        return {remedy.kind: remedy for remedy in self.by_rule}

    @cached_property
    def _rules_without_fix(self) -> dict[Kind, Remedy]:
        return {remedy.kind: Remedy(kind=remedy.kind, steps=remedy.steps) for remedy in self.by_rule}


def _refuse(model: _Model, problems: Iterator[str]) -> _Model:
    if found := list(problems):
        raise ValueError("; ".join(found))
    return model


def _entry_problems(entry: Entry) -> Iterator[str]:
    kinds = _KINDS.get(entry.treatment, ())
    if kinds and entry.kind not in kinds:
        yield f"a code treated as {entry.treatment} needs kind {' or '.join(kinds)}"
    if not kinds and entry.kind is not None:
        yield f"a code treated as {entry.treatment} has no kind; remove it or change the treatment"
    if (entry.kind is None) != (not entry.steps):
        yield "kind and steps go together; give both or neither"
    if (entry.treatment is Treatment.CUSTOMER) != (entry.rank is not None):
        yield "a rank belongs to every code treated as customer and to no other (R3)"
    if entry.fix_applies != (entry.kind is Kind.CONNECT_FIX):
        yield "fix_applies and kind connect-fix go together"
    if entry.fix_applies != (entry.without_fix is not None):
        yield "without_fix belongs to every code with fix_applies and to no other (R2)"


def _catalogue_problems(catalogue: Catalogue) -> Iterator[str]:
    codes = [-1 if entry.code is None else entry.code for entry in catalogue.entries]
    for code, times in Counter(codes).items():
        if times > 1 or code < 0:
            yield f"code {code if code >= 0 else 'null'} is listed {times} times; keep one entry for each known code"
    if codes != sorted(codes):
        yield "entries must stand in ascending order of code; sort them"
    healthy = [entry.code for entry in catalogue.entries if entry.treatment is Treatment.HEALTHY]
    if healthy != [0]:
        yield f"code 0, and no other, is treated as healthy; found {healthy}"
    yield from _rank_problems(catalogue)
    yield from _rule_problems(catalogue)


def _rank_problems(catalogue: Catalogue) -> Iterator[str]:
    ranked: dict[int, Entry] = {}
    for entry in catalogue.entries:
        if entry.rank is None:
            continue
        first = ranked.setdefault(entry.rank, entry)
        if (first.kind, first.steps) != (entry.kind, entry.steps):
            yield f"codes {first.code} and {entry.code} share rank {entry.rank} but not kind and steps; rank one above"
    if sorted(ranked) != list(range(1, len(ranked) + 1)):
        yield f"ranks must count up from 1 without a gap; found {sorted(ranked)}"


def _rule_problems(catalogue: Catalogue) -> Iterator[str]:
    steps = {remedy.kind: remedy.steps for remedy in catalogue.by_rule}
    if sorted(remedy.kind for remedy in catalogue.by_rule) != sorted(_KINDS_OF_RULES):
        yield f"by_rule must hold {', '.join(_KINDS_OF_RULES)}, each once"
    for entry in catalogue.entries:
        if entry.kind in steps and entry.steps != steps[entry.kind]:
            yield f"code {entry.code}: its steps must be those of {entry.kind} in by_rule"


def _place(text: str, problem: ErrorDetails) -> str:
    where = problem["loc"]
    if len(where) > 1 and where[0] == "entries" and isinstance(where[1], int):
        raw: Any = json.loads(text)["entries"][where[1]]
        code = raw.get("code") if isinstance(raw, dict) else None
        name = f"entry {where[1] + 1}" if code is None else f"code {code}"
        return ", ".join([name, *map(str, where[2:])]) + ": "
    return "".join(f"{part}: " for part in where)


def _advice(problem: ErrorDetails) -> str:
    if problem["type"] == "extra_forbidden":
        return "no such field; remove it"
    return words_of(problem)


UNLISTED = Entry(code=None, cause="unknown_code", text="Status code not in the catalogue", treatment=Treatment.UNKNOWN)
