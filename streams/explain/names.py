"""How a story names people: by their ids, or by names that tell nobody who they are."""

from streams.pseudonyms import Kind, Pseudonyms

WITHHELD = "(withheld)"


class Names:
    """Gives names for ids; with `pseudonyms` keyed hashes, and numbers for events and commands.

    The id of a command follows from ids of the customer, that of an event often too: whoever guesses those could see
    that they are right. Words that people wrote may say anything, so they are left out.
    """

    def __init__(self, pseudonyms: Pseudonyms | None = None) -> None:
        self._pseudonyms = pseudonyms
        self._numbers: dict[str, dict[str, int]] = {}

    @property
    def are_hashed(self) -> bool:
        """Tell whether nobody is named in clear."""
        return self._pseudonyms is not None

    def customer(self, identity: str) -> str:
        """Name a customer."""
        return self._name(Kind.CUSTOMER, identity)

    def account(self, identity: str) -> str:
        """Name an account."""
        return self._name(Kind.ACCOUNT, identity)

    def login(self, identity: str) -> str:
        """Name a login."""
        return self._name(Kind.LOGIN, identity)

    def _name(self, kind: Kind, identity: str) -> str:
        return identity if self._pseudonyms is None else self._pseudonyms.name(kind, identity)

    def event(self, identity: str) -> str:
        """Name an event."""
        return self._numbered("event", identity)

    def command(self, identity: str) -> str:
        """Name a command."""
        return self._numbered("command", identity)

    def message(self, identity: str) -> str:
        """Name a message: of a command by its sequence, too."""
        command, _, rest = identity.partition(":")
        if command == "lookup":
            return identity if self._pseudonyms is None else f"lookup {self._numbered(command, identity)}"
        return f"{self.command(command)}:{rest}"

    def _numbered(self, sort: str, identity: str) -> str:
        if self._pseudonyms is None:
            return identity
        known = self._numbers.setdefault(sort, {})
        return f"#{known.setdefault(identity, len(known) + 1)}"

    def operator(self, who: str) -> str:
        """Name who decided."""
        return who if self._pseudonyms is None else "an operator"

    def text(self, words: str | None) -> str | None:
        """Give what a person or another program wrote."""
        return words if self._pseudonyms is None or not words else WITHHELD
