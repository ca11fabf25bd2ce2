"""The example services as programs: a real broker, a real mail server, a real HTTP server, and SIGKILL."""

import asyncio
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiokafka import AIOKafkaProducer
from aiosmtpd.smtp import SMTP, Envelope, Session

from schemas.commands import COMMAND_TOPICS, Command, Ticket
from streams.clock import WallClock
from streams.kafka.embedded import EmbeddedKafka
from streams.subscribe.testing import CommandStory, TicketStory
from tests import waiting
from tests.processes import ROOT, Program, started

pytestmark = [pytest.mark.slow, pytest.mark.kafka]

EXAMPLES = ROOT / "deploy" / "examples"
SECONDS = 40.0
CUSTOMERS = 24
NO_ADDRESS, REFUSED, BUSY = "nobody", "refused", "busy"
TOKEN = "token-of-this-test"  # noqa: S105 - a token of this test alone


async def put(broker: EmbeddedKafka, *messages: Command | Ticket) -> None:
    """Write messages as they go out."""
    producer = AIOKafkaProducer(bootstrap_servers=broker.bootstrap, linger_ms=0)
    await producer.start()
    try:
        for message in messages:
            key = message.customer_id if isinstance(message, Command) else message.institution_id
            topic = COMMAND_TOPICS[message.kind]
            await producer.send_and_wait(topic, message.model_dump_json().encode(), key=key.encode())
    finally:
        await producer.stop()


def example(file: str, log: Path, *arguments: str, **settings: str) -> Program:
    """Give an example with its arguments, and what it is told in its environment."""
    return Program((str(EXAMPLES / file), *arguments), {"PATH": "", **settings}, log)


async def until(condition: Callable[[], bool], program: Program) -> None:
    """Wait, or fail with what the program has said."""
    try:
        await waiting.until(condition, SECONDS)
    except TimeoutError:
        pytest.fail(program.said())


class MailServer:
    """Takes mails; holds its answer to some of them, refuses one customer, and is busy once for another."""

    def __init__(self, hold: set[int]) -> None:
        self.taken: list[str] = []
        self.refused = 0
        self.held = asyncio.Event()
        self._hold = hold
        self._busy = True

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Refuse who is not known here."""
        if address.startswith(REFUSED):
            self.refused += 1
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - the same
        """Take the mail and answer, or never answer."""
        content = envelope.content
        assert isinstance(content, bytes)
        if envelope.rcpt_tos[0].startswith(BUSY) and self._busy:
            self._busy = False
            return "451 try again later"
        lines = content.decode().splitlines()
        self.taken.append(next(line.partition("<")[2].rstrip(">") for line in lines if line.startswith("Message-ID")))
        if len(self.taken) in self._hold:
            self.held.set()
            await asyncio.Event().wait()
        return "250 OK"


@asynccontextmanager
async def smtp(mails: MailServer) -> AsyncIterator[int]:
    """Run the mail server and give its port."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(mails, loop=loop, hostname="localhost"), "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


@asynccontextmanager
async def http(handler: Callable[[web.Request], Any]) -> AsyncIterator[str]:
    """Run an HTTP server and give its address."""
    application = web.Application()
    application.router.add_post("/", handler)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


def message_id(message: Command) -> str:
    """Give the Message-ID that the mailer makes of a message."""
    return f"{message.command_id}.{message.sequence}@example.org"


async def test_the_mailer_under_kills(broker: EmbeddedKafka, tmp_path: Path) -> None:
    """Killed while the mail server had taken a mail and not yet answered, it sends that one again and no other.

    Nobody is forgotten; who is withdrawn is not mailed; an address refused for good is reported, one that is busy is
    mailed later.
    """
    now = WallClock().now()
    stories = [CommandStory(f"c{number:02}", at=now) for number in range(CUSTOMERS)]
    odd = {name: CommandStory(name, at=now) for name in (NO_ADDRESS, REFUSED, BUSY)}
    withdrawn = CommandStory("withdrawn", at=now)
    issues = [story.issue() for story in (*stories, *odd.values())]
    await put(broker, withdrawn.issue(), *issues, withdrawn.withdraw())
    addresses = {issue.customer_id: f"{issue.customer_id}@example.com" for issue in issues}
    customers, log = tmp_path / "customers.json", tmp_path / "log"
    customers.write_text(json.dumps({name: at for name, at in addresses.items() if name != NO_ADDRESS}))
    reports: list[Any] = []

    async def take(request: web.Request) -> web.Response:
        reports.append(json.loads(await request.read())["data"])
        return web.Response()

    mails = MailServer(hold={5, 12})
    async with smtp(mails) as port, http(take) as url:
        mailer = example(
            "mailer/mailer.py", log, "--bootstrap", broker.bootstrap, "--store", str(tmp_path / "store"),
            "--smtp", f"127.0.0.1:{port}", "--sender", "service@example.org", "--customers", str(customers),
            "--report-url", url, REPORT_TOKEN=TOKEN,
        )  # fmt: skip
        again = []
        for _ in range(2):
            with started(mailer):
                await until(mails.held.is_set, mailer)
                mails.held.clear()
            again.append(mails.taken[-1])
        wanted = {message_id(issue) for issue in issues if issue.customer_id not in (NO_ADDRESS, REFUSED)}
        with started(mailer):
            await until(lambda: set(mails.taken) == wanted, mailer)
            await until(lambda: len({report["command_id"] for report in reports}) >= len(issues) - len(again), mailer)
            await put(broker, stories[0].update(103), stories[0].remind(now), stories[1].complete(now))
            reminder = f"{stories[0].command_id}.2@example.org"
            await until(lambda: reminder in mails.taken, mailer)
            assert await asyncio.to_thread(mailer.stop, SECONDS) == 0, mailer.said()
    assert Counter(mails.taken) == Counter([*wanted, *again, reminder])
    assert mails.refused == 1
    said = {report["customerId"]: report["report"] for report in reports}
    assert (said[NO_ADDRESS], said[REFUSED], said[BUSY]) == ("no_address", "bounced", "delivered")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--report-url", "http://127.0.0.1:1"], "REPORT_TOKEN is not set: put the bearer token"),
        (["--smtp", "127.0.0.1:mail"], "argument --smtp: invalid address value"),
        (["--customers", "absent.json"], "absent.json: [Errno 2] No such file or directory"),
    ],
)
def test_the_mailer_says_what_does_not_fit(tmp_path: Path, options: list[str], says: str) -> None:
    """What is wrong on its command line ends it with 2 and in words."""
    (tmp_path / "customers.json").write_text("{}")
    given = ["--store", "store", "--sender", "service@example.org", "--customers", "customers.json", *options]
    environment = {name: value for name, value in os.environ.items() if name != "REPORT_TOKEN"}
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / "mailer" / "mailer.py"), *given],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, says in done.stderr) == (2, True), done.stderr


class Tickets:
    """A support system that keeps keys, away at first, and slow to answer once."""

    def __init__(self) -> None:
        self.posts: list[tuple[str, str]] = []
        self.opened: dict[str, list[str]] = {}
        self.held = asyncio.Event()
        self._keys: set[str] = set()
        self._away = 2

    async def take(self, request: web.Request) -> web.Response:
        """Keep what is new, and hold the answer to the third post."""
        body, key = await request.json(), request.headers["idempotency-key"]
        if self._away > 0:
            self._away -= 1
            return web.Response(status=503)
        self.posts.append((key, body["action"]))
        known = key in self._keys
        if not known:
            self._keys.add(key)
            self.opened.setdefault(body["ticket"], []).append(body["action"])
        if len(self.posts) == 3:
            self.held.set()
            await asyncio.Event().wait()
        return web.Response(status=409 if known else 201)


@pytest.mark.slow
async def test_the_ticket_opener_under_a_kill(broker: EmbeddedKafka, tmp_path: Path) -> None:
    """A ticket whose answer never came is posted again under its key: the system has each ticket once, and its end."""
    stories = [TicketStory(f"10210{number}") for number in range(5)]
    await put(broker, *(story.issue() for story in stories))
    system = Tickets()
    async with http(system.take) as url:
        opener = example(
            "ticket_opener/ticket_opener.py", tmp_path / "log", "--bootstrap", broker.bootstrap,
            "--store", str(tmp_path / "store"), "--url", url,
        )  # fmt: skip
        with started(opener):
            await until(system.held.is_set, opener)
        held = system.posts[-1]
        await put(broker, stories[0].update(10))
        with started(opener):
            await until(lambda: len(system.opened) == len(stories), opener)
            await until(lambda: system.opened[stories[0].command_id][-1:] == ["update"], opener)
            await put(broker, *(story.complete() for story in stories))
            await until(lambda: all(done[-1] == "close" for done in system.opened.values()), opener)
            assert await asyncio.to_thread(opener.stop, SECONDS) == 0, opener.said()
    assert {story.command_id: system.opened[story.command_id] for story in stories} == {
        story.command_id: ["open", "update", "close"] if story is stories[0] else ["open", "close"] for story in stories
    }
    assert [post for post, times in Counter(system.posts).items() if times > 1] == [held]
