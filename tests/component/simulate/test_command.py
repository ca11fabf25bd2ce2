"""`txpush simulate`: what it refuses and how, what it reads, where it ends."""

from pathlib import Path

import orjson
import pytest

from schemas.times import rfc3339
from streams.simulate import files
from tests.component.simulate.build import account, at, captured, event, notified, run, seen, told
from tests.unit.domain.build import BANK, CUSTOMER, START

GOOD = seen(185)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"{broken\n", "not an event: "),
        (b"[1]\n", "write one JSON object a line, as `jq -c .` does"),
        (b'{"id": 5, "type": "x"}\n', "Expected `str`, got `int` - at `$.id`"),
        (b"\xff\xfe\n", "write one JSON object a line"),
        (b'{"id":' + b"[" * 100_000 + b"\n", "not an event"),
        ({"id": "a", "time": "2026-11-01T03:00:00Z"}, "neither an event nor a capture: type missing"),
        ({}, "id, type, time missing; an event has id, type, source, time and data, a capture has received_at"),
        (seen(185) | {"specversion": "0.3"}, "specversion '0.3' is not 1.0"),
        (seen(185) | {"time": "yesterday"}, "time 'yesterday' is no time; write RFC 3339"),
        (seen(185) | {"time": "2026-11-01T03:00:00"}, "is no time; write RFC 3339, as 2026-11-01T03:00:00Z"),
        (seen(185) | {"time": "1999-11-01T03:00:00Z"}, "is outside the years 2000 to 2199"),
        (seen(185) | {"data": "text"}, "mend the data, or remove the line"),
        (seen(185) | {"id": "x" * 300}, "id or type is longer than 256 characters"),
        (seen(185) | {"dataschema": "urn:txpush-remediation:2:x"}, "this release reads up to 1: use a later one"),
        (seen(185) | {"dataschema": f"urn:txpush-remediation:{'9' * 5000}:x"}, "use a later one"),
        (captured("mail", START, {}), "source 'mail' is none of txpush, connect, api, operator"),
        (captured("txpush", START, {}) | {"received_at": "noon"}, "received_at 'noon' is no time"),
        ({"source": "txpush", "body": {}}, "received_at '' is no time"),
        (captured("operator", START, {"action": "mark_otp"}), "an operator's body is the data of an override"),
    ],
)
def test_an_unreadable_line_ends_it(tmp_path: Path, line: object, says: str) -> None:
    """It exits with 2, names file and line, and says what is wrong; what came before is printed."""
    done = run(tmp_path, [GOOD, b"\n", line, GOOD])
    assert done.exit_code == 2
    assert f"{tmp_path}/events.jsonl:3: " in done.stderr
    assert says in done.stderr
    assert done.stdout.count("\n") == 1


def test_a_line_has_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is one endless line is not read into memory."""
    monkeypatch.setattr(files, "MAX_LINE", 1 << 20)
    done = run(tmp_path, [GOOD, b" " * (3 << 20)])
    assert done.exit_code == 2
    assert "events.jsonl:2: the line is longer than 1 MiB; write one event a line" in done.stderr


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--until", "tomorrow"], "TIME 'tomorrow' is no time; write RFC 3339"),
        (["--policy", "absent.toml"], "absent.toml: cannot be read"),
    ],
)
def test_options_that_make_no_sense_are_refused(tmp_path: Path, options: list[str], says: str) -> None:
    """They end with 2 before anything is read."""
    done = run(tmp_path, [GOOD], *options)
    assert (done.exit_code, done.stdout) == (2, "")
    assert says in done.stderr


def test_nothing_comes_of_nothing(tmp_path: Path) -> None:
    """An empty file, blank lines, and an end before the first event print nothing and exit with 0."""
    assert told(run(tmp_path, [])) == []
    assert told(run(tmp_path, [b"\n", b"  \r\n"])) == []
    assert told(run(tmp_path, [GOOD], "--until", "2026-10-31T00:00:00Z")) == []
    assert told(run(tmp_path, [], "--until", "2026-10-31T00:00:00Z")) == []


def test_gzip_blank_lines_and_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    """The name does not matter: gzip is known by its first bytes."""
    lines = [b"\xef\xbb\xbf", GOOD, b"\r\n", seen(0, at(hours=1))]
    plain = run(tmp_path, lines)
    assert told(plain) == ["0h connect-fix issue 185", "1h connect-fix withdraw 185"]
    assert run(tmp_path, lines, name="events.gz").stdout == plain.stdout


def test_types_of_other_versions_are_passed_over(tmp_path: Path) -> None:
    """A type that is not known here, and a record of another topic, change nothing."""
    other = event("vendor.auth.changed", at(hours=1), {"customerId": CUSTOMER, "secret": 1})
    bare = event("vendor.auth.gone", at(hours=1), {})
    del bare["data"]
    done = run(tmp_path, [GOOD, other, bare, event("remediation.relink", at(hours=2), {"customer_id": "1"})])
    assert told(done) == ["0h connect-fix issue 185"]
    assert "events.jsonl:3: bad_data: data of vendor.auth.gone" in done.stderr


def test_a_record_without_account_is_set_aside(tmp_path: Path) -> None:
    """It goes to the dead letter in live: here it is named, and the rest goes through."""
    nameless = event("txpush.account.modified", START, {"customerId": CUSTOMER, "aggregationStatusCode": 103})
    done = run(tmp_path, [nameless, GOOD])
    assert told(done) == ["0h connect-fix issue 185"]
    assert (
        f"set aside: {tmp_path}/events.jsonl:1: no_account: data of txpush.account.modified: accountId" in done.stderr
    )


def test_many_that_are_set_aside_are_counted(tmp_path: Path) -> None:
    """Twenty are named, the others are a number."""
    nameless = [event("txpush.account.modified", START, {"customerId": "1"}) for _ in range(25)]
    done = run(tmp_path, nameless)
    assert done.stderr.count("no_account") == 20
    assert done.stderr.endswith("set aside: 5 more\n")


def test_a_key_of_another_customer_is_set_aside(tmp_path: Path) -> None:
    """As live does; a record without a key belongs to the customer that it names."""
    done = run(tmp_path, [seen(185, partitionkey="71"), seen(103, at(hours=1), partitionkey=CUSTOMER)])
    assert told(done) == ["1h connect-fix issue 103"]
    assert "wrong_partition" in done.stderr


def test_it_ends_with_the_last_event_or_until_inclusive(tmp_path: Path) -> None:
    """A reminder due at the very end goes out; a millisecond before, it does not."""
    assert told(run(tmp_path, [GOOD])) == ["0h connect-fix issue 185"]
    assert told(run(tmp_path, [GOOD], "--until", "2026-11-02T02:59:59.999Z")) == ["0h connect-fix issue 185"]
    assert told(run(tmp_path, [GOOD], "--until", "2026-11-02T03:00:00Z"))[1:] == ["24h connect-fix remind 185"]
    other = seen(0, at(days=1), customer="71", account="a2", login="L2")
    assert told(run(tmp_path, [GOOD, other]))[1:] == ["24h connect-fix remind 185"]
    assert told(run(tmp_path, [GOOD, seen(0, at(hours=5))], "--until", "2026-11-01T07:00:00Z")) == [
        "0h connect-fix issue 185"
    ]


def test_lines_out_of_order_are_decided_at_the_clock(tmp_path: Path) -> None:
    """One clock for the file: a line that comes late is decided at the largest time so far."""
    late = seen(103, at(hours=1), customer="71", account="a2", login="L2")
    assert told(run(tmp_path, [seen(185, at(hours=2)), late])) == [
        "2h connect-fix issue 185",
        "2h connect-fix issue 103",
    ]


def test_a_record_at_the_time_of_a_timer_goes_first(tmp_path: Path) -> None:
    """What heals a login at the very time of a reminder saves the reminder."""
    assert told(run(tmp_path, [GOOD, seen(0, at(days=1))])) == [
        "0h connect-fix issue 185",
        "24h connect-fix withdraw 185",
    ]


def test_captures_become_what_the_bridge_makes_of_them(tmp_path: Path) -> None:
    """A notification, its redelivery, an account read over the API, a Data Connect event and an override."""
    done = run(
        tmp_path,
        [
            captured("txpush", at(), notified(account("185"), {"name": "nobody"})),
            captured("txpush", at(minutes=30), notified(account("185"), {"name": "nobody"})),
            captured("txpush", at(minutes=31), notified({"id": 1}, name="transaction", kind="created")),
            captured("connect", at(hours=1), DONE),
            captured("connect", at(hours=1), "<not json>"),
            captured("api", at(hours=2), account(0, at(hours=1.5))),
            captured("txpush", at(hours=3), orjson.dumps(notified(account(103, at(hours=3)))).decode()),
            captured("operator", at(hours=4), OVERRIDE),
        ],
    )
    assert told(done) == ["0h connect-fix issue 185", "1.25h lookup verify -", "2h connect-fix complete 185"]
    assert "events.jsonl:1: no_account: record 1: customerId, accountId: absent or not an id" in done.stderr
    assert "events.jsonl:5: unreadable_body: the body is XML" in done.stderr


DONE = {"customerId": CUSTOMER, "eventType": "done", "payload": {"institutionId": BANK}}
OVERRIDE = {"action": "silence", "customerId": CUSTOMER, "who": "ann", "why": "asked for it"}


def test_a_redelivered_capture_has_the_id_of_the_first(tmp_path: Path) -> None:
    """The id comes of the body, whatever the spaces in it: evidence names the same event."""
    body = notified(account(185))
    spaced = b'{"received_at":"2026-11-01T04:00:00Z","source":"txpush","body":' + orjson.dumps(body, option=2) + b"}\n"
    line = spaced.replace(b"\n", b" ").strip() + b"\n"
    first = orjson.loads(run(tmp_path, [captured("txpush", at(), body)]).stdout)
    second = orjson.loads(run(tmp_path, [line]).stdout)
    assert first["data"]["evidence"] == second["data"]["evidence"]


def test_the_policy_of_the_file_yields_to_one_that_is_named(tmp_path: Path) -> None:
    """`policy.activated` changes the rules from there on; with --policy the file's own are passed over."""
    (tmp_path / "mine.toml").write_text('version = "mine"\n[contact]\nreminder_days = [2]\n')
    done = run(tmp_path, [GOOD, seen(0, at(days=3))], "--policy", str(tmp_path / "mine.toml"))
    assert told(done)[1] == "48h connect-fix remind 185"
    assert '"policy_version":"mine"' in done.stdout


def test_a_summary_counts_by_topic_and_action(tmp_path: Path) -> None:
    """The table stands in place of the messages."""
    done = run(tmp_path, [GOOD, seen(0, at(days=2))], "--summary")
    assert done.exit_code == 0
    assert "2 events, 2026-11-01T03:00:00Z to 2026-11-03T03:00:00Z: 3 messages" in done.stdout
    row = next(line for line in done.stdout.splitlines() if "connect-fix" in line)
    assert row.split()[-3:] == ["1", "1", "1"]
    assert run(tmp_path, [], "--summary").stdout.startswith("0 events: 0 messages")


def test_half_a_surrogate_pair_costs_its_text_alone(tmp_path: Path) -> None:
    """As in the bridge: in a capture, or in one that was captured as text; an event of the log has none."""
    half = b'"name":"Everyday \\ud83d"'
    lines = [captured("txpush", at(), notified(account(185))), captured("txpush", at(hours=1), notified(account(103)))]
    plain, text = (orjson.dumps(line).replace(b'"name":"Everyday Checking"', half) + b"\n" for line in lines)
    body = orjson.dumps(notified(account(0, at(hours=2)))).replace(b'"name":"Everyday Checking"', half)
    quoted = captured("txpush", at(hours=2), body.decode())
    assert half in plain
    assert told(run(tmp_path, [plain, quoted])) == ["0h connect-fix issue 185", "2h connect-fix withdraw 185"]
    assert told(run(tmp_path, [text]))[0] == "1h connect-fix issue 103"
    logged = orjson.dumps(GOOD).replace(b'"data":{', b'"data":{"name":"\\ud83d",')
    assert "not an event" in run(tmp_path, [logged]).stderr


def test_an_operator_may_decide_the_same_twice(tmp_path: Path) -> None:
    """A decision is none that was redelivered: with the same words later, it counts again."""
    silence = {"action": "silence", "all": True, "who": "ann", "why": "wrong letters"}
    lines = [
        captured("operator", at(), silence),
        captured("operator", at(hours=1), silence | {"until": rfc3339(at(hours=1))}),
        captured("operator", at(hours=2), silence),
        captured("txpush", at(hours=3), notified(account(185))),
    ]
    assert told(run(tmp_path, lines, "--until", rfc3339(at(days=9)))) == []
    assert told(run(tmp_path, [*lines[:2], lines[3]])) == ["3h connect-fix issue 185"]
