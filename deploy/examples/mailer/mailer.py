"""Mails each customer whose bank connection needs them, over any SMTP server."""

import argparse
import asyncio
import json
import logging
import os
import signal
import smtplib
from collections.abc import Mapping
from contextlib import AsyncExitStack
from email.message import EmailMessage
from pathlib import Path

from streams.subscribe import (
    Action,
    Command,
    CommandLostError,
    Delivery,
    FileStore,
    HttpReporter,
    Kind,
    Options,
    Reporter,
    ReportError,
    commands,
)

log = logging.getLogger("mailer")

KINDS = (Kind.CONNECT_FIX, Kind.RELINK, Kind.REMOVE_DUPLICATE, Kind.CONSENT_RENEWAL)
SMTP_SECONDS = 10.0
FOR_GOOD = range(500, 600)
"""SMTP replies that no second attempt changes."""


class Mailer:
    """Turns commands into mails; says what became of each in the words of the report."""

    def __init__(self, smtp: tuple[str, int], sender: str, addresses: Mapping[str, str]) -> None:
        self._smtp = smtp
        self._sender = sender
        self._addresses = addresses

    async def act(self, delivery: Delivery[Command]) -> str | None:
        """Mail if a customer is to be contacted; raises OSError when it may work later."""
        if delivery.action not in (Action.ISSUE, Action.REMIND):
            return None
        address = self._addresses.get(delivery.command.customer_id)
        if address is None:
            return "no_address"
        try:
            await asyncio.to_thread(self._send, self._mail(delivery, address))
        except smtplib.SMTPRecipientsRefused as refused:
            if all(code in FOR_GOOD for code, _ in refused.recipients.values()):
                return "bounced"
            raise
        return "delivered"

    def _mail(self, delivery: Delivery[Command], address: str) -> EmailMessage:
        """Write the mail; its Message-ID is the same whenever this contact is made again."""
        command, mail = delivery.command, EmailMessage()
        reminder = "Reminder: " if delivery.action is Action.REMIND else ""
        mail["From"], mail["To"] = self._sender, address
        mail["Subject"] = f"{reminder}Your bank connection needs you"
        mail["Message-ID"] = f"<{delivery.id.replace(':', '.')}@{self._sender.rpartition('@')[2]}>"
        steps = "\n".join(f"- {step.value.replace('_', ' ')}" for step in command.steps)
        mail.set_content(f"{command.reason.text}. What to do:\n\n{steps}\n\n{command.fix_url or ''}\n")
        return mail

    def _send(self, mail: EmailMessage) -> None:
        with smtplib.SMTP(*self._smtp, timeout=SMTP_SECONDS) as server:
            server.send_message(mail)


async def run(mailer: Mailer, options: Options, store: FileStore, reporter: Reporter | None) -> None:
    """Act on commands until SIGTERM or SIGINT."""
    async with commands(store, options, KINDS) as subscription:
        for how in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(how, subscription.stop)
        async for delivery in subscription:
            try:
                async with delivery:
                    report = await mailer.act(delivery)
            except (OSError, CommandLostError) as error:  # handed back, or another reader's now
                log.warning("%r failed: %s", delivery, error)
                continue
            log.info("%r: %s", delivery, report or "nothing to mail")
            if report is not None and reporter is not None:
                await tell(reporter, delivery, report)


async def tell(reporter: Reporter, delivery: Delivery[Command], report: str) -> None:
    """Report after the acknowledgement: a report that fails must not repeat the mail."""
    try:
        await reporter.report(delivery, report)
    except ReportError as error:
        log.warning("%r was not reported: %s", delivery, error)


def address(text: str) -> tuple[str, int]:
    """Read HOST:PORT."""
    host, _, port = text.rpartition(":")
    return host, int(port)


def by_customer(path: str) -> Mapping[str, str]:
    """Read the addresses."""
    try:
        return dict(json.loads(Path(path).read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise argparse.ArgumentTypeError(f"{path}: {error}; write a JSON object of addresses by customer id") from error


def parsed() -> argparse.Namespace:
    """Read the command line, and the token where it is needed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bootstrap", default="127.0.0.1:9092")
    parser.add_argument("--group", default="mailer")
    parser.add_argument("--store", type=Path, required=True, help="file that outlives the process")
    parser.add_argument("--smtp", type=address, default="127.0.0.1:25", metavar="HOST:PORT")
    parser.add_argument("--sender", required=True)
    parser.add_argument(
        "--customers", type=by_customer, required=True, metavar="FILE", help="JSON: address by customer id"
    )
    parser.add_argument("--max-per-hour", type=int)
    parser.add_argument("--report-url", help="where to report; the token is in REPORT_TOKEN")
    given = parser.parse_args()
    given.token = os.environ.get("REPORT_TOKEN")
    if given.report_url and not given.token:
        parser.error("REPORT_TOKEN is not set: put the bearer token for --report-url there")
    return given


async def main() -> None:
    """Mail until SIGTERM or SIGINT."""
    given = parsed()
    logging.basicConfig(level=logging.INFO)
    mailer = Mailer(given.smtp, given.sender, given.customers)
    options = Options(
        group=given.group,
        instance=f"{given.group}-0",  # one store, one process: a restart takes over at once
        bootstrap=given.bootstrap,
        max_per_hour=given.max_per_hour,
    )
    async with AsyncExitStack() as stack:
        store = stack.enter_context(FileStore(given.store))
        reporter = None
        if given.report_url:
            reporter = HttpReporter(given.report_url, given.token, "/services/mailer")
            await stack.enter_async_context(reporter)
        await run(mailer, options, store, reporter)


if __name__ == "__main__":
    asyncio.run(main())
