"""A real Prometheus with the rules as they ship: Debian's, on a port, with data that goes away with it."""

import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.processes import ROOT, free_port
from tests.waiting import wait_until

RULES = ROOT / "deploy" / "prometheus" / "rules"
SCRAPE_SECONDS = 5
START_SECONDS = 30.0
END_SECONDS = 20.0


@dataclass(frozen=True)
class Prometheus:
    """Asked over its HTTP API; every call raises httpx.HTTPError where it does not answer as it should."""

    url: str
    client: httpx.Client

    def _data(self, path: str, **parameters: str) -> Any:  # noqa: ANN401 - JSON
        answer = self.client.get(f"{self.url}/api/v1/{path}", params=parameters)
        answer.raise_for_status()
        return answer.json()["data"]

    def firing(self) -> set[str]:
        """Give the names of the alerts that fire now."""
        return {one["labels"]["alertname"] for one in self._data("alerts")["alerts"] if one["state"] == "firing"}

    def all_up(self) -> bool:
        """Tell whether every target has been scraped, and answered."""
        targets = self._data("targets", state="active")["activeTargets"]
        return bool(targets) and all(one["health"] == "up" for one in targets)

    def faulty_rules(self) -> list[str]:
        """Give what is wrong with rules at their last evaluation."""
        groups = self._data("rules")["groups"]
        return [
            f"{rule['name']}: {rule['lastError']}"
            for group in groups
            for rule in group["rules"]
            if rule.get("lastError")
        ]


@contextmanager
def watching(folder: Path, targets: Mapping[str, Sequence[int]]) -> Iterator[Prometheus]:
    """Run one that scrapes ports of this machine, by job, with nothing remembered from before."""
    program = shutil.which("prometheus")
    assert program, "prometheus is not here; on Debian and Ubuntu: apt-get install prometheus"
    port, place = free_port(), folder / "prometheus"
    place.mkdir()
    (place / "prometheus.yaml").write_text(yaml.safe_dump(_configuration(targets)))
    command = [
        program,
        f"--config.file={place / 'prometheus.yaml'}",
        f"--storage.tsdb.path={place / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with (place / "log").open("wb") as log, httpx.Client(timeout=10.0) as client:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            url = f"http://127.0.0.1:{port}"
            wait_until(lambda: _ready(client, url), seconds=START_SECONDS, said=(place / "log").read_text)
            yield Prometheus(url, client)
        finally:
            process.terminate()
            process.wait(END_SECONDS)


def _configuration(targets: Mapping[str, Sequence[int]]) -> dict[str, Any]:
    return {
        "global": {"scrape_interval": f"{SCRAPE_SECONDS}s", "scrape_timeout": f"{SCRAPE_SECONDS}s"},
        "rule_files": [str(RULES / "*.yaml")],
        "scrape_configs": [
            {"job_name": job, "static_configs": [{"targets": [f"127.0.0.1:{port}" for port in ports]}]}
            for job, ports in targets.items()
        ],
    }


def _ready(client: httpx.Client, url: str) -> bool:
    try:
        return client.get(f"{url}/-/ready").is_success
    except httpx.TransportError:
        return False
