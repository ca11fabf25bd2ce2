"""The chaos harness as a command: `python -m tests.chaos.run --profile everything --seed 7`."""

import argparse
import asyncio
import json
import logging
import shlex
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from streams.exits import EXIT_INTERRUPTED, EXIT_NOTHING
from streams.links import FixLinks
from tests.chaos.actors.fleet import LINK_KEY, PARTITIONS
from tests.chaos.check.accepted import check_accepted_alone
from tests.chaos.check.compare import Findings
from tests.chaos.check.disk import check_disk
from tests.chaos.check.ends import check_ends
from tests.chaos.check.hardness import check_hardness
from tests.chaos.check.lookups import check_calls, check_lookups, lookups_of, passed_by
from tests.chaos.check.replayed import check_replayed
from tests.chaos.check.verdict import Check, exported
from tests.chaos.faults.plan import Kind
from tests.chaos.faults.profiles import PROFILES
from tests.chaos.options import Options, work_folder
from tests.chaos.report import outages, soak
from tests.chaos.report.figures import Outcome, figures_of
from tests.chaos.report.outages import Outages
from tests.chaos.report.soak import Sampler
from tests.chaos.whole import Run, cluster

Telling = Callable[[Findings], dict[str, Any]]
"""Counts further faults once everything has ended, and gives further figures."""
Flow = Callable[[Run], Awaitable[Telling]]
"""What goes on while everything runs."""
SOAK_FAULT_SECONDS = 60.0
MAX_FOLDED = 400_000
"""Accepted notifications whose log still fits into memory to be folded again; past it only they are accounted for."""


def execute(options: Options, flow: Flow | None = None) -> Outcome:
    """Run with a cluster of its own, and check."""
    possible = options.possible()
    with work_folder(options.keep) as folder, cluster(possible, folder) as (kafka, brokers):
        outcome = asyncio.run(_run(Run(possible, folder, kafka, brokers), flow or _by_plan))
        if options.keep is not None and not outcome.findings.clean:
            brokers.leave_files(folder / "brokers")
    if possible is not options:
        outcome.figures["left_out"] = f"{Kind.DISK}: this process may not mount a small disk"
    return outcome


async def _run(run: Run, flow: Flow) -> Outcome:
    began, this = time.monotonic(), asyncio.current_task()
    assert this is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, this.cancel)  # so that processes and disks are let go
    async with run.running():
        told = await flow(run)
    findings = await asyncio.to_thread(judge, run)
    figures = await asyncio.to_thread(figures_of, run)
    findings.found("unread", len(run.undrained), run.undrained)
    figures |= await asyncio.to_thread(replayed, run, findings)
    check_hardness(findings, run.options.profile.least, figures, run.chaos.done)
    return Outcome(findings, figures | told(findings) | {"all_s": round(time.monotonic() - began)})


async def _by_plan(run: Run) -> Telling:
    await run.disturbed()
    await run.drained()
    return lambda _findings: {}


async def soaked(run: Run) -> Telling:
    """Disturb by the clock, sample, and tell of memory and lag."""
    sampler = Sampler(run)
    async with asyncio.TaskGroup() as both:
        sampling = both.create_task(sampler.follow())
        await run.disturbed()
        await run.drained()
        sampling.cancel()
    return sampler.tell


def outages_of(times: int) -> Flow:
    """Make outages on a steady feed, and tell how long they were."""

    async def flow(run: Run) -> Telling:
        made = Outages(run, times)
        async with asyncio.TaskGroup() as both:
            both.create_task(run.disturbed())
            both.create_task(made.make())
        await run.drained()
        return made.tell

    return flow


def judge(run: Run) -> Findings:
    """Hold everything that a run left behind against what it should have left."""
    links = None if run.fleet.link_url is None else FixLinks([bytes.fromhex(LINK_KEY)], run.fleet.link_url)
    workers = run.fleet.workers
    if _is_long(run):
        findings = Findings()
        check_accepted_alone(findings, run.kafka.bootstrap, PARTITIONS, run.feed.sent.claims)
        check_ends(findings, run.ends(), run.chaos.done)
        return findings
    check = Check(exported(run.kafka.bootstrap, PARTITIONS), links)
    findings = check.run(run.feed.sent)
    check_ends(findings, run.ends(), run.chaos.done)
    check_disk(findings, run.folder, check.exported.records)
    if run.vendor is not None:
        asked = lookups_of(check.lookups())
        passed = passed_by(worker.log for worker in workers if worker.name.startswith("executor"))
        check_lookups(findings, asked, check.observed(), run.vendor.logins, passed)
        check_calls(findings, asked, run.vendor.reads(), run.chaos.done)
    return findings


def replayed(run: Run, findings: Findings) -> dict[str, Any]:
    """Have the log replayed and audited, where it is short and tells of all of the state; gives the verdicts."""
    if _is_long(run) or not run.options.is_replayed:
        return {}
    began = time.monotonic()
    verdicts = check_replayed(findings, run.kafka.bootstrap, run.fleet.link_url)
    return verdicts | {"replayed_and_audited_s": round(time.monotonic() - began)}


def _is_long(run: Run) -> bool:
    return run.feed.sent.accepted > MAX_FOLDED or run.options.accounts > 0


def main() -> int:
    """Run from the command line; 0 for a clean verdict of every seed, 1 for any other."""
    given = _arguments()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # the feed's own clients meet every fault, too
    options, flow = _asked(given)
    try:
        outcomes = [_one(of_seed(options, seed, of=len(given.seeds)), flow) for seed in given.seeds]
    except FileExistsError as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_NOTHING
    except (asyncio.CancelledError, KeyboardInterrupt):
        sys.stderr.write("ended from outside, before the verdict\n")
        return EXIT_INTERRUPTED
    if len(outcomes) > 1:
        _print_seeds(outcomes)
    return 0 if all(outcome.findings.clean for outcome in outcomes) else 1


def _asked(given: argparse.Namespace) -> tuple[Options, Flow]:
    """Give what to run for the command line."""
    if given.soak:
        profile = soak.profile_of(given.soak, given.rate)
        seconds, pace = SOAK_FAULT_SECONDS, soak.pace_of(given.rate)
        return Options(
            profile,
            per_second=pace,
            every_seconds=seconds,
            span=soak.SPAN,
            customers=soak.CUSTOMERS,
            keep=given.keep,
        ), soaked
    if given.outages:
        profile = outages.profile_of(given.outages)
        pace, accounts, on_disk = outages.PER_SECOND, given.accounts, given.local_state
        options = Options(profile, per_second=pace, accounts=accounts, local_state=on_disk, keep=given.keep)
        return options, outages_of(given.outages)
    profile = PROFILES[given.profile].times(given.times).sized(given.agents, given.bridges, given.brokers)
    if given.notifications:
        profile = replace(profile, notifications=given.notifications)
    options = Options(profile, outage_seconds=given.outage_seconds, local_state=given.local_state, keep=given.keep)
    return options, _by_plan


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profile", choices=sorted(PROFILES), default="workers", help="what is disturbed; workers")
    parser.add_argument("--seeds", "--seed", type=_seeds, default=[7], help="a seed, or several as 1-10; 7")
    parser.add_argument("--times", type=float, default=1.0, help="so many times the disturbances of the profile; 1")
    parser.add_argument("--notifications", type=int, help="how many are sent; the profile's unless said otherwise")
    parser.add_argument("--agents", type=_positive, help="how many run at a time; the profile's unless said otherwise")
    parser.add_argument("--bridges", type=_positive, help="the same of bridges")
    parser.add_argument("--brokers", type=int, choices=(1, 3), help="the same of brokers; each topic is on all of them")
    parser.add_argument("--outage-seconds", type=float, default=60.0, help="how long all brokers are gone; 60")
    parser.add_argument("--soak", type=int, metavar="MINUTES", help="a fault every minute at a steady rate")
    parser.add_argument("--rate", type=float, default=500.0, help="events a second of a soak; 500")
    parser.add_argument("--outages", type=int, metavar="TIMES", help="how long nothing is decided, so often each")
    parser.add_argument("--accounts", type=int, default=0, help="so many more in the state, with --outages; 0")
    parser.add_argument("--local-state", action="store_true", help="have each worker keep its state on disk")
    parser.add_argument(
        "--keep", type=Path, help="folder for the logs of all processes, and for the brokers' files if it fails"
    )
    return parser.parse_args()


def _positive(text: str) -> int:
    if (number := int(text)) < 1:
        raise ValueError(text)
    return number


def _seeds(text: str) -> list[int]:
    first, _, last = text.partition("-")
    return list(range(int(first), int(last or first) + 1))


def of_seed(options: Options, seed: int, of: int) -> Options:
    """Give what to run for one seed; each of several keeps its logs in a folder of its own."""
    keep = options.keep if options.keep is None or of == 1 else options.keep / f"seed-{seed}"
    return replace(options, seed=seed, keep=keep)


def _one(options: Options, flow: Flow) -> Outcome:
    """Run a seed and say at once what came of it."""
    outcome = execute(options, flow)
    again = shlex.join(["python", "-m", "tests.chaos.run", *_without_seeds(sys.argv[1:]), f"--seed={options.seed}"])
    title = f"seed {options.seed}: {outcome.as_json()['verdict']}\nthe same once more: {again}"
    table = Table("counter", "times", title=title)
    for name, times in outcome.findings.faults.items():
        table.add_row(name, str(times))
    Console(stderr=True).print(table)
    sys.stdout.write(json.dumps(outcome.as_json(), indent=2) + "\n")
    sys.stdout.flush()
    return outcome


def _without_seeds(words: Sequence[str]) -> list[str]:
    """Leave out which seeds were asked for."""
    kept, skip = [], False
    for word in words:
        if not skip and not word.startswith("--seed"):
            kept.append(word)
        skip = word in {"--seed", "--seeds"}
    return kept


COLUMNS = ("notifications_accepted", "sigkills", "sigstops", "inside_a_transaction", "fences", "all_s")


def _print_seeds(outcomes: Sequence[Outcome]) -> None:
    table = Table("seed", "verdict", "faults", *(name.replace("_", " ") for name in COLUMNS))
    for outcome in outcomes:
        figures, faults = outcome.figures, outcome.findings.faults.total()
        shown = (str(figures[name]) for name in COLUMNS)
        table.add_row(str(figures["seed"]), outcome.as_json()["verdict"], str(faults), *shown)
    Console(stderr=True).print(table)


if __name__ == "__main__":
    sys.exit(main())
