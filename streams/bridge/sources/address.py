"""The address of a client: that of the connection, or what proxies that are known say of it."""

import hmac
import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from streams.bridge.services.callers import PROXY_SECRET_HEADER

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
FORWARDED_HEADER = b"x-forwarded-for"
_WITH_PORT = re.compile(r"\[(?P<six>[0-9A-Fa-f:.]{2,45})\](?::\d{1,5})?|(?P<four>[0-9.]{7,15}):\d{1,5}")
_LONGEST = 64
_NEIGHBOURS_BITS = 64
"""An IPv6 client has at least such a network of addresses to itself."""


@dataclass(frozen=True, slots=True)
class Sources:
    """How clients are told apart, and from where the vendor's notifications may come.

    Attributes:
        networks: the vendor's; empty: any.
        hops: proxies in front that each add the address that they see to `x-forwarded-for`; 0: the header counts for
            nothing, as anybody can send it, and the client is whoever connects.
        proxy_secrets: where there are any, the header counts only with one of them.
    """

    networks: tuple[Network, ...] = ()
    hops: int = 0
    proxy_secrets: tuple[str, ...] = field(default=(), repr=False)

    def of(self, scope: Mapping[str, Any]) -> Address | None:
        """Give the client's address; None where nobody who is trusted says it."""
        if self.hops:
            return self._forwarded(scope["headers"])
        client = scope.get("client")
        return None if client is None else address_in(client[0])

    def may_notify(self, source: Address | None) -> bool:
        """Tell whether the vendor's notifications may come from there."""
        return not self.networks or (source is not None and any(source in network for network in self.networks))

    def _forwarded(self, headers: Iterable[tuple[bytes, bytes]]) -> Address | None:
        """Look at the address that the first of our proxies saw: those before it the client may have made up."""
        if self.proxy_secrets and not self._is_proxy(headers):
            return None
        entries = b",".join(value for name, value in headers if name == FORWARDED_HEADER).split(b",")
        if len(entries) < self.hops:
            return None
        return address_in(entries[-self.hops].decode("latin-1"))

    def _is_proxy(self, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        shown = [value for name, value in headers if name == PROXY_SECRET_HEADER.encode()]
        fits = [hmac.compare_digest(shown[0], secret.encode()) for secret in self.proxy_secrets if len(shown) == 1]
        return any(fits)


def address_in(text: str) -> Address | None:
    """Read an address, perhaps with a port; an IPv4 address in IPv6 form is the IPv4 address."""
    return _parsed(text.strip()) if len(text) <= _LONGEST else None


@lru_cache(4096)
def _parsed(text: str) -> Address | None:
    if with_port := _WITH_PORT.fullmatch(text):
        text = with_port["six"] or with_port["four"]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return address if mapped is None else mapped


def neighbourhood(address: Address) -> str:
    """Give what one client has to itself: an IPv4 address, or a network of IPv6 addresses."""
    if address.version == 4:  # noqa: PLR2004 - the version of the protocol
        return str(address)
    return str(ipaddress.ip_network((address, _NEIGHBOURS_BITS), strict=False))
