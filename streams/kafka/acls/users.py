"""Which user of Kafka is which component, and the rights of that user by name."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from schemas.contract.channels import Component
from streams.kafka.acls.rights import OWN_NAME, Right, rights

USER = re.compile(r"User:(?:CN=)?([^,*]+)(?:,.*)?")
"""A name, or the subject of a certificate that begins with its common name."""


class User(NamedTuple):
    """A principal of Kafka, and what it runs."""

    principal: str
    component: Component


class UserError(ValueError):
    """A user cannot be meant: the message says how it is written."""


DEFAULTS = tuple(User(f"User:txpush-{component}", component) for component in Component)


def users(given: Iterable[str]) -> list[User]:
    """Give all users; `COMPONENT=PRINCIPAL` names those of a component in place of the default, several for several.

    Raises:
        UserError: one is of no component, or no user.
    """
    named = [_user(text) for text in given]
    replaced = {user.component for user in named}
    return [*(user for user in DEFAULTS if user.component not in replaced), *named]


def _user(text: str) -> User:
    component, _, principal = text.partition("=")
    if component not in set(Component):
        raise UserError(f"{component!r} is no component: write one of {', '.join(Component)}")
    if USER.fullmatch(principal) is None:
        raise UserError(f"{principal!r} is no user: write {component}=User:NAME, or {component}=User:CN=NAME,O=...")
    return User(principal, Component(component))


def of(user: User) -> list[Right]:
    """Give the rights of a user; where a name begins with the user's own, that name is filled in."""
    match = USER.fullmatch(user.principal)
    name = match[1] if match is not None else user.principal
    return [right._replace(name=name) if right.name == OWN_NAME else right for right in rights(user.component)]
