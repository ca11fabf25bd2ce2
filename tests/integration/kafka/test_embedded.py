"""The embedded broker against the real thing: its start, its data, its end."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from aiokafka import AIOKafkaClient, AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from click.testing import CliRunner

from streams.kafka.embedded import (
    BrokerDiedError,
    ClusterSpec,
    DataInUseError,
    DataMismatchError,
    DiskFullError,
    DiskUnusableError,
    EmbeddedKafka,
    EmbeddedKafkaError,
    NotReadyError,
    PortTakenError,
    command,
    is_embedded_cluster,
    machine,
)
from streams.kafka.embedded.process import Broker, Jvm
from tests.waiting import wait_until

pytestmark = pytest.mark.kafka

RUN_COMMAND = "from streams.kafka.embedded.command import kafka; kafka()"
OWNER = """
import time
from streams.kafka.embedded import EmbeddedKafka
with EmbeddedKafka() as kafka:
    print(kafka.pid(1), kafka.log(1).parents[1], flush=True)
    time.sleep(600)
"""


def runs(pid: int) -> bool:
    """Tell whether a process lives; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def jvms_in(folder: Path) -> list[int]:
    """Give the Java processes that work in the folder."""
    found = []
    for link in Path("/proc").glob("[0-9]*/cwd"):
        try:
            if link.readlink().is_relative_to(folder) and link.with_name("exe").readlink().name == "java":
                found.append(int(link.parent.name))
        except OSError:
            continue
    return found


def live(kafka: EmbeddedKafka) -> int:
    """Give the process id of a broker that must run."""
    pid = kafka.pid(1)
    assert pid is not None
    return pid


@contextmanager
def process(code: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run Python code in a process of its own."""
    with subprocess.Popen([sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True) as started:
        try:
            yield started
        finally:
            started.kill()


def line_of(started: subprocess.Popen[str]) -> str:
    """Give the next line of a process."""
    assert started.stdout is not None
    return started.stdout.readline().strip()


async def create_topic(kafka: EmbeddedKafka, topic: str, copies: int = 1) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, 1, copies)])
    finally:
        await admin.close()


async def write(kafka: EmbeddedKafka, topic: str, value: bytes, transactional_id: str | None = None) -> None:
    """Write one record, confirmed by all in-sync replicas."""
    producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, acks="all", transactional_id=transactional_id)
    await producer.start()
    try:
        if transactional_id is None:
            await producer.send_and_wait(topic, value, partition=0)
            return
        async with producer.transaction():
            await producer.send_and_wait(topic, value, partition=0)
    finally:
        await producer.stop()


async def read(kafka: EmbeddedKafka, topic: str, count: int = 1) -> list[bytes]:
    """Read the first committed records of the topic's only partition."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=kafka.bootstrap, isolation_level="read_committed", auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic, 0)])
        return [(await asyncio.wait_for(consumer.getone(), 30)).value for _ in range(count)]
    finally:
        await consumer.stop()


async def test_a_started_cluster_takes_a_transaction_at_once(kafka: EmbeddedKafka) -> None:
    """Ready means that coordinators answer: the first transaction succeeds and its record is read."""
    await create_topic(kafka, "embedded-transaction")
    await write(kafka, "embedded-transaction", b"whole", transactional_id="embedded-test")
    assert await read(kafka, "embedded-transaction") == [b"whole"]


@pytest.mark.slow
async def test_ready_means_that_every_coordinator_is_there() -> None:
    """A fresh cluster makes the topics of the coordinators at the first question; ready is when all have a leader."""
    with EmbeddedKafka() as fresh:
        client = AIOKafkaClient(bootstrap_servers=fresh.bootstrap)
        await client.bootstrap()
        try:
            cluster = await client.fetch_all_metadata()
            for topic in ("__consumer_offsets", "__transaction_state"):
                assert cluster.available_partitions_for_topic(topic) == {0, 1, 2}
        finally:
            await client.close()


async def test_clients_can_tell_our_cluster(kafka: EmbeddedKafka) -> None:
    """The id that any client can ask for is the one that we report, and marks the cluster as ours."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    try:
        described = await admin.describe_cluster()
    finally:
        await admin.close()
    assert described["cluster_id"] == kafka.cluster_id
    assert is_embedded_cluster(described["cluster_id"])


async def test_a_missing_topic_stays_missing(kafka: EmbeddedKafka) -> None:
    """Asking for a topic does not create it."""
    client = AIOKafkaClient(bootstrap_servers=kafka.bootstrap)
    await client.bootstrap()
    try:
        await client.add_topic("embedded-typo")
        assert "embedded-typo" not in client.cluster.topics()
    finally:
        await client.close()


@pytest.mark.slow
async def test_records_survive_kill_and_restart_and_another_start(tmp_path: Path) -> None:
    """What was confirmed is there after SIGKILL and, in a kept folder, for the next cluster on the same ports."""
    spec = ClusterSpec(data_dir=tmp_path / "kept, with a näme")
    with EmbeddedKafka(spec) as first:
        await create_topic(first, "kept")
        await write(first, "kept", b"one")
        await asyncio.to_thread(first.kill, 1)
        assert first.pid(1) is None
        await asyncio.to_thread(first.start, 1)
        await write(first, "kept", b"two")
    with EmbeddedKafka(spec) as second:
        assert (second.cluster_id, second.bootstrap) == (first.cluster_id, first.bootstrap)
        assert await read(second, "kept", 2) == [b"one", b"two"]


@pytest.mark.slow
async def test_three_brokers_go_on_without_one() -> None:
    """Records have three copies: with a broker killed, writes are confirmed, and it comes back on its port."""
    with EmbeddedKafka(ClusterSpec(brokers=3)) as kafka:
        await create_topic(kafka, "copied", copies=3)
        await asyncio.to_thread(kafka.kill, 2)
        await write(kafka, "copied", b"with two")
        await asyncio.to_thread(kafka.start, 2)
        await asyncio.to_thread(kafka.stop, 3)
        await write(kafka, "copied", b"with the one that came back")
        assert await read(kafka, "copied", 2) == [b"with two", b"with the one that came back"]


@pytest.mark.slow
def test_brokers_die_with_an_owner_that_is_killed() -> None:
    """SIGKILL of the owner leaves neither Java nor a temporary folder."""
    with process(OWNER) as owner:
        pid, folder = line_of(owner).split(" ", 1)
        assert runs(int(pid))
        owner.kill()
        wait_until(lambda: not runs(int(pid)))
        wait_until(lambda: not Path(folder).exists())


def test_a_broker_dies_with_its_guard() -> None:
    """SIGKILL of the guard itself leaves no Java either; the owner can tell that the end was not wanted."""
    with EmbeddedKafka() as kafka:
        pid = live(kafka)
        guard = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
        os.kill(guard, signal.SIGKILL)
        wait_until(lambda: not runs(pid))
        with pytest.raises(BrokerDiedError):
            kafka.check()


@pytest.mark.slow
def test_a_broker_outlives_the_thread_that_started_it() -> None:
    """A test server or the demo may start Kafka from a thread that ends at once."""
    kafka = EmbeddedKafka()
    starter = threading.Thread(target=kafka.__enter__)
    starter.start()
    starter.join(60)
    with kafka._stack:
        assert not starter.is_alive()
        kafka.check()
        assert runs(live(kafka))


@pytest.mark.slow
def test_an_unwanted_end_is_told_with_the_log() -> None:
    """A broker that was killed by somebody else is an error that names its log; one that we stopped is not."""
    with EmbeddedKafka() as kafka:
        kafka.stop(1)
        kafka.check()
        kafka.start(1)
        os.kill(live(kafka), signal.SIGKILL)
        wait_until(lambda: kafka.pid(1) is None)
        with pytest.raises(BrokerDiedError, match=str(kafka.log(1))):
            kafka.check()


@pytest.mark.slow
def test_a_broker_that_cannot_start_says_why(tmp_path: Path) -> None:
    """The end of the log is in the message, long before the time is over, and nothing is left."""
    spec = ClusterSpec(data_dir=tmp_path, keep=False, extra={"metric.reporters": "no.such.Reporter"})
    with pytest.raises(BrokerDiedError, match=r"no\.such\.Reporter"), EmbeddedKafka(spec):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_setting_that_kafka_refuses_is_told(tmp_path: Path) -> None:
    """Formatting reads the settings first; its words are passed on."""
    spec = ClusterSpec(data_dir=tmp_path, keep=False, extra={"num.io.threads": "none"})
    with pytest.raises(EmbeddedKafkaError, match=r"num\.io\.threads"), EmbeddedKafka(spec):
        pass


def test_a_broker_that_is_too_slow_is_ended(tmp_path: Path) -> None:
    """When the time is over the reason is told and no Java is left."""
    spec = ClusterSpec(data_dir=tmp_path, ready_seconds=0)
    with pytest.raises(NotReadyError, match="does not answer"), EmbeddedKafka(spec):
        pass
    assert jvms_in(tmp_path) == []


def test_a_taken_port_is_told_before_java_starts(tmp_path: Path) -> None:
    """Any port of the row counts, the controllers' too."""
    base = machine.free_ports(2).clients[0]
    with socket.socket() as other:
        other.bind(("127.0.0.1", base + 1))
        other.listen()
        spec = ClusterSpec(base_port=base, data_dir=tmp_path)
        with pytest.raises(PortTakenError, match=f"Port {base + 1} ") as refusal, EmbeddedKafka(spec):
            pass
    assert refusal.value.port == base + 1
    assert not (tmp_path / "broker-1").exists()


@pytest.mark.slow
def test_a_folder_serves_one_cluster_at_a_time(tmp_path: Path) -> None:
    """A second cluster on the same folder is refused, and so is another shape later."""
    spec = ClusterSpec(data_dir=tmp_path)
    with EmbeddedKafka(spec), pytest.raises(DataInUseError, match=str(tmp_path)), EmbeddedKafka(spec):
        pass
    with pytest.raises(DataMismatchError, match="3 broker"), EmbeddedKafka(ClusterSpec(brokers=3, data_dir=tmp_path)):
        pass


@pytest.mark.parametrize("content", ["{", '{"format": "txpush-kafka-9"}', '{"format": "txpush-kafka-1"}'])
def test_an_unreadable_folder_is_refused_in_words(tmp_path: Path, content: str) -> None:
    """A damaged or newer `cluster.json` is left alone."""
    (tmp_path / "cluster.json").write_text(content)
    with pytest.raises(DataMismatchError, match="txpush-kafka"), EmbeddedKafka(ClusterSpec(data_dir=tmp_path)):
        pass
    assert (tmp_path / "cluster.json").read_text() == content


def test_a_file_in_the_place_of_a_folder_is_told(tmp_path: Path) -> None:
    """Data that cannot be written is told by its path, before anything is downloaded or started."""
    (tmp_path / "file").touch()
    spec = ClusterSpec(data_dir=tmp_path / "file" / "data", cache_dir=tmp_path / "cache")
    with pytest.raises(DiskUnusableError, match="file/data"), EmbeddedKafka(spec):
        pass
    assert not (tmp_path / "cache").exists()


def test_a_small_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says how much is there and how much is needed."""
    monkeypatch.setattr(machine, "free_mb", lambda _path: 17)
    with (
        pytest.raises(DiskFullError, match="17 MB free, 256 MB are needed"),
        EmbeddedKafka(ClusterSpec(data_dir=tmp_path)),
    ):
        pass


def test_a_disk_that_ran_full_is_not_called_a_crash(tmp_path: Path) -> None:
    """Kafka halts when it cannot write; the reason in its log becomes the message."""
    broker = Broker(1, tmp_path, Jvm(Path("java"), (), ""), temporary=True)
    broker.log.write_text("ERROR LogDirFailureChannel: java.io.IOException: No space left on device\n")
    assert isinstance(broker.death(), DiskFullError)


@pytest.mark.slow
def test_the_command_ends_well_when_asked() -> None:
    """It prints the address alone on standard output, and SIGTERM ends broker and command with 0."""
    with process(RUN_COMMAND, "--heap-mb", "256") as started:
        host, port = line_of(started).split(":")
        with socket.create_connection((host, int(port)), 5):
            pass
        started.terminate()
        assert started.wait(30) == 0
        with pytest.raises(ConnectionRefusedError), socket.create_connection((host, int(port)), 5):
            pass


def test_the_command_can_be_ended_while_it_starts(tmp_path: Path) -> None:
    """Ctrl-C before the broker is ready ends with 0, and leaves neither Java nor data."""
    with process(RUN_COMMAND, "--data", str(tmp_path), "--no-keep") as started:
        wait_until(lambda: bool(jvms_in(tmp_path)))
        started.send_signal(signal.SIGINT)
        assert started.wait(30) == 0
    assert jvms_in(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_the_command_tells_errors_in_words(tmp_path: Path) -> None:
    """An error is one message on standard error and exit code 1, no traceback."""
    (tmp_path / "file").touch()
    handlers = {how: signal.getsignal(how) for how in (signal.SIGTERM, signal.SIGINT)}
    result = CliRunner().invoke(command.kafka, ["--data", str(tmp_path / "file")])
    for how, handler in handlers.items():
        signal.signal(how, handler)
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")
    assert "Name a folder that can be" in result.stderr
