"""Names for people in the log: the same under the same key, and nothing else is known of them."""

import hashlib
import logging
import re

import pytest
from click.testing import CliRunner

from streams.cli import txpush
from streams.pseudonyms import Kind, Pseudonyms, kind_of
from streams.settings import SettingsError, read_settings

FIRST, SECOND = b"\x01" * 32, b"\x02" * 32
KEYS = f"{FIRST.hex()},{SECOND.hex()}"


def test_a_name_is_the_same_wherever_the_key_is() -> None:
    """Processes and commands agree; the name says of what kind it is, and is BLAKE2b of the id under the key."""
    name = Pseudonyms([FIRST]).name(Kind.CUSTOMER, "7000000042")
    assert name == Pseudonyms([FIRST, SECOND]).name(Kind.CUSTOMER, "7000000042")
    told = hashlib.blake2b(b"7000000042", digest_size=10, key=FIRST, person=b"txpush c").hexdigest()
    assert name == f"c_{told}"


def test_names_differ_by_key_kind_and_id() -> None:
    """An account that has the number of a customer has another name, and so has everybody under another key."""
    names = [Pseudonyms([key]).name(kind, one) for key in (FIRST, SECOND) for kind in Kind for one in ("1", "2")]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[cal]_[0-9a-f]{20}", name) for name in names)


def test_a_name_is_told_from_an_id() -> None:
    """By its form, under whatever key; an export puts a number behind some."""
    names = [Pseudonyms().name(kind, "7000000042") for kind in Kind]
    assert [kind_of(name) for name in names] == list(Kind)
    assert kind_of(f"{names[0]}.12") is Kind.CUSTOMER
    near = ["7000000042", "c_42", names[0][:-1], f"{names[0]}0", f"{names[0]}.", names[0].upper(), names[0] + "\n"]
    assert [kind_of(one) for one in near] == [None] * len(near)


def test_without_a_key_one_is_made_up_and_that_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    """Nobody's name is the id, and none is that of another process; the log says what to set."""
    caplog.set_level(logging.INFO, "streams.pseudonyms")
    one, other = Pseudonyms(), Pseudonyms()
    assert caplog.messages == []
    assert one.name(Kind.LOGIN, "1") == one.name(Kind.LOGIN, "1") != other.name(Kind.LOGIN, "1")
    assert [message.count("TXPUSH_PSEUDONYM_KEYS") for message in caplog.messages] == [1, 1]


def test_an_id_that_is_no_text_has_a_name() -> None:
    """Half of a character, from a body nobody could read, stops no line."""
    assert Pseudonyms([FIRST]).name(Kind.CUSTOMER, "\udc80").startswith("c_")


def _told(*words: str, keys: str = KEYS, stdin: str = "") -> tuple[int, str]:
    environment = {"TXPUSH_PSEUDONYM_KEYS": keys} if keys else {}
    done = CliRunner().invoke(txpush, ["pseudonym", *words], env=environment, input=stdin)
    return done.exit_code, done.output


def test_the_command_gives_what_the_log_has() -> None:
    """Under both keys, of every kind where none is named; ids from standard input stay out of the history."""
    names = {(key, kind): Pseudonyms([key]).name(kind, "7000000042") for key in (FIRST, SECOND) for kind in Kind}
    every = [f"{kind.name.lower()} {names[key, kind]}" for kind in Kind for key in (FIRST, SECOND)]
    assert _told("7000000042") == (0, "\n".join([*every, ""]))
    customers = f"{names[FIRST, Kind.CUSTOMER]}\n{names[SECOND, Kind.CUSTOMER]}\n"
    assert _told("--kind", "customer", "-", stdin="7000000042\n") == (0, customers)


@pytest.mark.parametrize(
    ("words", "keys", "what"),
    [
        (["7000000042"], "", "TXPUSH_PSEUDONYM_KEYS is not set"),
        (["no id"], KEYS, "ID 1 is no id"),
    ],
)
def test_the_command_says_what_is_missing(words: list[str], keys: str, what: str) -> None:
    """Without a key a name would be found nowhere: it ends with 2 and says what to set."""
    code, said = _told(*words, keys=keys)
    assert (code, what in said) == (2, True)


def test_a_key_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings with half a key are refused, and a key is shown nowhere."""
    monkeypatch.setenv("TXPUSH_PSEUDONYM_KEYS", "ab")
    with pytest.raises(SettingsError, match=r"TXPUSH_PSEUDONYM_KEYS: .*64 hex digits"):
        read_settings()
    monkeypatch.setenv("TXPUSH_PSEUDONYM_KEYS", KEYS)
    options = read_settings().log_options("agent")
    assert options.keys == (FIRST, SECOND)
    assert FIRST.hex() not in repr((read_settings(), options))
    assert repr(FIRST) not in repr(options)
