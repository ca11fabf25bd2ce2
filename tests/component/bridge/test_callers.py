"""Who may post events: what the file may say, and how a service is known."""

import hashlib
from pathlib import Path

import pytest

from streams.bridge.answers import Rejected
from streams.bridge.services.callers import Caller, Callers, CallersError, read_callers

TOKEN, NEXT_TOKEN = "mailer-token-0123456789abcdef", "mailer-token-next-0123456789"
PROXY_SECRET = "proxy-secret-0123456789"  # noqa: S105 - the same
MAILER = Caller("mailer", frozenset({"command.reported"}))


def digest(token: str) -> str:
    """Give what the file holds of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def written(folder: Path, text: str) -> Path:
    """Write a file of callers."""
    file = folder / "callers.toml"
    file.write_text(text)
    return file


@pytest.fixture
def callers(tmp_path: Path) -> Callers:
    text = f"""
[mailer]
types = ["command.reported"]
token_sha256 = ["{digest(TOKEN)}", "{digest(NEXT_TOKEN)}"]

[app]
types = ["account.challenged", "command.reported"]
certificates = ["CN=app,O=Example"]
"""
    return read_callers(written(tmp_path, text), (PROXY_SECRET, "proxy-secret-other-00"), "x-client-name")


def test_either_token_while_one_is_replaced(callers: Callers) -> None:
    """Both are the same service's."""
    for token in (TOKEN, NEXT_TOKEN):
        assert callers.named_in({b"authorization": f"Bearer {token}".encode()}) == MAILER
        assert callers.named_in({b"authorization": f"bearer  {token} ".encode()}) == MAILER


@pytest.mark.parametrize("secret", [PROXY_SECRET, "proxy-secret-other-00"])
def test_a_certificate_that_the_proxy_vouches_for(callers: Callers, secret: str) -> None:
    """The proxy says whose certificate it saw, and shows that it is the proxy."""
    headers = {b"x-client-name": b"CN=app,O=Example", b"x-proxy-secret": secret.encode()}
    assert callers.named_in(headers).name == "app"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {b"authorization": b""},
        {b"authorization": b"Bearer"},
        {b"authorization": b"Bearer "},
        {b"authorization": b"Bearer wrong"},
        {b"authorization": b"Bearer \xff\xfe"},
        {b"authorization": b"Basic " + TOKEN.encode()},
        {b"authorization": TOKEN.encode()},
        {b"authorization": b"Bearer " + digest(TOKEN).encode()},
        {b"x-client-name": b"CN=app,O=Example"},
        {b"x-client-name": b"CN=app,O=Example", b"x-proxy-secret": b""},
        {b"x-client-name": b"CN=app,O=Example", b"x-proxy-secret": b"wrong"},
        {b"x-client-name": b"CN=other", b"x-proxy-secret": PROXY_SECRET.encode()},
        {b"x-proxy-secret": PROXY_SECRET.encode()},
    ],
)
def test_nobody_else(callers: Callers, headers: dict[bytes, bytes]) -> None:
    """A name without the proxy's secret, the hash of a token, another scheme, or nothing: all the same 401."""
    with pytest.raises(Rejected) as refused:
        callers.named_in(headers)
    assert refused.value.answer.status == 401
    assert b"Bearer" in dict(refused.value.answer.start["headers"])[b"www-authenticate"]


@pytest.mark.parametrize("name", [b"authorization", b"x-proxy-secret", b"x-client-name"])
def test_what_says_who_sends_is_said_once(callers: Callers, name: bytes) -> None:
    """Of two one may be the client's own, before or behind the proxy's: nobody is known by either."""
    headers = [(b"accept", b"a"), (b"accept", b"b"), (name, b"one")]
    assert callers.once(headers)[name] == b"one"
    with pytest.raises(Rejected) as refused:
        callers.once([*headers, (name, b"two")])
    assert refused.value.answer.status == 401


def test_no_token_is_nobody_s() -> None:
    """Not even where its hash is among those that are known."""
    callers = Callers(((digest("").encode(), MAILER),))
    for given in (b"Bearer", b"Bearer ", b"Bearer  "):
        with pytest.raises(Rejected):
            callers.named_in({b"authorization": given})


def test_a_wrong_token_is_not_saved_by_a_header(callers: Callers) -> None:
    """Who shows a token is judged by it alone."""
    headers = {
        b"authorization": b"Bearer wrong",
        b"x-client-name": b"CN=app,O=Example",
        b"x-proxy-secret": PROXY_SECRET.encode(),
    }
    with pytest.raises(Rejected):
        callers.named_in(headers)


def test_there_may_be_nobody(tmp_path: Path) -> None:
    """An empty file is a file without callers."""
    assert not read_callers(written(tmp_path, ""))
    assert not Callers()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[mailer]\ntypes = []\n", "mailer: types: "),
        ('[mailer]\ntypes = ["account.modified"]\n', "mailer: types.0: "),
        ('[mailer]\ntypes = ["command.reported"]\n', "mailer: token_sha256 or certificates is needed"),
        ('[mailer]\ntypes = ["command.reported"]\ntoken = "x"\n', "mailer: token: "),
        ('[mailer]\ntypes = ["command.reported"]\ntoken_sha256 = ["x"]\n', "mailer: token_sha256.0: "),
        ('[mailer]\ntypes = ["command.reported"]\ncertificates = ["CN=a"]\n', "certificates need TXPUSH_PROXY_SECRETS"),
        (f'[mailer]\ntypes = ["command.reported"]\ntoken_sha256 = ["{digest("")}"]\n', "the hash of no token"),
        ("mailer = 1\n", "mailer: "),
        ("[mailer\n", "cannot be read as TOML"),
        (f"a = {'[' * 3000}", "cannot be read as TOML"),
        (f"a = {'9' * 5000}", "cannot be read as TOML"),
        ("".join(f"[c{n}]\n" for n in range(101)), "101 callers: at most 100"),
        (
            "".join(
                f'[{name}]\ntypes = ["command.reported"]\ntoken_sha256 = ["{digest(TOKEN)}"]\n' for name in ("a", "b")
            ),
            "b: has a token or certificate of a",
        ),
    ],
)
def test_a_file_that_does_not_hold(tmp_path: Path, text: str, problem: str) -> None:
    """Every fault is told with whose it is, without what stands there."""
    with pytest.raises(CallersError) as refused:
        read_callers(written(tmp_path, text))
    assert problem in str(refused.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """A named file is needed."""
    with pytest.raises(CallersError, match="cannot be read"):
        read_callers(tmp_path / "gone.toml")


def test_secrets_do_not_show(callers: Callers) -> None:
    """Printing the callers shows neither hashes nor the proxy's secret."""
    assert not [secret for secret in (digest(TOKEN), PROXY_SECRET) if secret in repr(callers)]
