"""What a command says: kind and steps of each code, reason, institution, and its identity (R2, section 5)."""

from uuid import uuid5

import pytest

from schemas.catalogue import Kind, Step
from schemas.commands import COMMAND_NAMESPACE, Action, Command, EpisodeRef, Evidence, Reason
from tests.unit.domain.build import (
    ACCOUNT,
    BANK,
    CATALOGUE,
    CUSTOMER,
    DAY,
    LOGIN,
    RULES,
    START,
    UNINTEGRATED,
    Story,
    looked,
    nightly,
)

SUPPORT = [147, 148, 173, 176, 181, 190, 324, 900, 901, 903, 904, 906, 907, 940, 950]
CONNECT_FIX = {
    103: [Step.ENTER_CREDENTIALS],
    108: [Step.RESOLVE_PROMPT_AT_BANK, Step.CONNECT_FIX],
    109: [Step.SET_NEW_PASSWORD_AT_BANK, Step.ENTER_CREDENTIALS],
    185: [Step.ANSWER_CHALLENGE],
    187: [Step.ANSWER_CHALLENGE],
    945: [Step.REAUTHENTICATE_OAUTH],
    946: [Step.AUTHENTICATE_RIGHT_ACCOUNT],
    947: [Step.RENEW_TOKEN],
    948: [Step.REAUTHENTICATE_OAUTH],
}
PAGE = (
    {code: (Kind.CONNECT_FIX, steps) for code, steps in CONNECT_FIX.items()}
    | {
        169: (Kind.REMOVE_DUPLICATE, [Step.KEEP_ONE_DELETE_REST]),
        949: (Kind.RELINK, [Step.DELETE_ACCOUNT, Step.ADD_ACCOUNT]),
    }
    | dict.fromkeys(SUPPORT, None)
)
"""The 26 codes of the vendor page: what each asks of the customer."""


def test_page_is_whole() -> None:
    """The table of this test has the vendor page's 26 codes."""
    assert len(PAGE) == 26


@pytest.mark.parametrize("code", PAGE)
def test_page(code: int) -> None:
    """Each code of the vendor page opens the command that it needs, support codes none for the customer."""
    story = Story()
    story.hear(nightly(code, 0))
    assert [(one.kind, list(one.steps)) for one in story.commands] == [found for found in (PAGE[code],) if found]


def test_message() -> None:
    """A command says everything that its reader needs."""
    story = Story()
    event = nightly(185, 0)
    (message,) = story.hear(event).messages
    command_id = str(uuid5(COMMAND_NAMESPACE, f"{CUSTOMER}/{LOGIN}/connect-fix/2026-11-01T03:00:00Z/1"))
    assert (message.topic, message.key, message.id) == ("remediation.connect-fix", CUSTOMER, f"{command_id}:0")
    assert (message.time, message.subject) == (event.time, f"customers/{CUSTOMER}/logins/{LOGIN}")
    assert message.data == Command(
        command_id=command_id,
        sequence=0,
        action=Action.ISSUE,
        kind=Kind.CONNECT_FIX,
        customer_id=CUSTOMER,
        institution_login_id=LOGIN,
        institution_id=BANK,
        account_ids=(ACCOUNT,),
        reason=Reason(code=185, cause=CATALOGUE.entry(185).cause, text=CATALOGUE.entry(185).text),
        steps=(Step.ANSWER_CHALLENGE,),
        episode=EpisodeRef(opened_at=START, ordinal=1),
        not_after=event.time + DAY,
        evidence=Evidence(event_ids=(event.id,), rules=("R3",)),
        policy_version=RULES.policy_version,
        catalogue_version=RULES.catalogue_version,
    )


def test_institution_of_the_case() -> None:
    """A command names the institution that the accounts of its login name now, the last known where none does."""
    story = Story()
    story.hear(looked(948), looked(109, START + DAY, START + DAY, bank="5"))
    assert [one.institution_id for one in story.commands] == [BANK, "5"]
    story.hear(nightly(0, 2, login="L2"))
    assert story.commands[-1].institution_id == "5"


def test_institution_unknown() -> None:
    """A command goes out though the institution is not known."""
    story = Story()
    story.hear(looked(185, bank=None))
    assert [one.institution_id for one in story.commands] == [None]


def test_without_fix() -> None:
    """Where Data Connect Fix is not integrated an OAuth code becomes relink, another one step in Data Connect."""
    story = Story(UNINTEGRATED)
    story.hear(nightly(945, 0), nightly(185, 1, "a2"))
    assert story.lines == ["L1 relink issue 945", "L1 connect-fix issue 185"]
    assert [list(one.steps) for one in story.commands] == [
        ["delete_account", "add_account"],
        ["reconnect_in_data_connect"],
    ]
