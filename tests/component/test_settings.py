"""Settings: where they come from, which one wins, and that every problem is told at once."""

from pathlib import Path

import pytest

from streams.settings import Settings, SettingsError, read_settings

TOKEN, OTHER_TOKEN = "t" * 20, "u" * 20


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start from an environment without settings of ours."""
    import os  # noqa: PLC0415 - only to look for leftovers

    for name in [name for name in os.environ if name.upper().startswith("TXPUSH_")]:
        monkeypatch.delenv(name)


def problems() -> list[str]:
    """Read settings that cannot be used and give the lines that say why."""
    with pytest.raises(SettingsError) as refused:
        read_settings()
    return str(refused.value).splitlines()


def test_defaults_are_those_of_a_cluster_of_three() -> None:
    """Without any setting the layout is the one for production."""
    settings = read_settings()
    assert (settings.partitions, settings.replication, settings.bootstrap) == (12, 3, "127.0.0.1:9092")


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable under our prefix sets the field of that name."""
    monkeypatch.setenv("TXPUSH_PARTITIONS", "3")
    assert read_settings().partitions == 3


def test_a_clock_is_read_whole_or_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A faster clock comes as text or as the place of a file; what is none is told with the others."""
    monkeypatch.setenv("TXPUSH_CLOCK", "2026-09-01T00:00:00Z,2026-11-01T00:00:00Z,43200")
    assert str(read_settings().clock) == "2026-09-01T00:00:00Z,2026-11-01T00:00:00Z,43200"
    (tmp_path / "clock").write_text("2026-09-01T00:00:00Z,2026-11-01T00:00:00Z,60\n")
    monkeypatch.setenv("TXPUSH_CLOCK", str(tmp_path / "clock"))
    assert str(read_settings().clock) == str(tmp_path / "clock")
    monkeypatch.setenv("TXPUSH_CLOCK", "faster")
    assert "TXPUSH_CLOCK: write start,began,scale" in problems()[0]


def test_an_option_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was given on the command line wins; an option that was not given leaves the environment's word."""
    monkeypatch.setenv("TXPUSH_BRIDGE_WORKERS", "2")
    assert read_settings(bridge_workers=4).bridge_workers == 4
    assert read_settings(bridge_workers=None).bridge_workers == 2


def test_a_toml_file_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Settings may stand in a file; the environment wins over it."""
    file = tmp_path / "settings.toml"
    file.write_text('partitions = 3\nreplication = 1\ncallback_tokens = "' + TOKEN + '"\n')
    monkeypatch.setenv("TXPUSH_SETTINGS_FILE", str(file))
    monkeypatch.setenv("TXPUSH_PARTITIONS", "6")
    settings = read_settings()
    assert (settings.partitions, settings.replication) == (6, 1)
    assert [token.get_secret_value() for token in settings.callback_tokens] == [TOKEN]


def test_secrets_come_from_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder of secrets has one file a setting; other files in it are nobody's business."""
    (tmp_path / "callback_tokens").write_text(f"{TOKEN},{OTHER_TOKEN}\n")
    (tmp_path / "something_else").write_text("x")
    monkeypatch.setenv("TXPUSH_SECRETS_DIR", str(tmp_path))
    assert [token.get_secret_value() for token in read_settings().callback_tokens] == [TOKEN, OTHER_TOKEN]


def test_the_environment_wins_over_secret_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The nearer word wins for secrets, too."""
    (tmp_path / "callback_tokens").write_text(TOKEN)
    monkeypatch.setenv("TXPUSH_SECRETS_DIR", str(tmp_path))
    monkeypatch.setenv("TXPUSH_CALLBACK_TOKENS", OTHER_TOKEN)
    assert [token.get_secret_value() for token in read_settings().callback_tokens] == [OTHER_TOKEN]


def test_tokens_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the settings nor a problem with them print a token."""
    monkeypatch.setenv("TXPUSH_CALLBACK_TOKENS", f"{TOKEN},{OTHER_TOKEN},")
    assert TOKEN not in repr(read_settings())
    monkeypatch.setenv("TXPUSH_CALLBACK_TOKENS", "geheim")
    (line,) = problems()
    assert "openssl rand -hex 24" in line
    assert "geheim" not in line


@pytest.mark.parametrize("tokens", ["short", "with/slash" * 3, ",".join([TOKEN] * 3), f"{TOKEN},short"])
def test_weak_tokens_are_refused(monkeypatch: pytest.MonkeyPatch, tokens: str) -> None:
    """One or two long plain tokens, or none at all."""
    monkeypatch.setenv("TXPUSH_CALLBACK_TOKENS", tokens)
    (line,) = problems()
    assert line.startswith("TXPUSH_CALLBACK_TOKENS: ")


def test_all_problems_are_told_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One start is enough to learn of every value, name and place that does not hold, and of what is allowed."""
    monkeypatch.setenv("TXPUSH_PARTITIONS", "0")
    monkeypatch.setenv("TXPUSH_BRIDGE_PORT", "many")
    monkeypatch.setenv("TXPUSH_CALLBACK_TOKENS", "short")
    monkeypatch.setenv("TXPUSH_BOOTSTRAPS", "kafka:9092")
    monkeypatch.setenv("TXPUSH_SECRETS_DIR", str(tmp_path / "gone"))
    lines = problems()
    assert [line.partition(":")[0] for line in lines] == [
        "TXPUSH_SECRETS_DIR",
        "TXPUSH_BOOTSTRAPS",
        "TXPUSH_PARTITIONS",
        "TXPUSH_CALLBACK_TOKENS",
        "TXPUSH_BRIDGE_PORT",
    ]
    assert "(partitions of every topic, for life)" in lines[2]


@pytest.mark.parametrize(("ack", "shutdown"), [("12", None), (None, "5"), ("10", "10")])
def test_a_stop_is_longer_than_an_answer(
    monkeypatch: pytest.MonkeyPatch, ack: str | None, shutdown: str | None
) -> None:
    """Answers that wait for Kafka have to end before the process does, whichever of the two is set."""
    for name, seconds in (("ACK", ack), ("SHUTDOWN", shutdown)):
        if seconds is not None:
            monkeypatch.setenv(f"TXPUSH_{name}_SECONDS", seconds)
    (line,) = problems()
    assert line.startswith("TXPUSH_ACK_SECONDS: ")
    assert "below TXPUSH_SHUTDOWN_SECONDS" in line


@pytest.mark.parametrize(
    ("variable", "advice"),
    [
        ("TXPUSH_BOOTSTRP", "no such setting; did you mean TXPUSH_BOOTSTRAP?"),
        ("TXPUSH_CALLBACK_TOKEN", "no such setting; did you mean TXPUSH_CALLBACK_TOKENS?"),
        ("txpush_sesion_seconds", "no such setting; did you mean TXPUSH_SESSION_SECONDS?"),
        ("TXPUSH_XYZZY", "no such setting; remove it"),
    ],
)
def test_a_name_that_is_no_setting_is_refused(monkeypatch: pytest.MonkeyPatch, variable: str, advice: str) -> None:
    """A slip of the pen does not quietly mean the default."""
    monkeypatch.setenv(variable, "x")
    assert problems() == [f"{variable.upper()}: {advice}"]


def test_a_name_in_the_file_that_is_no_setting_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The same for a key of the settings file."""
    file = tmp_path / "settings.toml"
    file.write_text("partition = 3\n")
    monkeypatch.setenv("TXPUSH_SETTINGS_FILE", str(file))
    assert problems() == ["TXPUSH_PARTITION: no such setting; did you mean TXPUSH_PARTITIONS?"]


def test_variables_that_name_places_are_known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The names of the settings file, the secrets and the cache are ours without being settings."""
    file = tmp_path / "settings.toml"
    file.write_text("")
    monkeypatch.setenv("TXPUSH_SETTINGS_FILE", str(file))
    monkeypatch.setenv("TXPUSH_SECRETS_DIR", str(tmp_path))
    monkeypatch.setenv("TXPUSH_CACHE_DIR", str(tmp_path))
    assert read_settings() == Settings()


def test_a_file_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A named file is needed; so is a folder where a folder is named."""
    monkeypatch.setenv("TXPUSH_SETTINGS_FILE", str(tmp_path / "gone.toml"))
    assert problems() == [f"TXPUSH_SETTINGS_FILE: {tmp_path}/gone.toml is not a file; make it or unset the variable"]
    monkeypatch.setenv("TXPUSH_SETTINGS_FILE", str(tmp_path))
    assert problems() == [f"TXPUSH_SETTINGS_FILE: {tmp_path} is not a file; make it or unset the variable"]


def test_a_file_that_is_no_toml_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The message names the file and the line."""
    file = tmp_path / "settings.toml"
    file.write_text("partitions = 3\nreplication: 1\n")
    monkeypatch.setenv("TXPUSH_SETTINGS_FILE", str(file))
    (line,) = problems()
    assert line.startswith(f"TXPUSH_SETTINGS_FILE: {file} is not TOML: ")
    assert "line 2" in line


@pytest.mark.parametrize(
    "bootstrap", ["kafka:9092", "127.0.0.1:1,[::1]:65535", "b-1.kafka_x.example.org.:9092, b-2.example.org:9092"]
)
def test_addresses(monkeypatch: pytest.MonkeyPatch, bootstrap: str) -> None:
    """Names, IPv4 and IPv6 in brackets, each with a port."""
    monkeypatch.setenv("TXPUSH_BOOTSTRAP", bootstrap)
    assert read_settings().bootstrap == bootstrap


@pytest.mark.parametrize(
    "bootstrap",
    [
        "kafka",
        "kafka:",
        ":9092",
        "kafka:0",
        "kafka:65536",
        "kafka:" + "9" * 5000,
        "a:1,",
        "::1:9092",
        "a b:1",
        "a:1;b:2",
    ],
)
def test_what_is_no_address_is_refused(monkeypatch: pytest.MonkeyPatch, bootstrap: str) -> None:
    """The client library would fail with a trace, or wait for ever."""
    monkeypatch.setenv("TXPUSH_BOOTSTRAP", bootstrap)
    (line,) = problems()
    assert line.startswith("TXPUSH_BOOTSTRAP: ")
    assert "is no host:port" in line


def test_a_file_that_is_nested_too_deep_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No settings are."""
    file = tmp_path / "settings.toml"
    file.write_text("partitions = " + "[" * 3000 + "]" * 3000)
    monkeypatch.setenv("TXPUSH_SETTINGS_FILE", str(file))
    (line,) = problems()
    assert line.startswith("settings cannot be read: ")


@pytest.mark.parametrize("name", ["TXPUSH_PUBLIC_URL", "TXPUSH_VENDOR_URL", "TXPUSH_LINK_URL"])
@pytest.mark.parametrize(
    ("address", "is_taken"),
    [
        ("https://api.example.com", True),
        ("http://127.0.0.1:8099", True),
        ("http://[::1]:8099", True),
        ("http://sandbox:8099", True),
        ("http://api.example.com", False),
        ("http://10.1.2.3:8099", False),
    ],
)
def test_secrets_go_over_tls(monkeypatch: pytest.MonkeyPatch, name: str, address: str, is_taken: bool) -> None:  # noqa: FBT001 - of a table
    """Credentials, links and bodies leave this machine and its network encrypted, or there is no start."""
    monkeypatch.setenv(name, address)
    if is_taken:
        assert getattr(read_settings(), name.removeprefix("TXPUSH_").lower()) == address
    else:
        assert [line for line in problems() if name in line and "write https://" in line]
