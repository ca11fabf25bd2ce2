"""The numbers and codes in force: the shipped policy and catalogue, or those of a `policy.activated` record (R2)."""

import copy
import json
import tomllib
from datetime import timedelta
from importlib import resources
from typing import Any

CONNECT_FIX = "connect-fix"
RELINK = "relink"
REMOVE_DUPLICATE = "remove-duplicate"
CONSENT = "consent-renewal"
OTP = "otp-escalation"

CUSTOMER_FACING = (CONNECT_FIX, RELINK, REMOVE_DUPLICATE, CONSENT)
"""R8: the kinds that contact the customer, in the order in which they go out."""
KINDS = (*CUSTOMER_FACING, OTP)
"""Every kind of a customer's command, in the order used wherever one is needed."""

CHALLENGE = 185
OTP_AT_ONCE = 931
CHALLENGE_REASONS = (185, 187)
"""R7: the reasons of a command that is open for a challenge."""

_UNLISTED: dict[str, Any] = {"treatment": "unknown"}


def _shipped(name: str) -> str:
    """Read a file beside the schemas (R2, last paragraph of section 4)."""
    return resources.files("schemas").joinpath(name).read_text("utf-8")


def _merged(defaults: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Section 4, last paragraph: keys left out keep the defaults."""
    merged = copy.deepcopy(defaults)
    for key, value in given.items():
        if isinstance(value, dict) and isinstance(merged.get(key), dict):
            merged[key] = _merged(merged[key], value)
        else:
            merged[key] = value
    return merged


class Rules:
    """R2 and the policy: what is in force until the next `policy.activated`."""

    def __init__(self, policy: dict[str, Any] | None = None, catalogue: dict[str, Any] | None = None) -> None:
        self.policy = _merged(tomllib.loads(_shipped("policy.toml")), policy or {})
        self.catalogue = catalogue if catalogue is not None else json.loads(_shipped("catalogue.json"))
        self.entries = {entry["code"]: entry for entry in self.catalogue["entries"]}

    def number(self, section: str, key: str) -> int:
        """Give one number of the policy."""
        return int(self.policy[section][key])

    def numbers(self, section: str, key: str) -> list[int]:
        """Give a list of numbers of the policy."""
        return [int(number) for number in self.policy[section][key]]

    def share(self, key: str) -> float:
        """Give a share of R9."""
        return float(self.policy["incident"][key])

    def days(self, section: str, key: str) -> timedelta:
        """Give a span that the policy states in days."""
        return timedelta(days=self.number(section, key))

    def hours(self, section: str, key: str) -> timedelta:
        """Give a span that the policy states in hours."""
        return timedelta(hours=self.number(section, key))

    def minutes(self, section: str, key: str) -> timedelta:
        """Give a span that the policy states in minutes."""
        return timedelta(minutes=self.number(section, key))

    def treatment(self, code: int) -> str:
        """R2: the sort of a code; one that the catalogue does not list is unknown."""
        return str(self.entries.get(code, _UNLISTED)["treatment"])

    def says_something(self, code: int) -> bool:
        """R2: institution troubles, support codes and unknown codes say nothing about the login."""
        return self.treatment(code) in ("healthy", "customer", "otp")

    def _remedy(self, code: int) -> dict[str, Any]:
        """R2: kind and steps of a customer's code, other ones where Data Connect Fix is not integrated."""
        entry: dict[str, Any] = self.entries[code]
        if not self.policy["fix_integrated"] and entry.get("without_fix"):
            return dict(entry["without_fix"])
        return entry

    def kind(self, code: int | None) -> str | None:
        """R2: the kind of command that an account standing at `code` needs; None for other than customer codes."""
        if code is None or self.treatment(code) != "customer":
            return None
        return str(self._remedy(code)["kind"])

    def rank(self, code: int) -> int:
        """R3: the larger number is stated."""
        return int(self.entries[code]["rank"])

    def steps(self, kind: str, code: int | None) -> list[str]:
        """R2: the steps of a code, or those of a kind that a rule opens (R7, R15)."""
        if kind in (CONSENT, OTP):
            return next(list(remedy["steps"]) for remedy in self.catalogue["by_rule"] if remedy["kind"] == kind)
        if code is None:
            raise ValueError(f"a {kind} command needs a code to state")
        return list(self._remedy(code)["steps"])
