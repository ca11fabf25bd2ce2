"""The whole check of a run: export, fold again, compare."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import orjson

from schemas.times import from_epoch_ms
from streams.links import FixLinks, LinkError
from tests.chaos.check import agents, institutions
from tests.chaos.check.accepted import Logged, check_accepted, check_set_aside
from tests.chaos.check.agents import AgentFold
from tests.chaos.check.books import Books, Expected, Message
from tests.chaos.check.compare import (
    Findings,
    compare_audit,
    compare_last,
    compare_letters,
    compare_messages,
    doubled_for_naive_readers,
    of_log,
)
from tests.chaos.check.export import UNCOMMITTED, Place, Record, committed_offsets, export, log_name
from tests.chaos.check.institutions import InstitutionFold, incident_events
from tests.chaos.load.sent import Sent

COMMANDS = tuple(
    f"remediation.{name}"
    for name in ("connect-fix", "relink", "remove-duplicate", "consent-renewal", "otp-escalation", "lookup")
)
LOOKUPS = "remediation.lookup"
LINK_MARK = b',"fix_url":"'
TICKETS, AUDIT, LETTERS = "remediation.support-ticket", "audit.decisions", "aggregation.dead-letter"


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two agents: its log, what it writes, and its tables."""

    application: str
    log: str
    outputs: tuple[str, ...]
    health: str
    tables: tuple[str, ...]

    @property
    def changelogs(self) -> dict[str, str]:
        """Give the changelog of each table."""
        return {table: f"{self.application}-{table}-changelog" for table in self.tables}

    @property
    def topics(self) -> tuple[str, ...]:
        """Give all topics that the check reads."""
        return (self.log, *self.outputs, self.health, *self.changelogs.values())


AGENT = Side(
    "txpush-agent",
    agents.LOG,
    COMMANDS,
    "account.health",
    ("accounts", "logins", "customers", "surroundings", "policies", "control"),
)
INSTITUTIONS = Side(
    "txpush-institutions",
    institutions.LOG,
    (TICKETS,),
    "institution.health",
    ("tickets", "standings", "gatherings", "incidents", "windows", "institutions", "policies", "control"),
)


SIDES = (AGENT, INSTITUTIONS)


@dataclass(frozen=True, slots=True)
class Exported:
    """All that lies in a cluster whose workers have stopped.

    Attributes:
        records: the committed ones.
        uncommitted: what a naive reader sees of commands and tickets.
        names: `<cluster id>/<topic id>` of each log.
        read: up to which offset each partition of a log was read, by the log.
    """

    partitions: int
    records: Mapping[Place, list[Record]]
    uncommitted: Mapping[Place, list[Record]]
    names: Mapping[str, str]
    read: Mapping[str, Sequence[int]]


def exported(bootstrap: str, partitions: int) -> Exported:
    """Read a cluster from the beginning to the end; raises TimeoutError where the end is not reached."""
    wanted = {topic for side in SIDES for topic in side.topics} | {AUDIT, LETTERS}
    return Exported(
        partitions,
        export(bootstrap, sorted(wanted), partitions),
        export(bootstrap, (*COMMANDS, TICKETS), partitions, UNCOMMITTED),
        {side.log: log_name(bootstrap, side.log) for side in SIDES},
        {side.log: committed_offsets(bootstrap, side.application, side.log, partitions) for side in SIDES},
    )


@dataclass(slots=True)
class Check:
    """Checks what was exported; `links` are those that commands carry, if they do."""

    exported: Exported
    links: FixLinks | None = None
    findings: Findings = field(default_factory=Findings)

    @property
    def partitions(self) -> int:
        """Of every topic."""
        return self.exported.partitions

    def run(self, sent: Sent) -> Findings:
        """Compare everything with what was sent and with the fold, and give what was found."""
        self._check_sent(sent)
        self._check_signals(self._agents())
        self._institutions()
        self.findings.compared["doubled_for_naive_readers"] = doubled_for_naive_readers(self.exported.uncommitted)
        return self.findings

    def _records(self, topic: str, partition: int) -> list[Record]:
        return self.exported.records.get((topic, partition), [])

    def _check_sent(self, sent: Sent) -> None:
        logged = Logged()
        for number in range(self.partitions):
            logged.take(number, self._records(agents.LOG, number))
        check_accepted(self.findings, sent.claims, logged)
        letters = [orjson.loads(r.value or b"{}") for n in range(self.partitions) for r in self._records(LETTERS, n)]
        of_bridge = (one["body_sha256"] for one in letters if one["origin"].startswith("/remediation/bridge"))
        check_set_aside(self.findings, sent, Counter(of_bridge))

    def lookups(self) -> dict[Place, list[Record]]:
        """Give the look-ups by their partition."""
        return {(LOOKUPS, number): self._records(LOOKUPS, number) for number in range(self.partitions)}

    def observed(self) -> list[Record]:
        """Give the observations on the inbound log."""
        records = (record for number in range(self.partitions) for record in self._records(agents.LOG, number))
        return [record for record in records if record.header("ce_type") == "account.observed"]

    def _agents(self) -> Mapping[Place, Expected]:
        signals = {}
        for fold in (AgentFold(number, self.partitions) for number in range(self.partitions)):
            signals[agents.LOG, fold.books.partition] = fold.run(self._read_part(AGENT, fold.books.partition))
            self._check_side(AGENT, fold.books)
        return signals

    def _institutions(self) -> None:
        told: list[Message] = []
        for number in range(self.partitions):
            fold = InstitutionFold(number, self.partitions)
            fold.run(self._read_part(INSTITUTIONS, number))
            self._check_side(INSTITUTIONS, fold.books)
            told += fold.told
        for number in range(self.partitions):
            self._check_told(told, number)

    def _check_told(self, told: Sequence[Message], number: int) -> None:
        """Compare what a partition of the inbound log was told of incidents: all of it, in order for each of them."""
        found = incident_events(self._records(institutions.TOLD, number))
        for subject in {message.subject for message in (*told, *found)}:
            expected = [message for message in told if message.subject == subject]
            actual = [
                Record(0, one.key, one.value, one.headers, one.timestamp) for one in found if one.subject == subject
            ]
            compare_messages(self.findings, "incidents", f"{subject} in {number}", expected, actual)

    def _read_part(self, side: Side, partition: int) -> list[Record]:
        """Give what the agent has read of its log; that is all of it unless something is wrong."""
        offset = self.exported.read[side.log][partition]
        records = self._records(side.log, partition)
        unread = [record for record in records if record.offset >= offset]
        self.findings.compared[f"{side.log} records"] += len(records)
        self.findings.compared["ticks"] += sum(record.header("ce_type") == "clock.tick" for record in records)
        self.findings.found("unread", len(unread), f"{side.log}/{partition} from {offset} on")
        return [record for record in records if record.offset < offset]

    def _check_side(self, side: Side, books: Books) -> None:
        number, expected = books.partition, books.expected
        for topic in side.outputs:
            said = expected.messages.get((topic, number), [])
            found = [self._without_link(record) for record in self._records(topic, number)]
            compare_messages(self.findings, topic, f"{topic}/{number}", said, found)
        compare_last(self.findings, "health_wrong", side.health, expected.health, self._records(side.health, number))
        audits = of_log(self._records(AUDIT, number), side.log)
        head = compare_audit(self.findings, books, self.exported.names[side.log], audits)
        tables = expected.tables | {"control": {str(number): books.control(head, self.exported.names[side.log])}}
        for table, topic in side.changelogs.items():
            compare_last(self.findings, "state_wrong", topic, tables.get(table, {}), self._records(topic, number))
        compare_letters(self.findings, expected, side.log, number, self._records(LETTERS, number))

    def _without_link(self, record: Record) -> Record:
        """Take the link off a command, which is added outside the core; it has to lead to that very command."""
        value, mark, link = (record.value or b"").partition(LINK_MARK)
        if not mark or self.links is None:
            return record
        command, token = orjson.loads(value + b"}"), link.decode().removesuffix('"}').rpartition("/")[2]
        self.findings.compared["links"] += 1
        try:
            is_its_own = self.links.read(token, from_epoch_ms(record.timestamp)) == command["command_id"]
        except LinkError:
            is_its_own = False
        self.findings.found("unexpected", not is_its_own, f"a link to another command than {command['command_id']}")
        return replace(record, value=value + b"}")

    def _check_signals(self, folded: Mapping[Place, Expected]) -> None:
        """Compare the signals by the partition that they come from: each writes its own in order."""
        for place in range(self.partitions):
            by_source: dict[int, list[Record]] = defaultdict(list)
            for record in self._records(institutions.LOG, place):
                if record.header("ce_type").startswith(("institution.login.", "institution.ticket.")):
                    by_source[int(record.header("ce_id").partition("/")[0])].append(record)
            for (_, number), expected in folded.items():
                said = expected.messages.get((institutions.LOG, place), [])
                compare_messages(self.findings, institutions.LOG, f"{number} to {place}", said, by_source[number])
