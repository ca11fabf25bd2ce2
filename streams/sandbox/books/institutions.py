"""The banks: FinBank as it is, and banks made up on request."""

from dataclasses import replace
from typing import Any

from streams.sandbox.books.errors import no_resource
from streams.sandbox.books.model import Institution

FINBANK = "101732"
FINBANK_PROFILES = "102105"
FIRST_ID = 190_001
ONLINE, MIGRATING = "online", "migrating"
_SERVICES = ("transAgg", "ach", "voi", "voa", "aha", "availBalance", "accountOwner")


class Institutions:
    """All banks by id."""

    def __init__(self) -> None:
        finbank = Institution(FINBANK, "FinBank", knows_first_device=False)
        profiles = Institution(FINBANK_PROFILES, "FinBank Profiles - A", knows_first_device=False)
        self._known = {bank.id: bank for bank in (finbank, profiles)}
        self._next = FIRST_ID

    def add(self, name: str, **traits: Any) -> Institution:  # noqa: ANN401 - fields of an institution by name
        """Make up a bank; `traits` are fields of `Institution`."""
        bank = Institution(str(self._next), name, **traits)
        self._next += 1
        self._known[bank.id] = bank
        return bank

    def get(self, institution_id: str) -> Institution:
        """Give a bank; a Refusal when there is none of that id."""
        if institution_id not in self._known:
            raise no_resource()
        return self._known[institution_id]

    def search(self, text: str) -> list[Institution]:
        """Give the banks whose name has the text in it, in order of their ids."""
        return [bank for bank in self._known.values() if text.casefold() in bank.name.casefold()]

    def oauth_twin(self, old: Institution, consent_days: float | None) -> Institution:
        """Give the bank's OAuth entry, a new one the first time; the old entry says that it is migrating."""
        if old.new_id is not None:
            return self.get(old.new_id)
        twin = self.add(f"{old.name} (OAuth)")
        twin = replace(old, id=twin.id, name=twin.name, oauth=True, consent_days=consent_days, knows_first_device=True)
        self._known[twin.id] = twin
        old.new_id, old.status = twin.id, MIGRATING
        return twin


def institution_record(bank: Institution) -> dict[str, Any]:
    """Write a bank as the vendor shows it."""
    record: dict[str, Any] = {
        "id": int(bank.id),
        "name": bank.name,
        "displayName": bank.name,
        **dict.fromkeys(_SERVICES, True),
        "stateAgg": False,
        "oauthEnabled": bank.oauth,
        "currency": "USD",
        "status": bank.status,
        "specialText": f"Please enter your {bank.name} user name and password.",
    }
    if bank.new_id is not None:
        record |= {"newInstitutionId": int(bank.new_id), "oauthInstitutionId": int(bank.new_id)}
    return record
