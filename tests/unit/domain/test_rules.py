"""The look-ups of what is in force agree with policy and catalogue (R2)."""

import pytest

from schemas.catalogue import Kind, Treatment
from tests.unit.domain.build import CATALOGUE, RULES, UNINTEGRATED

FIXABLE = [
    (103, ["enter_credentials"]),
    (108, ["resolve_prompt_at_bank", "connect_fix"]),
    (109, ["set_new_password_at_bank", "enter_credentials"]),
    (185, ["answer_challenge"]),
    (187, ["answer_challenge"]),
    (945, ["reauthenticate_oauth"]),
    (946, ["authenticate_right_account"]),
    (947, ["renew_token"]),
    (948, ["reauthenticate_oauth"]),
]


def test_versions() -> None:
    """Commands state the versions of the policy and the catalogue in force."""
    assert (RULES.policy_version, RULES.catalogue_version) == (RULES.policy.version, CATALOGUE.version)


@pytest.mark.parametrize(("code", "steps"), FIXABLE)
def test_fixable(code: int, steps: list[str]) -> None:
    """A code that Data Connect Fix mends asks for a connect-fix with the steps of its cause."""
    remedy = RULES.remedy(code)
    assert remedy is not None
    assert (remedy.kind, list(remedy.steps)) == (Kind.CONNECT_FIX, steps)


@pytest.mark.parametrize("code", [code for code, _ in FIXABLE])
def test_without_fix(code: int) -> None:
    """Without Fix the OAuth codes become relink, the others one step in Data Connect."""
    remedy = UNINTEGRATED.remedy(code)
    relink = code in {945, 946, 948}
    assert remedy is not None
    assert remedy.kind is (Kind.RELINK if relink else Kind.CONNECT_FIX)
    assert list(remedy.steps) == (["delete_account", "add_account"] if relink else ["reconnect_in_data_connect"])


@pytest.mark.parametrize("code", [None, 0, 102, 147, 900, 931, 999_999, -1])
def test_no_remedy(code: int | None) -> None:
    """Codes that no customer can mend have no remedy here: they open nothing for a customer."""
    assert RULES.remedy(code) is None


def test_treatment() -> None:
    """A code is treated as the catalogue says, and as unknown where it says nothing."""
    assert [RULES.treatment(code) for code in (0, 185, 931, 147, 102, 777_777)] == list(Treatment)


def test_ranks() -> None:
    """Reasons rank as R3 lists them; codes without a rank come last."""
    listed = [949, 109, 103, 108, 945, 948, 947, 187, 185, 946, 169]
    assert sorted(listed, key=RULES.rank, reverse=True) == listed
    assert RULES.rank(945) == RULES.rank(948)
    assert RULES.rank(102) == 0


@pytest.mark.parametrize(
    ("code", "speaks", "confirms", "demands"),
    [
        (0, True, False, False),
        (103, True, False, False),
        (185, True, False, True),
        (187, True, False, False),
        (931, True, True, True),
        (102, False, False, False),
        (900, False, False, False),
        (777_777, False, False, False),
    ],
)
def test_what_a_code_says(code: int, speaks: bool, confirms: bool, demands: bool) -> None:  # noqa: FBT001 - a table
    """0, what a customer can mend and 931 say something of the login; 185 and 931 ask for a passcode (R2, R7)."""
    found = RULES.speaks(code), RULES.confirms_otp(code), RULES.demands_otp(code)
    assert found == (speaks, confirms, demands)
