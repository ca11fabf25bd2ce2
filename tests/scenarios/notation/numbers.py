"""Numbers of the policy that a scenario changes, one line of TOML each: `contact.cooldown_hours = 1`."""

import json
import tomllib
from functools import lru_cache
from typing import Any

from schemas.policy import Policy, PolicyError

SHIPPED = Policy.load()


@lru_cache(256)
def with_numbers(policy: Policy, text: str) -> Policy:
    """Give a policy with other numbers, those of one section apart from the others'; raises ValueError."""
    whole: dict[str, Any] = policy.model_dump(mode="json")
    try:
        given = tomllib.loads("\n".join(text.split(";")))
        for name, value in given.items():
            whole[name] = {**whole.get(name, {}), **value} if isinstance(value, dict) else value
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(f"policy: not TOML: {error}; write `contact.cooldown_hours = 1`") from None
    Policy.from_toml("\n".join(text.split(";")), file="policy")
    return Policy.model_validate_json(json.dumps(whole))
