"""Links to the hosted page: signed, two hours long, for one session only where that was asked for."""

from collections import OrderedDict
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import urlencode

from schemas.times import to_epoch_ms
from streams.sandbox.delivery.messages import JSON
from streams.sandbox.delivery.outbox import Listener
from streams.sandbox.seed import Seed

TTL_HOURS = 2
MAX_LINKS = 10_000
SIGNATURE_BYTES = 32


class LinkType(StrEnum):
    """Data Connect Full adds accounts, Fix repairs a login."""

    FULL = "aggregation"
    FIX = "fix"


@dataclass(slots=True)
class Link:
    """What a link stands for; whoever has it is taken for the customer."""

    signature: str = field(repr=False)
    type: LinkType
    customer_id: str
    login_id: str | None
    listener: Listener | None
    redirect: str | None = field(repr=False)
    made_at: datetime
    single_use: bool
    is_spent: bool = False

    @property
    def expires_at(self) -> datetime:
        """Give when it stops to open anything."""
        return self.made_at + timedelta(hours=TTL_HOURS)


class Links:
    """The links that were made, the latest ten thousand."""

    def __init__(self, seed: Seed, partner_id: str) -> None:
        self._seed = seed
        self._partner_id = partner_id
        self._known: OrderedDict[str, Link] = OrderedDict()
        self._made = 0

    def make(self, wanted: Link) -> Link:
        """Sign a link and keep it."""
        self._made += 1
        signature = self._seed.text(SIGNATURE_BYTES, "link", self._made).encode().hex()
        link = self._known[signature] = replace(wanted, signature=signature)
        if len(self._known) > MAX_LINKS:
            self._known.popitem(last=False)
        return link

    def address(self, link: Link, base_url: str) -> str:
        """Write the link as the vendor does."""
        made = to_epoch_ms(link.made_at)
        query = {
            "customerId": link.customer_id,
            **({} if link.login_id is None else {"institutionLoginId": link.login_id}),
            "origin": "url",
            "partnerId": self._partner_id,
            "signature": link.signature,
            "timestamp": made,
            "ttl": to_epoch_ms(link.expires_at),
            "type": link.type.value,
            "webhookContentType": JSON if link.listener is None else link.listener.content_type,
        }
        return f"{base_url.rstrip('/')}/connect?{urlencode(query)}"

    def find(self, signature: str) -> Link | None:
        """Give a link by its signature."""
        return self._known.get(signature)
