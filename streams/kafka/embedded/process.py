"""One broker: the tool that formats its data, the JVM under its guard, when it is ready, how it ends."""

import contextlib
import itertools
import os
import select
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiokafka.protocol.coordination import FindCoordinatorRequest_v1

from streams.kafka.embedded.errors import BrokerDiedError, DiskFullError, EmbeddedKafkaError
from streams.kafka.embedded.machine import HOST, NEEDED_MB, free_mb
from streams.kafka.embedded.properties import LOG4J, LOG_DIR

GUARD = Path(__file__).with_name("guard.py")
CONFIG_FILE = "server.properties"
LOGGING_FILE = "log4j2.xml"
LOGGING = (f"-Dlog4j2.configurationFile={LOGGING_FILE}",)
FORMAT_SECONDS = 60.0
START_SECONDS = 20.0
STOP_SECONDS = 15.0
END_SECONDS = 10.0
TAIL_LINES = 12
NO_SPACE = "No space left on device"
ANSWER_SECONDS = 2.0
MAX_ANSWER_BYTES = 1 << 20
COORDINATORS = {0: "group", 1: "transaction"}
# Their Java hash codes leave the remainders 0, 1 and 2, so they ask for every partition of the internal topics.
KEYS = ("0", "1", "2")
CLIENT_ID = "txpush-readiness"


@dataclass(frozen=True)
class Jvm:
    """How Java is started: the program, its flags, the class path of the Kafka archives."""

    java: Path
    flags: tuple[str, ...]
    class_path: str

    def command(self, main: str, *arguments: str) -> list[str]:
        """Give the command that runs a main class inside the folder of a broker."""
        return [str(self.java), *self.flags, *LOGGING, "-cp", self.class_path, main, *arguments]


def last_lines(path: Path) -> list[str]:
    """Give the end of a log, nothing when there is none."""
    try:
        return path.read_text(errors="replace").splitlines()[-TAIL_LINES:]
    except OSError:
        return []


class Broker:
    """Broker `number` (from 1), which keeps all its files in `folder`; a temporary one dies with its owner."""

    def __init__(self, number: int, folder: Path, jvm: Jvm, *, temporary: bool) -> None:
        self.number = number
        self.folder = folder
        self.log = folder / "server.log"
        self.down_on_purpose = True
        self._console = folder / "console.log"
        self._jvm = jvm
        self._temporary = temporary
        self._guard: subprocess.Popen[bytes] | None = None
        self._pid: int | None = None

    def write_config(self, server_properties: str) -> None:
        """Write what the JVM reads. All paths in it are relative to the folder, which may be moved."""
        self.folder.mkdir(exist_ok=True)
        (self.folder / CONFIG_FILE).write_text(server_properties)
        (self.folder / LOGGING_FILE).write_text(LOG4J.format(log=self.log.name))

    @property
    def is_formatted(self) -> bool:
        """Tell whether the data has an identity; formatting writes this file last."""
        return (self.folder / LOG_DIR / "meta.properties").exists()

    @property
    def pid(self) -> int | None:
        """Give the JVM's process id while it lives."""
        return self._pid if self.alive else None

    @property
    def alive(self) -> bool:
        """Tell whether the JVM runs: its guard ends with it."""
        return self._guard is not None and self._guard.poll() is None

    def start(self) -> None:
        """Start the JVM unless it runs; it is not ready yet. Raises BrokerDiedError when it cannot be started."""
        if self.alive:
            return
        removal = ["--remove", str(self.folder.parent)] if self._temporary else []
        guard = [sys.executable, "-I", "-S", str(GUARD), str(os.getpid()), *removal, "--"]
        with self._console.open("wb") as console:
            self._guard = subprocess.Popen(  # noqa: S603 - the command is ours
                [*guard, *self._jvm.command("kafka.Kafka", CONFIG_FILE)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=console,
                cwd=self.folder,
                start_new_session=True,
            )
        self.down_on_purpose = False
        self._pid = self._reported_pid(self._guard)

    def _reported_pid(self, guard: subprocess.Popen[bytes]) -> int:
        """Read the line in which the guard names the JVM; the end of the guard ends the reading, so does the time."""
        reported = b""
        if guard.stdout is not None:
            with guard.stdout as pipe:
                if select.select([pipe], [], [], START_SECONDS)[0]:
                    reported = pipe.readline()
                else:
                    guard.kill()
        if not reported:
            guard.wait(END_SECONDS)
            raise self.death()
        return int(reported)

    def kill(self) -> None:
        """End the JVM with SIGKILL and wait until it is gone."""
        self.signal(signal.SIGKILL)
        if self._guard is not None:
            self._guard.wait(END_SECONDS)

    def stop(self) -> None:
        """End the JVM in order; with SIGKILL when that takes too long."""
        self.signal(signal.SIGTERM)
        try:
            if self._guard is not None:
                self._guard.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def signal(self, how: signal.Signals) -> None:
        """Send the JVM a signal that ends it and do not wait, so that several can end side by side."""
        self.down_on_purpose = True
        if self._pid is not None and self.alive:
            # Between the JVM's own end and its guard's there is nothing to signal.
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, how)

    def death(self) -> EmbeddedKafkaError:
        """Describe an unwanted end of the JVM by the end of what it wrote."""
        written = "\n".join(last_lines(self.log) + last_lines(self._console))
        if NO_SPACE in written:
            return DiskFullError(self.folder, free_mb(self.folder), NEEDED_MB)
        return BrokerDiedError(self.number, self.log, written)


def format_brokers(
    brokers: Sequence[Broker], jvm: Jvm, cluster_id: str, voters: str, options: Sequence[str] = ()
) -> None:
    """Give the data of each broker its identity, side by side. Raises EmbeddedKafkaError with the tool's words."""
    identity = ("--cluster-id", cluster_id, "--initial-controllers", voters, "--config", CONFIG_FILE)
    command = jvm.command("kafka.tools.StorageTool", "format", *identity, *options)
    with contextlib.ExitStack() as stack:
        tools = []
        for broker in brokers:
            tool = subprocess.Popen(  # noqa: S603 - the command is ours
                command, cwd=broker.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
            )
            tools.append(stack.enter_context(tool))
        for broker, tool in zip(brokers, tools, strict=True):
            if refusal := refused(tool):
                raise EmbeddedKafkaError(
                    f"The data of broker {broker.number} in {broker.folder} was refused: {refusal}"
                )


def refused(tool: subprocess.Popen[str]) -> str | None:
    """Wait for a tool; gives what it printed when it failed, and ends one that hangs."""
    try:
        output, _ = tool.communicate(timeout=FORMAT_SECONDS)
    except subprocess.TimeoutExpired:
        tool.kill()
        return f"no end after {FORMAT_SECONDS:.0f} s"
    return output if tool.returncode else None


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
    """Send one request and read its answer. Raises ConnectionError where what answers is no broker."""
    header = request.build_request_header(correlation_id=1, client_id=CLIENT_ID)
    message = header.encode() + request.encode()
    connection.sendall(struct.pack(">i", len(message)) + message)
    (size,) = struct.unpack(">i", receive(connection, 4))
    if not 0 < size <= MAX_ANSWER_BYTES:
        raise ConnectionError("what answers there is no broker")
    answer = receive(connection, size)
    try:
        return request.RESPONSE_TYPE.decode(answer[4:])
    except (ValueError, struct.error) as error:
        raise ConnectionError(f"what answers there is no broker: {error}") from error


def open_connection(port: int) -> socket.socket:
    """Open a connection to a broker. Raises OSError when it does not answer in time."""
    return socket.create_connection((HOST, port), ANSWER_SECONDS)


def unready_reason(port: int, connect: Callable[[int], socket.socket] = open_connection) -> str | None:
    """Say why the broker cannot be used yet: its port opens about a second before its coordinators answer.

    None when it knows a coordinator for every partition of the groups' and the transactions' topics.
    """
    try:
        with connect(port) as connection:
            for kind, key in itertools.product(COORDINATORS, KEYS):
                answer = ask(connection, FindCoordinatorRequest_v1(key, kind))
                if answer.error_code:
                    return f"port {port} knows no {COORDINATORS[kind]} coordinator (Kafka error {answer.error_code})"
    except OSError as error:
        return f"port {port} does not answer ({error})"
    return None
