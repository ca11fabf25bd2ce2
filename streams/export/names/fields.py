"""Where ids stand in our messages and state, by the names of the fields, and what becomes of each."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from streams.export.names.names import Names

LEFT_OUT = "(left out)"
_HASH = re.compile(r"[0-9a-f]{64}")
_LETTERS = re.compile(r"lookup:[0-9a-f-]{36}")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
SHORTEST = 5
"""Characters of an id that is looked for inside of other texts."""
SMALLEST = 10**6
"""Of numbers that are looked at as if they were ids; codes are smaller."""

Change = Callable[["Walk", Any], Any]


class Walk:
    """One record's way through: what is known of it, and which ids were met."""

    def __init__(self, names: Names, customer: str | None, *, of_institution: bool) -> None:
        self.names = names
        self._of_institution = of_institution
        self._whose = customer
        self.met: dict[str, str] = {}
        """Names by the ids that they stand for."""

    @property
    def applies(self) -> bool:
        """Whether the customer whose part is walked has another name."""
        return self.names.is_for_all or (self._whose is not None and self.names.applies(self._whose))

    def over(self, node: Any) -> Any:  # noqa: ANN401 - JSON
        """Give JSON with other names in it."""
        if isinstance(node, dict):
            return self._object(node)
        if isinstance(node, list):
            return [self.over(one) for one in node]
        return node

    def _object(self, node: Mapping[str, Any]) -> dict[str, Any]:
        outer = self._whose
        whose = _as_id(node.get("customer_id", node.get("customerId")))
        if isinstance(whose, str):
            self._whose = whose
        changed = {name: self._field(name, value) for name, value in node.items()}
        self._whose = outer
        return changed

    def _field(self, name: str, value: Any) -> Any:  # noqa: ANN401 - JSON
        change = FIELDS.get(name)
        if change is None or value is None:
            return self.over(value)
        if name not in _PATHS and not self.applies:
            return self.over(value)
        return change(self, value)

    # -- what stands for what

    def customer(self, value: Any) -> Any:  # noqa: ANN401 - JSON
        """Name a customer, if that one has another name."""
        value = _as_id(value)
        if not isinstance(value, str) or not self.names.applies(value):
            return value
        return self._meet(value, self.names.customer(value))

    def account(self, value: Any) -> Any:  # noqa: ANN401 - JSON
        """Name an account."""
        value = _as_id(value)
        return self._meet(value, self.names.account(value)) if isinstance(value, str) and value else value

    def login(self, value: Any) -> Any:  # noqa: ANN401 - JSON
        """Name a login."""
        value = _as_id(value)
        return self._meet(value, self.names.login(value)) if isinstance(value, str) and value else value

    def _meet(self, identity: str, name: str) -> str:
        self.met[identity] = name
        return name

    def path(self, value: Any, last: str) -> Any:  # noqa: ANN401 - JSON
        """Name what is in `customer/login`, `customer//account` or `customer/account`, if that customer has a name."""
        if not isinstance(value, str) or "/" not in value:
            return value
        customer, *rest = value.split("/")
        if not self.names.applies(customer):
            return value
        named = self.account if last == "account" or len(rest) > 1 else self.login
        return "/".join([self.customer(customer), *(named(one) for one in rest)])

    def command(self, value: Any) -> Any:  # noqa: ANN401 - JSON
        """Name a command; those of institutions are nobody's."""
        return value if self._of_institution or not isinstance(value, str) else self.names.command(value)

    def message(self, value: Any) -> Any:  # noqa: ANN401 - JSON
        """Name a message by its id: of a command and its sequence, of a look-up, or of an event."""
        if not isinstance(value, str):
            return value
        head, colon, tail = value.partition(":")
        if _LETTERS.fullmatch(value):
            return f"lookup:{self.names.command(tail)}"
        if head == "operator":
            return f"operator:{self.names.command(tail)}"
        if _HASH.fullmatch(head):
            return f"{self.names.hash(head)}{colon}{tail}"
        return f"{self.command(head)}{colon}{tail}" if _UUID.fullmatch(head) else value

    def hashed(self, value: Any) -> Any:  # noqa: ANN401 - JSON
        """Give a hash of a hash."""
        return self.names.hash(value) if isinstance(value, str) and value else value

    def scrubbed(self, node: Any) -> Any:  # noqa: ANN401 - JSON
        """Give JSON in which no text, and no number, has an id that was met in it any more."""
        found = [one for one in self.met if len(one) >= SHORTEST]
        if not found:
            return node
        pattern = re.compile("(?<![0-9A-Za-z])(" + "|".join(map(re.escape, found)) + ")(?![0-9A-Za-z])")
        return _each_text(node, lambda text: pattern.sub(lambda hit: self.met[hit[1]], text))


def _as_id(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Give the id that a number is: events that nobody can read have such."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _each_text(node: Any, change: Callable[[str], str]) -> Any:  # noqa: ANN401 - JSON
    if isinstance(node, str):
        return change(node)
    if isinstance(node, list):
        return [_each_text(one, change) for one in node]
    if isinstance(node, dict):
        return {change(name): _each_text(value, change) for name, value in node.items()}
    if isinstance(node, int | float) and abs(node) >= SMALLEST and (changed := change(str(node))) != str(node):
        return changed
    return node


def _every(change: Change) -> Change:
    return lambda walk, value: [change(walk, one) for one in value] if isinstance(value, list) else value


def _ascending(change: Change) -> Change:
    """Our own lists of accounts are ascending, as a decision makes them."""
    each = _every(change)
    return lambda walk, value: sorted(each(walk, value)) if isinstance(value, list) else value


def _keys(change: Change) -> Change:
    """Change the keys of a mapping, and walk on in its values; what is none is walked over."""
    return lambda walk, value: (
        {change(walk, key): walk.over(inner) for key, inner in value.items()}
        if isinstance(value, dict)
        else walk.over(value)
    )


def _silence(walk: Walk, key: Any) -> Any:  # noqa: ANN401 - JSON
    kind, slash, identity = key.partition("/")
    named = {"logins": walk.login, "accounts": walk.account}.get(kind)
    return f"{kind}{slash}{named(identity)}" if named is not None and identity else key


def _window_logins(walk: Walk, value: Any) -> Any:  # noqa: ANN401 - JSON
    """Walk over the logins of an institution by `customer/login`; those of a window are lists, with paths in marks."""
    if not isinstance(value, dict):
        return value
    return {walk.path(key, "login"): _window_login(walk, inner) for key, inner in value.items()}


def _window_login(walk: Walk, value: Any) -> Any:  # noqa: ANN401 - JSON
    if not isinstance(value, list):
        return walk.over(value)
    return [
        [[*mark[:-1], walk.path(mark[-1], "account")] for mark in one] if isinstance(one, list) else one
        for one in value
    ]


def _paths(last: str) -> Change:
    return lambda walk, value: walk.path(value, last)


_ACCOUNT_PATHS = _paths("account")
FIELDS: Mapping[str, Change] = {
    **dict.fromkeys(("customer_id", "customerId"), Walk.customer),
    **dict.fromkeys(("account_id", "accountId"), Walk.account),
    **dict.fromkeys(("institution_login_id", "institutionLoginId", "login_id"), Walk.login),
    "account_ids": _ascending(Walk.account),
    "accountIds": _every(Walk.account),
    "former_ids": _every(Walk.account),
    "login_ids": _ascending(Walk.login),
    "institutionLoginIds": _every(Walk.login),
    "command_id": Walk.command,
    "closed_ids": _every(Walk.command),
    "event_id": Walk.message,
    "event_ids": _every(Walk.message),
    "id": Walk.message,
    **dict.fromkeys(
        ("sha256", "state_sha256", "inputs_sha256", "previous", "body_sha256", "audit_head", "inputs"), Walk.hashed
    ),
    "seen": lambda walk, value: {} if isinstance(value, dict) else walk.over(value),
    **dict.fromkeys(("reported", "counted"), _keys(Walk.login)),
    "silences": _keys(_silence),
    **dict.fromkeys(("challenged_at", "successes", "quiet_since"), _keys(Walk.account)),
    **dict.fromkeys(("who", "why", "reference"), lambda _walk, _value: LEFT_OUT),
    # of many customers at once: each by its own
    **dict.fromkeys(("before", "newest"), _paths("login")),
    "account": _ACCOUNT_PATHS,
    "sample_ids": _every(_ACCOUNT_PATHS),
    "logins": _window_logins,
}
_PATHS = frozenset({"customer_id", "customerId", "before", "newest", "account", "sample_ids", "logins"})
"""Fields that say for themselves whose they are."""
