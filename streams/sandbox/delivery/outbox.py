"""From what happened to the webhooks that tell of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

import httpx

from streams.sandbox.books.model import Account, Subscription
from streams.sandbox.books.records import account_record
from streams.sandbox.books.world import World
from streams.sandbox.delivery import messages
from streams.sandbox.delivery.agenda import Agenda
from streams.sandbox.delivery.webhook import Sender, Webhook
from streams.sandbox.seed import Seed
from streams.signatures import CONNECT_HEADER, TXPUSH_HEADERS, Strategy, connect_signature, txpush_signature

AGENT = "txpush-sandbox"
TXPUSH_HEADER = TXPUSH_HEADERS[1]
"""The spelling of real traffic; the bridge takes both."""
_OURS = frozenset({"content-type", "content-length", "host", "user-agent", CONNECT_HEADER})


@dataclass(frozen=True, slots=True)
class Listener:
    """Where the events of a Data Connect session go, and what was asked to go with them."""

    url: str = field(repr=False)
    content_type: str = messages.JSON
    data: object = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


class Outbox:
    """Writes notifications and Data Connect events, and puts them on the agenda."""

    def __init__(self, agenda: Agenda, seed: Seed, strategy: Strategy, secret: Callable[[], str]) -> None:
        self._agenda = agenda
        self._seed = seed
        self._strategy = strategy
        self._secret = secret
        self._events = 0

    def account_changed(self, world: World, account: Account, type_name: str, at: datetime) -> None:
        """Tell the subscribers of an account that it was modified or deleted."""
        record = account_record(account, world.logins[account.login_id])
        self.notify(world.subscribers(account.id, "account"), type_name, record, at)

    def notify(self, subscribers: list[Subscription], type_name: str, record: dict[str, Any], at: datetime) -> None:
        """Send one record to each subscriber."""
        for subscription in subscribers:
            content_type = messages.XML if subscription.wants_xml else messages.JSON
            content = messages.notification(subscription.class_name, type_name, [record])
            self._agenda.send(self._txpush(subscription, messages.encoded(content, content_type), content_type, at))

    def tell(
        self, listener: Listener | None, customer_id: str, event_type: str, payload: Mapping[str, Any], at: datetime
    ) -> None:
        """Send an event of a Data Connect session, if somebody listens."""
        if listener is None:
            return
        self._events += 1
        number = messages.event_id(self._seed, self._events, at)
        content = messages.connect_event(customer_id, event_type, number, payload, listener.data)
        self._agenda.send(self.connect_webhook(listener, content, customer_id, at))

    def connect_webhook(
        self, listener: Listener, content: Mapping[str, Any], customer_id: str, at: datetime
    ) -> Webhook:
        """Give a webhook of Data Connect; the listener's headers go with it, but for those of the protocol."""
        wanted = {name: value for name, value in listener.headers.items() if name.lower() not in _OURS}
        return Webhook(
            sender=Sender.CONNECT,
            lane=customer_id,
            url=listener.url,
            body=messages.encoded(content, listener.content_type),
            headers={**wanted, "content-type": listener.content_type, "user-agent": AGENT},
            signature_header=CONNECT_HEADER,
            sign=partial(_sign_connect, self._secret),
            first_due=at,
            due=at,
        )

    def _txpush(self, subscription: Subscription, body: bytes, content_type: str, at: datetime) -> Webhook:
        host = httpx.URL(subscription.callback_url).netloc.decode()
        return Webhook(
            sender=Sender.TXPUSH,
            lane=subscription.customer_id,
            url=subscription.callback_url,
            body=body,
            headers={"content-type": content_type, "user-agent": AGENT},
            signature_header=TXPUSH_HEADER,
            sign=partial(txpush_signature, self._strategy, subscription.signing_key, content_type, host),
            first_due=at,
            due=at,
        )


def _sign_connect(secret: Callable[[], str], body: bytes) -> str:
    return connect_signature(secret(), body)
