"""Chooses and checks the ports of a cluster on 127.0.0.1."""

import errno
import random
import socket
from dataclasses import dataclass

from streams.kafka.embedded.errors import EmbeddedKafkaError, PortTaken

HOST = "127.0.0.1"
# Below the range that Linux gives to outgoing connections, so that a free port stays free until the broker has it.
FREE_PORTS = range(15000, 32000)
CHOOSING_ATTEMPTS = 200


@dataclass(frozen=True)
class Ports:
    """Ports of the brokers 1..n in their order: for clients and for the controllers' own talk."""

    clients: tuple[int, ...]
    controllers: tuple[int, ...]

    @property
    def bootstrap(self) -> str:
        """Give the address list that clients take."""
        return ",".join(f"{HOST}:{port}" for port in self.clients)


def is_free(port: int) -> bool:
    """Tell whether a server can listen on the port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise
    return True


def check_free(ports: Ports) -> None:
    """Raise PortTaken for the first port that is in use."""
    for port in (*ports.clients, *ports.controllers):
        if not is_free(port):
            raise PortTaken(port)


def from_base(base: int, brokers: int) -> Ports:
    """Give `base`, `base + 1`, ... to the clients and the ports after them to the controllers."""
    return Ports(tuple(range(base, base + brokers)), tuple(range(base + brokers, base + 2 * brokers)))


def free_ports(brokers: int) -> Ports:
    """Choose ports that nobody listens on. Raises EmbeddedKafkaError when there are too few."""
    chosen: list[int] = []
    for port in random.Random().sample(FREE_PORTS, CHOOSING_ATTEMPTS):  # noqa: S311 - no secret
        if is_free(port):
            chosen.append(port)
        if len(chosen) == 2 * brokers:
            return Ports(tuple(chosen[:brokers]), tuple(chosen[brokers:]))
    raise EmbeddedKafkaError(
        f"{CHOOSING_ATTEMPTS} ports between {FREE_PORTS.start} and {FREE_PORTS.stop} were tried and too few are free."
        " Stop what listens there, or choose a port with --port."
    )
