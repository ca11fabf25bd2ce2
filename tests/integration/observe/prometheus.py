"""A real Prometheus that scrapes programs of ours, with the rules that ship: at their own pace, or hurried."""

import json
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from shutil import which
from typing import Any

import httpx

from tests.dashboards import RULES
from tests.processes import END_SECONDS, free_port
from tests.waiting import SECONDS, wait_until

PROGRAM = which("prometheus")
SCRAPE_SECONDS = 1
"""Of a hurried one, which evaluates the rules as often."""
USUAL_SECONDS = 5
"""Between two scrapes of one that is not hurried."""
STEP_SECONDS = 2
ASK_SECONDS = 30.0
RULES_INTERVAL = "interval: 30s"


@dataclass
class Prometheus:
    """One that runs; `began` is when it did."""

    client: httpx.Client
    began: float

    def ask(self, page: str, **said: str | float) -> Any:  # noqa: ANN401 - whatever is answered
        """Ask its HTTP API; fails with its words where it does not understand."""
        answer = self.client.get(f"/api/v1/{page}", params=said)
        told = answer.json()
        assert told["status"] == "success", f"{said}: {told['error']}"
        return told["data"]

    def shows(self, expr: str) -> bool:
        """Tell whether a query has given a number, and not only holes, at any time since the beginning."""
        found = self.ask("query_range", query=expr, start=self.began, end=time.time(), step=STEP_SECONDS)
        return any(isfinite(float(value)) for one in found["result"] for _, value in one["values"])

    def scraped(self) -> dict[str, str]:
        """Give how each process's scrape went, by its address: `up`, `down`, or `unknown` before the first."""
        return {one["scrapeUrl"]: one["health"] for one in self.ask("targets", state="active")["activeTargets"]}

    def until_all_up(self, seconds: float = SECONDS) -> None:
        """Wait until every process has been scraped, and has answered."""
        wait_until(self.scraped, lambda found: found and set(found.values()) == {"up"}, seconds=seconds)

    def firing(self) -> set[str]:
        """Give the names of the alerts that fire now."""
        return {one["labels"]["alertname"] for one in self.ask("alerts")["alerts"] if one["state"] == "firing"}

    def rules(self) -> list[dict[str, Any]]:
        """Give its rules, with how their last evaluation went."""
        return [rule for group in self.ask("rules")["groups"] for rule in group["rules"]]


@contextmanager
def prometheus(jobs: Mapping[str, Sequence[int]], folder: Path, *, hurried: bool = True) -> Iterator[Prometheus]:
    """Run one that scrapes ports of this machine, by job."""
    assert PROGRAM is not None
    folder.mkdir()
    port, log = free_port(), folder / "prometheus.log"
    (folder / "prometheus.yml").write_text(json.dumps(_configured(jobs, folder, hurried=hurried)))  # JSON is YAML
    command = [
        PROGRAM,
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with (
        log.open("wb") as said,
        subprocess.Popen(command, stdout=said, stderr=said) as running,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=ASK_SECONDS) as client,
    ):
        try:
            wait_until(lambda: _is_ready(client, running), said=log.read_text)
            yield Prometheus(client, time.time())
        finally:
            running.terminate()
            running.wait(END_SECONDS)


def _configured(jobs: Mapping[str, Sequence[int]], folder: Path, *, hurried: bool) -> dict[str, Any]:
    seconds = SCRAPE_SECONDS if hurried else USUAL_SECONDS
    for path in RULES.glob("*.yaml"):
        text = path.read_text()
        assert RULES_INTERVAL in text
        (folder / path.name).write_text(text.replace(RULES_INTERVAL, f"interval: {seconds}s") if hurried else text)
    every = {"scrape_interval": f"{seconds}s", "scrape_timeout": f"{seconds}s", "evaluation_interval": f"{seconds}s"}
    scraped = [
        {"job_name": job, "static_configs": [{"targets": [f"127.0.0.1:{port}" for port in ports]}]}
        for job, ports in jobs.items()
    ]
    return {"global": every, "rule_files": [str(folder / "*.yaml")], "scrape_configs": scraped}


def _is_ready(client: httpx.Client, running: "subprocess.Popen[bytes]") -> bool:
    assert running.poll() is None, f"ended with {running.returncode}"
    try:
        return client.get("/-/ready").status_code == httpx.codes.OK
    except httpx.TransportError:
        return False
