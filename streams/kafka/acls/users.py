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
        UserError: one is of no component, or no user, or may use the groups of another.
    """
    named = [_user(text) for text in given]
    _refuse_shared_groups([_name(user) for user in named if user.component is Component.DOWNSTREAM])
    replaced = {user.component for user in named}
    return [*(user for user in DEFAULTS if user.component not in replaced), *named]


def _user(text: str) -> User:
    component, _, principal = text.partition("=")
    if component not in set(Component):
        raise UserError(f"{component!r} is no component: write one of {', '.join(Component)}")
    if USER.fullmatch(principal) is None:
        raise UserError(f"{principal!r} is no user: write {component}=User:NAME, or {component}=User:CN=NAME,O=...")
    return User(principal, Component(component))


def _refuse_shared_groups(names: list[str]) -> None:
    for name in names:
        for other in names:
            if other.startswith(f"{name}."):
                raise UserError(f"{other!r} is no user beside {name!r}, whose groups begin with its name and a dot")


def _name(user: User) -> str:
    match = USER.fullmatch(user.principal)
    return match[1] if match is not None else user.principal


def rights_of(user: User) -> list[Right]:
    """Give the rights of a user; where a name has the user's own in it, that name is filled in."""
    name = _name(user)
    return [right._replace(name=right.name.replace(OWN_NAME, name)) for right in rights(user.component)]
