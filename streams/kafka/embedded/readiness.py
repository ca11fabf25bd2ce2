"""Tells when a broker is of use: its port opens about a second before its coordinators answer."""

import socket
import struct
from typing import Any

from aiokafka.protocol.coordination import FindCoordinatorRequest_v1

from streams.kafka.embedded.ports import HOST

ANSWER_SECONDS = 2.0
GROUP, TRANSACTION = 0, 1
# The Java hash codes of these keys leave the remainders 0, 1 and 2: every partition of the internal topics is asked for.
KEYS = ("0", "1", "2")
CLIENT_ID = "txpush-readiness"


def receive(connection: socket.socket, size: int) -> bytes:
    """Read exactly `size` bytes. Raises ConnectionError when the broker hangs up."""
    received = b""
    while len(received) < size:
        chunk = connection.recv(size - len(received))
        if not chunk:
            raise ConnectionError("the broker closed the connection")
        received += chunk
    return received


def ask(connection: socket.socket, request: Any) -> Any:  # noqa: ANN401 - aiokafka's messages are untyped
    """Send one request and read its answer."""
    header = request.build_request_header(correlation_id=1, client_id=CLIENT_ID)
    message = header.encode() + request.encode()
    connection.sendall(struct.pack(">i", len(message)) + message)
    (size,) = struct.unpack(">i", receive(connection, 4))
    answer = receive(connection, size)
    return request.RESPONSE_TYPE.decode(answer[4:])


def unready_reason(port: int) -> str | None:
    """Say why the broker cannot be used yet; None when it knows all group and transaction coordinators."""
    try:
        with socket.create_connection((HOST, port), ANSWER_SECONDS) as connection:
            for kind in (GROUP, TRANSACTION):
                for key in KEYS:
                    answer = ask(connection, FindCoordinatorRequest_v1(key, kind))
                    if answer.error_code:
                        return f"coordinator {kind}/{key}: error {answer.error_code} {answer.error_message}"
    except OSError as error:
        return f"port {port}: {error}"
    return None
