"""The folded row of what concerns machines: memory, processors, moves of partitions, and the state that comes back."""

from grafana_foundation_sdk.models import units

from deploy.grafana.boards.panels import Panel, Query, Row, above, none_of
from deploy.grafana.boards.queries import CHOSEN_PARTITIONS, CPU, MEMORY, mean, of, total, worst
from streams.observe import metrics
from streams.observe.parts import restoring

PROCESSES = Row(
    "Processes, and how their state comes back",
    (
        Panel(
            "Memory",
            "Resident memory of each process.",
            "flat after the first hour; that of agents follows the number of accounts.",
            units.BytesIEC,
            (Query(total(MEMORY, "job, instance"), "{{job}} {{instance}}"),),
        ),
        Panel(
            "Processors",
            "Processors that a process keeps busy.",
            "below 0.8: a process has one thread that decides.",
            units.Short,
            (Query(f"sum by (job, instance) (rate({of(CPU)}[$__rate_interval]))", "{{job}} {{instance}}"),),
            limits=above(0.8, 0.95),
        ),
        Panel(
            "Records of the tables",
            "Records of the agents' state, by table.",
            "grows with customers.",
            units.Short,
            (Query(total(metrics.AGENT_TABLE_RECORDS, "job, table"), "{{job}} {{table}}"),),
        ),
        Panel(
            "Openings of partitions",
            "The epoch of a partition's producer. A step is an opening by a worker, which fences the one before.",
            "flat but for deployments.",
            units.Short,
            (Query(worst(metrics.AGENT_EPOCH, "job, partition", CHOSEN_PARTITIONS), "{{job}} {{partition}}"),),
        ),
        Panel(
            "Mean time to open a partition",
            "From fencing the former owner until its state is back; and of the state alone, by what that began with."
            " Of all openings since a process was started.",
            "seconds with state on disk; with `full` minutes for many accounts.",
            units.Seconds,
            (
                Query(mean(metrics.AGENT_OPEN_SECONDS, "job"), "{{job}}"),
                Query(mean(restoring.AGENT_RESTORE_SECONDS, "job, source"), "{{job}} state from {{source}}"),
            ),
            limits=above(60, 300),
            nothing="none was opened",
        ),
        Panel(
            "State files that were not used",
            "Files of state that were refused since a process was started, by reason; changelogs are read whole.",
            "0; `missing` at a first start.",
            units.Short,
            (Query(total(restoring.AGENT_STATE_REFUSED, "job, reason"), "{{job}} {{reason}}"),),
            limits=none_of(),
        ),
    ),
    folded=True,
)
