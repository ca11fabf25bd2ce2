"""The data folder of a cluster: what it was made with, its lock, and the refusal of another shape."""

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from streams.kafka.embedded import ports as choose
from streams.kafka.embedded.disk import try_lock, writable_folder
from streams.kafka.embedded.errors import DataInUse, DataMismatch
from streams.kafka.embedded.ports import Ports
from streams.kafka.embedded.properties import new_cluster_id, new_directory_id

CLUSTER_FILE = "cluster.json"
FORMAT = "txpush-kafka-1"
# Three empty brokers take about 40 MB; the rest is for the demo's records.
NEEDED_MB = 256


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


def new_cluster(kafka_version: str, brokers: int, base_port: int | None) -> Cluster:
    """Choose ids and ports."""
    ports = choose.free_ports(brokers) if base_port is None else choose.from_base(base_port, brokers)
    return Cluster(kafka_version, new_cluster_id(), tuple(new_directory_id() for _ in range(brokers)), ports)


def read_cluster(path: Path) -> Cluster:
    """Read a `cluster.json`. Raises DataMismatch when this version cannot read it."""
    try:
        content = json.loads(path.read_bytes())
        if content["format"] != FORMAT:
            raise DataMismatch(path.parent, f"format {FORMAT}", f"format {content['format']}")
        ports = Ports(tuple(content["ports"]["clients"]), tuple(content["ports"]["controllers"]))
        return Cluster(content["kafka_version"], content["cluster_id"], tuple(content["directory_ids"]), ports)
    except (ValueError, KeyError, TypeError) as error:
        raise DataMismatch(path.parent, f"format {FORMAT}", f"an unreadable {path.name} ({error!r})") from error


def write_cluster(cluster: Cluster, path: Path) -> None:
    """Write `cluster.json` whole or not at all."""
    unfinished = path.with_suffix(".tmp")
    unfinished.write_text(cluster.to_json())
    unfinished.replace(path)


def check_same(found: Cluster, data_dir: Path, wanted: Cluster, base_port: int | None) -> None:
    """Raise DataMismatch when the folder holds another version, number of brokers or, if one is asked for, port."""
    same = (found.kafka_version, found.brokers) == (wanted.kafka_version, wanted.brokers)
    if not same or (base_port is not None and found.ports != wanted.ports):
        raise DataMismatch(data_dir, wanted.shape, found.shape)


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
    """Hold a folder that outlives the cluster. Raises DataInUse, DiskUnusable or DiskFull."""
    writable_folder(data_dir, NEEDED_MB)
    descriptor = try_lock(data_dir / ".lock")
    if descriptor is None:
        raise DataInUse(data_dir)
    try:
        yield data_dir.resolve()
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def temporary_folder() -> Iterator[Path]:
    """Hold a folder that goes away with the cluster. Raises DiskFull."""
    folder = Path(tempfile.mkdtemp(prefix="txpush-kafka-"))
    try:
        yield writable_folder(folder, NEEDED_MB)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
