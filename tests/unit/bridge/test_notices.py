"""What the bridge's log says of requests that went wrong, and how seldom."""

import hashlib
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest

from streams.bridge import notices
from streams.bridge.notices import EVERY_SECONDS, Notices
from streams.observe.labels import Route
from tests.unit.bridge.bench import CONNECT, TXPUSH, Bench, bench_with, sample
from tests.unit.bridge.signed import SIGNING, connect, subscribed
from tests.unit.bridge.test_events import APP_TOKEN, MAILER_TOKEN, REPORT, SERVING, post
from tests.waiting import until

CANARY = "canary-7000000042"
BODY = sample("txpush-account-modified-185")


@pytest.fixture(autouse=True)
def _listening(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "streams.bridge")


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with bench_with(SERVING, subscribed()) as made:
        yield made


@pytest.mark.parametrize("route", ["txpush", "connect"])
async def test_a_wrong_path_token_is_said(bench: Bench, caplog: pytest.LogCaptureFixture, route: str) -> None:
    """Whoever mistyped the token finds the reason in the log; the token that was shown is not there."""
    assert (await bench.client.post(f"/{CANARY}/{route}", content=BODY)).status_code == 404
    (line,) = caplog.messages
    assert line.startswith(f"answered 404 to a notification at /TOKEN/{route}: its path has none of TXPUSH_CALLBACK_TO")


async def test_other_addresses_are_nobodys_business(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """Scanners ask for anything; that is counted, and no line of the log."""
    for path in ("/", "/wp-login.php", "/txpush/x", "/a/metrics"):
        assert (await bench.client.get(path)).status_code == 404
    assert caplog.messages == []


async def test_an_events_address_without_callers_is_said(caplog: pytest.LogCaptureFixture) -> None:
    """Who sets up a service or the canary finds the missing setting in the bridge's log, once a minute."""
    async with bench_with() as bench:
        for _ in range(3):
            assert (await post(bench, REPORT, MAILER_TOKEN)).status_code == 404
    (line,) = caplog.messages
    assert line.startswith("answered 404 to a service at /v1/events: TXPUSH_CALLERS_FILE is not set, or names nobody")


UNSIGNED = [
    (TXPUSH, BODY, {}, "it has no signature"),
    (TXPUSH, BODY, {"x-txpush-signature": CANARY}, "no key fits; see TXPUSH_PARTNER_SECRETS"),
    (TXPUSH, BODY.replace(b"5900000001", b"999"), {"x-txpush-signature": CANARY}, "no key is known for its accounts"),
    (TXPUSH, CANARY.encode(), {"x-txpush-signature": CANARY}, "it cannot be read"),
    (CONNECT, b"{}", {}, "it has no signature"),
]


@pytest.mark.parametrize("given", UNSIGNED)
async def test_a_refused_signature_is_said(
    bench: Bench, caplog: pytest.LogCaptureFixture, given: tuple[str, bytes, dict[str, str], str]
) -> None:
    """The first 401 names address and reason, and nothing that was sent."""
    path, body, headers, why = given
    for _ in range(3):
        assert (await bench.client.post(path, content=body, headers=headers)).status_code == 401
    (line,) = caplog.messages
    assert line.startswith(f"answered 401 to a notification at /TOKEN/{path.rpartition('/')[2]}: {why}")
    assert "canary" not in line


async def test_services_that_are_not_let_in_are_said(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """A 401 and a 403 at /v1/events are two lines; answers in order are none."""
    for token in (CANARY, CANARY, MAILER_TOKEN, MAILER_TOKEN, APP_TOKEN):
        await post(bench, REPORT | {"type": "account.challenged"} if token == MAILER_TOKEN else REPORT, token)
    assert caplog.messages == [
        "answered 401 to a service at /v1/events: it showed no token or certificate of TXPUSH_CALLERS_FILE",
        "answered 403 to a service at /v1/events: TXPUSH_CALLERS_FILE does not let the service send this type",
    ]


async def test_a_dead_letter_is_said_once_a_reason(caplog: pytest.LogCaptureFixture) -> None:
    """The first body or record of each reason that is set aside is a line that says where it is, and not what."""
    records = b'{"event": {"class": "account", "type": "modified", "records": [{"id": "' + CANARY.encode() + b'"}]}}'
    async with bench_with(replace(SERVING, signing=replace(SIGNING, enforce=False))) as bench:
        for body in (CANARY.encode(), b"{}}", records, records):
            assert (await bench.client.post(TXPUSH, content=body)).status_code == 200
    assert caplog.messages == [
        "set aside from txpush: unreadable_body; see topic aggregation.dead-letter",
        "set aside from txpush: no_account; see topic aggregation.dead-letter",
    ]


async def test_a_dead_letter_can_be_followed(caplog: pytest.LogCaptureFixture) -> None:
    """Its line has the id of its body, which the answer and the dead letter have as well; a count is of many bodies."""
    bodies = (CANARY.encode(), b"{}}")
    async with bench_with(replace(SERVING, signing=replace(SIGNING, enforce=False))) as bench:
        answers = [await bench.client.post(TXPUSH, content=body) for body in bodies]
        bench.app.close()
    first, count = caplog.records
    assert vars(first)["correlation_id"] == hashlib.sha256(bodies[0]).hexdigest()
    assert vars(first)["correlation_id"] == answers[0].headers["x-correlation-id"]
    assert count.getMessage().endswith(ENDS.format("1"))
    assert "correlation_id" not in vars(count)


async def test_good_ones_are_not_said(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """What is in order leaves no line."""
    done = sample("dataconnect-done")
    assert (await bench.client.post(CONNECT, content=done, headers=connect(done))).status_code == 200
    assert caplog.messages == []


ENDS = " ({} more of the kind in the last minute)"


def ends(lines: list[str]) -> list[str]:
    """Give what lines of wrong tokens say at their end."""
    return [line.partition("callback URL")[2] for line in lines]


class Minutes:
    """Lets minutes pass when a test says so."""

    def __init__(self) -> None:
        self.due: list[Callable[[], None]] = []

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        assert seconds == EVERY_SECONDS
        self.due.append(call)

    def over(self) -> None:
        """End the minutes that are under way."""
        due, self.due = self.due, []
        for call in due:
            call()


def test_a_flood_is_a_line_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    """The first is said at once, and at the end of each minute how many came in it; other kinds have their own."""
    minutes = Minutes()
    said = Notices(minutes.later)
    for _ in range(1235):
        said.wrong_token(Route.TXPUSH)
    said.wrong_token(Route.CONNECT)
    minutes.over()
    said.wrong_token(Route.TXPUSH)
    minutes.over()
    assert ends(caplog.messages) == ["", "", ENDS.format("1,234"), ENDS.format("1")]
    assert {record.levelname for record in caplog.records} == {"WARNING"}
    assert {record.name for record in caplog.records} == {notices.__name__}


def test_after_a_quiet_minute_the_next_is_said_at_once(caplog: pytest.LogCaptureFixture) -> None:
    """A minute without any of the kind is no line, and nothing goes on in the background."""
    minutes = Minutes()
    said = Notices(minutes.later)
    said.wrong_token(Route.TXPUSH)
    minutes.over()
    assert (len(caplog.messages), minutes.due) == (1, [])
    said.wrong_token(Route.TXPUSH)
    assert ends(caplog.messages) == ["", ""]


async def test_a_minute_passes_by_itself(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """The count of the last burst is told although nothing comes after it."""
    monkeypatch.setattr(notices, "EVERY_SECONDS", 0.02)
    said = Notices()
    for _ in range(3):
        said.wrong_token(Route.TXPUSH)
    await until(lambda: len(caplog.messages) == 2)
    assert ends(caplog.messages) == ["", ENDS.format("2")]


def test_an_end_tells_what_was_counted(caplog: pytest.LogCaptureFixture) -> None:
    """A bridge that ends within the minute takes no count with it; it tells each once."""
    minutes = Minutes()
    said = Notices(minutes.later)
    for route in (Route.TXPUSH, Route.TXPUSH, Route.CONNECT):
        said.wrong_token(route)
    said.close()
    minutes.over()
    assert ends(caplog.messages) == ["", "", ENDS.format("1")]
