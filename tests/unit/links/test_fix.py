"""The links of customers: the same each time, opened by us alone, and over after nine days."""

import base64
import traceback
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.links import LIFETIME, ExpiredLinkError, FixLinks, ForgedLinkError, LinkError, links_of
from streams.settings import Settings, SettingsError

KEY, OLD_KEY, OTHER_KEY = (bytes([number]) * 32 for number in range(3))
BASE = "https://fix.example.com"
COMMAND = "0d0e5c3a-7c0a-4f43-9d9a-6b1c1f6e2a11"
AT = datetime(2026, 11, 1, 3, 0, 0, 123_000, tzinfo=UTC)
LINKS = FixLinks([KEY], BASE)


def token_of(url: str) -> str:
    """Give the secret part of a link."""
    return url.rpartition("/")[2]


def test_the_same_message_has_the_same_link() -> None:
    """Whoever writes it, whenever: a repeated message is identical."""
    assert LINKS.url(COMMAND, AT) == FixLinks([KEY, OLD_KEY], BASE).url(COMMAND, AT)
    assert LINKS.url(COMMAND, AT) != LINKS.url(COMMAND, AT + timedelta(milliseconds=1))


def test_the_shape_of_a_link() -> None:
    """Address, /fix/, and one word that needs no escapes; nothing of the command shows in it."""
    url = LINKS.url(COMMAND, AT)
    assert url == f"{BASE}/fix/{token_of(url)}"
    assert len(token_of(url)) == 51
    assert COMMAND not in url


def test_a_link_names_its_command() -> None:
    """From the time of the message on."""
    assert LINKS.read(LINKS.token(COMMAND, AT), AT) == COMMAND


def test_a_link_ends_after_nine_days() -> None:
    """It opens up to its last millisecond, and not at its end."""
    token, end = LINKS.token(COMMAND, AT), AT + timedelta(days=9)
    assert LINKS.read(token, end - timedelta(milliseconds=1)) == COMMAND
    with pytest.raises(ExpiredLinkError):
        LINKS.read(token, end)
    assert timedelta(days=9) == LIFETIME


def test_two_keys_while_one_is_replaced() -> None:
    """The first seals; what the other sealed still opens, until it is taken away."""
    both = FixLinks([KEY, OLD_KEY], BASE)
    old = FixLinks([OLD_KEY], BASE).token(COMMAND, AT)
    assert both.read(old, AT) == both.read(LINKS.token(COMMAND, AT), AT) == COMMAND
    with pytest.raises(ForgedLinkError):
        LINKS.read(old, AT)


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "A" * 51,
        "A" * 50 + "!",
        "!" * 51,
        "A" * 49 + "!!",
        "=" * 51,
        "é" * 51,
        "/" * 51,
        " " * 51,
        "A" * 5000,
        COMMAND,
    ],
)
def test_what_is_no_link_of_ours(token: str) -> None:
    """Anything else is refused in the same way."""
    with pytest.raises(ForgedLinkError):
        LINKS.read(token, AT)


@given(st.integers(0, 50), st.sampled_from("ABCXYZabcxyz0189-_"))
def test_a_changed_link_opens_nothing(place: int, letter: str) -> None:
    """Not one character may differ; nor is there a second spelling of the same bytes."""
    token = LINKS.token(COMMAND, AT)
    changed = token[:place] + letter + token[place + 1 :]
    if changed != token:
        with pytest.raises(ForgedLinkError):
            LINKS.read(changed, AT)


def test_a_padded_link_is_another_spelling() -> None:
    """Base64 with padding, or with the other alphabet, is not what we wrote."""
    token = LINKS.token(COMMAND, AT)
    standard = base64.b64encode(base64.urlsafe_b64decode(token + "=")).decode().rstrip("=")
    for spelling in {token + "=", standard} - {token}:
        with pytest.raises(ForgedLinkError):
            LINKS.read(spelling, AT)


def test_errors_quote_no_link() -> None:
    """Neither message nor repr of an error has the token or what is in it."""
    token = LINKS.token(COMMAND, AT)
    for links, now in ((LINKS, AT + LIFETIME), (FixLinks([OTHER_KEY], BASE), AT)):
        with pytest.raises(LinkError) as refused:
            links.read(token, now)
        said = "".join(traceback.format_exception_only(refused.value)) + repr(refused.value)
        assert token not in said
        assert COMMAND not in said


def test_pages_behind_a_link() -> None:
    """The address of a token can be given back, with a page behind it."""
    token = LINKS.token(COMMAND, AT)
    assert LINKS.address(token) == LINKS.url(COMMAND, AT)
    assert LINKS.address(token, "/done") == f"{BASE}/fix/{token}/done"


# -- settings


def settings(**given: object) -> Settings:
    """Give settings with nothing but these."""
    return Settings(**given)  # type: ignore[arg-type] # fields by name


def test_no_links_without_settings() -> None:
    """Neither address nor key: none are asked for."""
    assert links_of(settings()) is None


def test_links_of_settings() -> None:
    """Address and keys give what the same address and keys give anywhere."""
    links = links_of(settings(link_url=BASE, link_keys=f"{KEY.hex()},{OLD_KEY.hex()}"))
    assert links is not None
    assert links.url(COMMAND, AT) == LINKS.url(COMMAND, AT)


@pytest.mark.parametrize(
    ("given_settings", "missing"),
    [({"link_url": BASE}, "TXPUSH_LINK_KEYS: missing"), ({"link_keys": KEY.hex()}, "TXPUSH_LINK_URL: missing")],
)
def test_half_of_the_settings(given_settings: dict[str, str], missing: str) -> None:
    """One without the other is a slip, and the message says what is missing."""
    with pytest.raises(SettingsError, match=missing):
        links_of(settings(**given_settings))


@pytest.mark.parametrize("keys", ["geheim", "00" * 31, ",".join(["00" * 32] * 3), "zz" * 32])
def test_keys_that_cannot_be_used(keys: str) -> None:
    """Keys are one or two times 64 hex digits; what was given is not repeated."""
    with pytest.raises(ValueError, match="link_keys") as refused:
        settings(link_keys=keys)
    assert keys not in str(refused.value.errors(include_url=False, include_input=False))  # type: ignore[attr-defined]
