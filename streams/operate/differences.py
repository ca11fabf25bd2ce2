"""Policies for people: as TOML, and what one says otherwise than another."""

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any

import tomli_w

from schemas.policy import Policy


def as_toml(policy: Policy) -> str:
    """Write a policy as a file that `txpush policy activate` takes."""
    return tomli_w.dumps(policy.model_dump(mode="json"))


def differences(before: Policy, after: Policy) -> list[str]:
    """Give a line for every key that differs, in the order of the file."""
    old, new = dict(_flat(before.model_dump(mode="json"))), dict(_flat(after.model_dump(mode="json")))
    return [f"{key}: {_shown(old[key])} -> {_shown(new[key])}" for key in new if old[key] != new[key]]


def _flat(table: Mapping[str, Any], place: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{place}{key}.")
        else:
            yield place + key, value


def _shown(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def spans(numbers: Iterable[int]) -> str:
    """Write partition numbers as `0-4, 7`."""
    runs = [list(run) for _, run in groupby(enumerate(sorted(numbers)), lambda pair: pair[1] - pair[0])]
    return ", ".join(f"{run[0][1]}-{run[-1][1]}" if len(run) > 1 else str(run[0][1]) for run in runs)
