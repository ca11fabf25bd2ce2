"""Opens, updates and closes tickets of a support system over HTTP."""

import argparse
import asyncio
import logging
import os
import signal
from pathlib import Path

import httpx

from schemas.times import rfc3339
from streams.subscribe import Action, CommandLostError, Delivery, FileStore, Options, Ticket, tickets

log = logging.getLogger("ticket-opener")

HTTP_SECONDS = 10.0
WORDS = {
    Action.ISSUE: "open",
    Action.UPDATE: "update",
    Action.REMIND: "update",
    Action.COMPLETE: "close",
    Action.WITHDRAW: "close",
}


async def post(client: httpx.AsyncClient, url: str, delivery: Delivery[Ticket]) -> None:
    """Post one message under its idempotency key; raises httpx.HTTPError unless it was taken, now or before."""
    ticket = delivery.command
    body = {
        "ticket": ticket.command_id,
        "action": WORDS[delivery.action],
        "institution_id": ticket.institution_id,
        "codes": ticket.codes,
        "logins_affected": ticket.logins_affected,
        "text": ticket.reason.text,
        "opened_at": rfc3339(ticket.opened_at),
    }
    async with asyncio.timeout(HTTP_SECONDS):
        answer = await client.post(url, json=body, headers={"idempotency-key": delivery.id})
    if answer.status_code != httpx.codes.CONFLICT:
        answer.raise_for_status()


async def run(url: str, options: Options, store: FileStore, client: httpx.AsyncClient) -> None:
    """Act on tickets until SIGTERM or SIGINT."""
    async with tickets(store, options) as subscription:
        for how in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(how, subscription.stop)
        async for delivery in subscription:
            try:
                async with delivery:
                    await post(client, url, delivery)
            except (httpx.HTTPError, TimeoutError, CommandLostError) as error:  # handed back, or another reader's now
                log.warning("%r failed: %r", delivery, error)
            else:
                log.info("%r: posted", delivery)


async def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bootstrap", default="127.0.0.1:9092")
    parser.add_argument("--group", default="ticket-opener")
    parser.add_argument("--store", type=Path, required=True, help="file that outlives the process")
    parser.add_argument("--url", required=True, help="where to post; the bearer token, if any, is in TICKETS_TOKEN")
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    token = os.environ.get("TICKETS_TOKEN")
    headers = {"authorization": f"Bearer {token}"} if token else {}
    # one store, one process: with a name of its own a restart takes over at once
    options = Options(group=given.group, instance=f"{given.group}-0", bootstrap=given.bootstrap)
    with FileStore(given.store) as store:
        async with httpx.AsyncClient(headers=headers, timeout=HTTP_SECONDS) as client:
            await run(given.url, options, store, client)


if __name__ == "__main__":
    asyncio.run(main())
