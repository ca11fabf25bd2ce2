"""The flow by stage: what comes in, is in progress, goes out, when each last got something done, and its pulse."""

from grafana_foundation_sdk.models import units

from deploy.grafana.boards.panels import Board, Form, Panel, Query, Row, above, at_least, none_of
from deploy.grafana.boards.processes import PROCESSES
from deploy.grafana.boards.queries import ANYWHERE, CHOSEN_PARTITIONS, age, of, per_second, quantile, seen, total, worst
from deploy.grafana.boards.subscribers import SUBSCRIBERS
from streams.observe import metrics
from streams.observe.parts import canary, deciding, executor

WAY = Row(
    "All of the way",
    (
        Panel(
            "Canaries sent",
            "Canaries sent to the bridge, by its answer; one a minute for each partition.",
            "`accepted` alone. `unanswered` is a bridge that is away, `refused` a token that it does not know.",
            units.CountsPerMinute,
            (Query(f"60 * {per_second(canary.CANARY_SENT, 'outcome', ANYWHERE)}", "{{outcome}}"),),
            width=6,
            nothing="no canary",
            runbooks=("TxpushCanaryOld", "TxpushCanaryAbsent"),
        ),
        Panel(
            "Time of a canary",
            "From the request to the bridge until the committed message was read.",
            "below a second.",
            units.Seconds,
            tuple(Query(quantile(part, canary.CANARY_ROUND_TRIP, "", ANYWHERE), f"{part:.0%}") for part in (0.5, 0.99)),
            width=6,
            limits=above(5, 60),
            nothing="no canary",
            runbooks=("TxpushCanaryOld",),
        ),
        Panel(
            "Time from receipt to commit",
            "From an event's receipt by the bridge, or the tick of a timer, until its command is committed.",
            "99 in 100 within 5 s.",
            units.Seconds,
            tuple(Query(quantile(part, metrics.AGENT_COMMAND_DELAY), f"{part:.0%}") for part in (0.5, 0.99)),
            width=6,
            limits=above(5, 30),
            nothing="no commands",
            runbooks=("TxpushCommandsLateFast",),
        ),
        Panel(
            "Set aside: dead letters",
            "Records that nobody could read or decide on, by component.",
            "none.",
            units.RecordsPerSecond,
            (
                Query(per_second(metrics.BRIDGE_DEAD_LETTERS, "job"), "{{job}}"),
                Query(per_second(deciding.AGENT_DEAD_LETTERS, "job"), "{{job}}"),
            ),
            Form.STACK,
            width=6,
            limits=none_of(0.01),
            runbooks=("TxpushDeadLetters",),
        ),
    ),
    height=7,
)
BRIDGE = Row(
    "Bridge",
    (
        Panel(
            "In: requests",
            "Requests that were answered, by what became of them.",
            "`stored`, in waves through the day. What is refused of notifications is on the board for those on call.",
            units.RequestsPerSecond,
            (Query(seen(per_second(metrics.BRIDGE_REQUESTS, "outcome")), "{{outcome}}"),),
            Form.STACK,
            width=6,
        ),
        Panel(
            "In progress: requests that wait for Kafka",
            "Requests whose records are not acknowledged by all replicas yet, by process.",
            "a few. From `TXPUSH_MAX_IN_FLIGHT` (4096) on further ones get 503.",
            units.Short,
            (Query(total(metrics.BRIDGE_IN_FLIGHT, "instance"), "{{instance}}"),),
            width=6,
            limits=above(1000, 4096),
        ),
        Panel(
            "Out: records stored",
            "Records acknowledged on the inbound log, by type.",
            "as many as come in, and more: a notification has several records.",
            units.RecordsPerSecond,
            (Query(per_second(metrics.BRIDGE_RECORDS, "type"), "{{type}}"),),
            Form.STACK,
            width=6,
        ),
        Panel(
            "Time until Kafka has acknowledged",
            "How long a request waits for its records to be on all replicas in sync.",
            "half of them within 10 ms, 99 in 100 within 100 ms. At 5 s the bridge answers 503.",
            units.Seconds,
            tuple(Query(quantile(part, metrics.BRIDGE_ACK_SECONDS), f"{part:.0%}") for part in (0.5, 0.99)),
            width=6,
            limits=above(1, 5),
            nothing="no requests",
        ),
        Panel(
            "Last processed: records stored",
            "Seconds since records were last acknowledged, by process.",
            "below a minute: the canary alone is stored once a minute by whichever process it meets.",
            units.Seconds,
            (Query(age(metrics.BRIDGE_LAST_STORED, "instance"), "{{instance}}"),),
            width=12,
            nothing="nothing stored yet",
        ),
        Panel(
            "Heartbeat: the log can be written",
            "Whether the process could write to the log just now, as its readiness sees it.",
            "yes, everywhere.",
            units.Short,
            (Query(f"min by (instance) ({of(metrics.BRIDGE_LOG_UP)})", "{{instance}}"),),
            Form.NUMBER,
            width=12,
            limits=at_least(1),
            words=(("0", "no"), ("1", "yes")),
        ),
    ),
    height=7,
)
AGENTS = Row(
    "Log and agents, by partition",
    (
        Panel(
            "In progress: records that wait",
            "Records on a partition of the log that are not decided on yet.",
            "0, with short peaks.",
            units.Short,
            (Query(worst(metrics.AGENT_LAG_MESSAGES, "job, partition", CHOSEN_PARTITIONS), "{{job}} {{partition}}"),),
        ),
        Panel(
            "Lag in seconds",
            "How far behind the present the last decided record is; 0 where nothing waits.",
            "0, or a second or two.",
            units.Seconds,
            (Query(worst(metrics.AGENT_LAG_SECONDS, "job, partition", CHOSEN_PARTITIONS), "{{job}} {{partition}}"),),
            limits=above(60, 300),
        ),
        Panel(
            "Last processed: newest decided record",
            "Seconds since the time of the last decided record.",
            "below 75 s for agents, as each partition gets a canary a minute. Institution agents: since the last"
            " signal.",
            units.Seconds,
            (Query(age(metrics.AGENT_LAST_EVENT, "job, partition", CHOSEN_PARTITIONS), "{{job}} {{partition}}"),),
        ),
        Panel(
            "In: records decided on",
            "Records by what they were. `duplicate_event` is one that the vendor has sent again.",
            "as many as the bridge stores, and the agents' own ticks.",
            units.RecordsPerSecond,
            (Query(per_second(deciding.AGENT_EVENTS, "job, outcome"), "{{job}} {{outcome}}"),),
            Form.STACK,
        ),
        Panel(
            "Time of a transaction",
            "How long a batch takes from its first record until its commit, by component.",
            "tens of milliseconds. At 20 s a worker ends itself.",
            units.Seconds,
            tuple(
                Query(quantile(part, metrics.AGENT_TRANSACTION_SECONDS, "job"), f"{{{{job}}}} {part:.0%}")
                for part in (0.5, 0.99)
            ),
            limits=above(2.5, 15),
            nothing="no transactions",
        ),
        Panel(
            "Heartbeat: partitions owned, and paused",
            "Partitions by the worker that decides on them, and how many of its own do not go on.",
            "evenly spread, none paused. See also the age of the canary.",
            units.Short,
            (
                Query(total(metrics.AGENT_PARTITIONS, "job, instance"), "{{job}} {{instance}}"),
                Query(seen(total(metrics.AGENT_PAUSED, "job, instance")), "{{job}} {{instance}} paused"),
            ),
        ),
    ),
)
OUT = Row(
    "Out of the agents",
    (
        Panel(
            "Out: commands",
            "Messages committed on command topics, by what is to be done, and look-ups asked of the executor.",
            "`issue` and `complete` in waves; `withdraw` where links heal by themselves.",
            units.MessagesPerSecond,
            (
                Query(seen(per_second(deciding.AGENT_COMMANDS, "kind, action")), "{{kind}} {{action}}"),
                Query(per_second(deciding.AGENT_LOOKUPS, "action"), "lookup {{action}}"),
            ),
            Form.STACK,
            width=12,
        ),
        Panel(
            "Out: signals to the institution agents",
            "Records committed on institution.signals, by type: what the institution agents get.",
            "as many as failures and repairs come in.",
            units.RecordsPerSecond,
            (Query(per_second(deciding.AGENT_SIGNALS, "type"), "{{type}}"),),
            Form.STACK,
            width=12,
            nothing="no signals",
        ),
    ),
    height=7,
)
EXECUTOR = Row(
    "Executor",
    (
        Panel(
            "In: links that customers open",
            "Requests of customers, by what became of them.",
            "`shown`, `led_on` and `returned` in about equal numbers.",
            units.RequestsPerSecond,
            (Query(seen(per_second(executor.EXECUTOR_LINKS, "outcome")), "{{outcome}}"),),
            Form.STACK,
            width=6,
        ),
        Panel(
            "In progress: look-ups",
            "Look-ups that are read and not answered, and those among them that wait for their institution.",
            "near 0.",
            units.Short,
            (
                Query(total(executor.EXECUTOR_IN_HAND), "in hand"),
                Query(total(executor.EXECUTOR_WAITING), "waiting"),
            ),
            width=6,
            limits=above(50, 100),
            runbooks=("TxpushLookupsWait",),
        ),
        Panel(
            "Out: look-ups done, accounts observed",
            "Look-ups by what became of them, and accounts read at the vendor and written to the log.",
            "`answered`.",
            units.OpsPerSecond,
            (
                Query(per_second(executor.EXECUTOR_LOOKUPS, "outcome"), "{{outcome}}"),
                Query(per_second(executor.EXECUTOR_OBSERVATIONS), "accounts observed"),
            ),
            width=6,
        ),
        Panel(
            "Last processed, and heartbeat",
            "Seconds since a look-up was last done with; and since all committed commands were known, which goes on"
            " without any.",
            "the view below 5 s; look-ups as they come.",
            units.Seconds,
            (
                Query(age(executor.EXECUTOR_LAST_LOOKUP), "last look-up"),
                Query(age(executor.EXECUTOR_VIEW_KNOWN), "view of commands"),
            ),
            width=6,
        ),
    ),
    height=7,
)
BOARD = Board(
    "txpush-flow",
    "txpush: flow by stage",
    "Every stage from the bridge to the services: in, in progress, out, last processed, heartbeat.",
    since="now-3h",
    refresh="30s",
    rows=(WAY, BRIDGE, AGENTS, OUT, EXECUTOR, SUBSCRIBERS, PROCESSES),
    by_partition=True,
)
