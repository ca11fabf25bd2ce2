"""On call: what one looks at in the night, the whole way first; every alert has a panel that leads to its page."""

from grafana_foundation_sdk.models import units

from deploy.grafana.boards.failing import FAILS, NOTICED
from deploy.grafana.boards.panels import Board, Form, Limits, Panel, Query, Row, above, none_of
from deploy.grafana.boards.queries import ALERTS, ANYWHERE, OURS, UP, age, of, quantile, total, worst
from streams.observe import metrics
from streams.observe.parts import canary, executor

OBJECTIVES = {"acceptance": 0.0001, "commands": 0.01, "unknown_codes": 0.01}
"""The share of failures that each objective allows, as in deploy/prometheus/rules/objectives.yaml."""
BURNS = Limits(((1, "yellow"), (6, "orange"), (14.4, "red")))
BURN = "suffix:x"


def burn(objective: str, windows: tuple[str, ...]) -> tuple[Query, ...]:
    """Give how many times too fast the budget of an objective is spent, over several windows."""
    allowed = f"{OBJECTIVES[objective]:f}".rstrip("0")
    return tuple(Query(f"txpush:{objective}_failures:ratio_rate{one} / {allowed}", one) for one in windows)


WAY = Row(
    "Is the way open?",
    (
        Panel(
            "Oldest canary",
            "Seconds since a canary last came through, on the partition where that is longest: from the bridge's"
            " port, by way of the log and the agent, to a topic.",
            "below 75 s, as one is sent every minute to every partition. From 180 s on somebody's events do not"
            " become commands.",
            units.Seconds,
            (Query(age(canary.CANARY_LAST_SUCCESS, "", ANYWHERE), "oldest"),),
            Form.NUMBER,
            width=4,
            limits=above(120, 180),
            nothing="no canary",
            runbooks=("TxpushCanaryOld", "TxpushCanaryAbsent"),
        ),
        Panel(
            "Canaries by partition",
            "The same for each partition.",
            "a saw of up to 75 s. One line that rises: a partition; all of them: the bridge, the brokers or the"
            " canary.",
            units.Seconds,
            (Query(age(canary.CANARY_LAST_SUCCESS, "partition", ANYWHERE), "partition {{partition}}"),),
            limits=above(120, 180),
            runbooks=("TxpushCanaryOld",),
        ),
        Panel(
            "Alerts that fire",
            "Each alert with its urgency, and how many series it fires for. Its name leads to its runbook.",
            "empty, or `info` alone.",
            units.Short,
            (
                Query(
                    total(ALERTS, "severity, alertname", 'alertname=~"Txpush.+"', alertstate="firing"),
                    "series",
                ),
            ),
            Form.TABLE,
            nothing="none fires",
        ),
        Panel(
            "Processes that do not answer",
            "Processes that Prometheus gets no metrics from, and with it nobody gets anything from.",
            "0.",
            units.Short,
            (Query(f"count({of(UP, OURS)} == 0) or vector(0)", "silent"),),
            Form.NUMBER,
            width=4,
            limits=none_of(),
            runbooks=("TxpushDown",),
        ),
    ),
)
OBJECTIVE = Row(
    "Objectives: how many times too fast their budgets are spent",
    (
        Panel(
            "Acceptance: 99.99 % of what could be stored is",
            "The share of requests that got 503 or 500, in budgets. At 1 it lasts a month, at 14.4 two days.",
            "0. Two windows have to burn before anybody is woken: one says that it matters, one that it goes on.",
            BURN,
            burn("acceptance", ("5m", "1h", "6h", "3d")),
            limits=BURNS,
            nothing="no requests",
            runbooks=("TxpushNotAcceptedFast", "TxpushNotAcceptedSlowly"),
        ),
        Panel(
            "Commands: 99 % within 5 s",
            "The share of commands that were committed later than 5 s after receipt, or after the tick of their"
            " timer, in budgets.",
            "below 1; a restart of an agent shows as a short peak of the 5 min alone.",
            BURN,
            burn("commands", ("5m", "1h", "6h", "3d")),
            limits=BURNS,
            nothing="no commands",
            runbooks=("TxpushCommandsLateFast", "TxpushCommandsLateSlowly"),
        ),
        Panel(
            "Unknown codes: 99 % counted within 15 min",
            "The share of observations of codes that no rule knows which were counted later than 15 min after"
            " receipt, in budgets.",
            "no data: there are none.",
            BURN,
            burn("unknown_codes", ("30m", "6h")),
            limits=BURNS,
            nothing="no unknown codes",
            runbooks=("TxpushUnknownCodesSeenLate",),
        ),
    ),
)
WAITS = Row(
    "What waits",
    (
        Panel(
            "Lag in seconds",
            "How far behind the present the last decided record of a partition is, by component.",
            "0, or a second or two. What grows for half an hour will not be caught up without more workers.",
            units.Seconds,
            (Query(worst(metrics.AGENT_LAG_SECONDS, "job, partition"), "{{job}} {{partition}}"),),
            width=6,
            limits=above(60, 300),
            runbooks=("TxpushLagGrows", "TxpushPartitionStalled"),
        ),
        Panel(
            "Commands: time from receipt to commit",
            "How long a customer's broken link takes to become a command.",
            "half of them within 0.1 s, 99 in 100 within 5 s.",
            units.Seconds,
            tuple(Query(quantile(part, metrics.AGENT_COMMAND_DELAY), f"{part:.0%}") for part in (0.5, 0.99)),
            width=6,
            limits=above(5, 30),
            nothing="no commands",
            runbooks=("TxpushCommandsLateFast",),
        ),
        Panel(
            "Partitions with an owner",
            "Partitions that some worker decides on, by component.",
            "flat, at the number of partitions; a dip of seconds while workers start or leave.",
            units.Short,
            (Query(total(metrics.AGENT_PARTITIONS, "job"), "{{job}}"),),
            width=4,
            runbooks=("TxpushPartitionsWithoutOwner",),
        ),
        Panel(
            "Paused partitions",
            "Partitions that have stopped themselves and do not go on by themselves; /readyz of their worker says why.",
            "0.",
            units.Short,
            (Query(total(metrics.AGENT_PAUSED), "paused"),),
            Form.NUMBER,
            width=4,
            limits=none_of(),
            runbooks=("TxpushPartitionPaused",),
        ),
        Panel(
            "Look-ups that wait",
            "Questions of the agents that the executor cannot put to the vendor yet.",
            "near 0; hundreds while a bank or the vendor is down.",
            units.Short,
            (Query(total(executor.EXECUTOR_WAITING), "waiting"),),
            width=4,
            limits=above(50, 100),
            runbooks=("TxpushLookupsWait",),
        ),
    ),
)

BOARD = Board(
    "txpush-on-call",
    "txpush: on call",
    "What to look at when somebody was woken: is the way open, what waits, what fails, who notices it.",
    since="now-3h",
    refresh="30s",
    rows=(WAY, OBJECTIVE, WAITS, FAILS, NOTICED),
)
