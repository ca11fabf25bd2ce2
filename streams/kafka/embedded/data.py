"""The data folder of a cluster: what it was made with, its lock, and the refusal of another shape."""

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import TypeAdapter

from schemas.problems import UNREADABLE
from streams.kafka.embedded.errors import DataInUseError, DataMismatchError
from streams.kafka.embedded.machine import NEEDED_MB, Ports, free_ports, ports_from, try_lock, writable_folder
from streams.kafka.embedded.properties import new_cluster_id, new_directory_id

CLUSTER_FILE = "cluster.json"
FORMAT = "txpush-kafka-1"


@dataclass(frozen=True)
class Cluster:
    """What a data folder was made with; all of it is in the folder's `cluster.json`."""

    kafka_version: str
    cluster_id: str
    directory_ids: tuple[str, ...]
    ports: Ports

    @property
    def brokers(self) -> int:
        """Give the number of brokers."""
        return len(self.directory_ids)

    @property
    def shape(self) -> str:
        """Say in words what must stay the same."""
        return f"Kafka {self.kafka_version}, {self.brokers} broker(s), first port {self.ports.clients[0]}"

    def to_json(self) -> str:
        """Give the text of `cluster.json`."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=1) + "\n"


_KEPT = TypeAdapter(Cluster)


def new_cluster(kafka_version: str, brokers: int, base_port: int | None) -> Cluster:
    """Choose ids and ports."""
    ports = free_ports(brokers) if base_port is None else ports_from(base_port, brokers)
    return Cluster(kafka_version, new_cluster_id(), tuple(new_directory_id() for _ in range(brokers)), ports)


def read_cluster(path: Path) -> Cluster:
    """Read a `cluster.json`. Raises DataMismatchError when this version cannot read it."""
    try:
        text = path.read_bytes()
        found = json.loads(text)["format"]
        if found != FORMAT:
            raise DataMismatchError(path.parent, f"format {FORMAT}", f"format {found}")
        return _whole(_KEPT.validate_json(text, strict=True))
    except (*UNREADABLE, KeyError, TypeError) as error:
        raise DataMismatchError(path.parent, f"format {FORMAT}", f"an unreadable {path.name} ({error!r})") from error


def _whole(cluster: Cluster) -> Cluster:
    """Give a cluster with two ports for each broker; raises ValueError."""
    if not 1 <= cluster.brokers == len(cluster.ports.clients) == len(cluster.ports.controllers):
        raise ValueError("it does not have two ports for each broker")
    return cluster


def write_cluster(cluster: Cluster, path: Path) -> None:
    """Write `cluster.json` whole or not at all."""
    unfinished = path.with_suffix(".tmp")
    unfinished.write_text(cluster.to_json())
    unfinished.replace(path)


def check_same(found: Cluster, data_dir: Path, wanted: Cluster, base_port: int | None) -> None:
    """Raise DataMismatchError for another version, number of brokers or, when one is asked for, port."""
    same = (found.kafka_version, found.brokers) == (wanted.kafka_version, wanted.brokers)
    if not same or (base_port is not None and found.ports != wanted.ports):
        raise DataMismatchError(data_dir, wanted.shape, found.shape)


def cluster_of(data_dir: Path, wanted: Cluster, base_port: int | None) -> Cluster:
    """Give the cluster that the folder holds or, in an empty one, make it hold `wanted`."""
    path = data_dir / CLUSTER_FILE
    if path.exists():
        found = read_cluster(path)
        check_same(found, data_dir, wanted, base_port)
        return found
    write_cluster(wanted, path)
    return wanted


@contextlib.contextmanager
def kept_folder(data_dir: Path) -> Iterator[Path]:
    """Hold a folder that outlives the cluster. Raises DataInUseError, DiskUnusableError or DiskFullError."""
    writable_folder(data_dir, NEEDED_MB)
    descriptor = try_lock(data_dir / ".lock")
    if descriptor is None:
        raise DataInUseError(data_dir)
    try:
        yield data_dir.resolve()
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def temporary_folder(parent: Path | None) -> Iterator[Path]:
    """Hold a folder that goes away with the cluster, in `parent` or where the system has such folders.

    Raises DiskUnusableError or DiskFullError.
    """
    where = writable_folder(parent or Path(tempfile.gettempdir()), NEEDED_MB)
    folder = Path(tempfile.mkdtemp(prefix="txpush-kafka-", dir=where.resolve()))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
