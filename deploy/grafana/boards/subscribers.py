"""The last stage of the flow: services that read commands, whose metrics are scraped with whatever job they have."""

from grafana_foundation_sdk.models import units

from deploy.grafana.boards.panels import Panel, Query, Row
from deploy.grafana.boards.queries import ANYWHERE, age, per_second, seen, total
from streams.observe.parts import subscribing

SUBSCRIBERS = Row(
    "Services that read commands (whatever job they are scraped as)",
    (
        Panel(
            "In: commands handed out",
            "Commands that services were given, and messages that they did not get, by action and by reason.",
            "as many as the agents commit; `repeated` after a restart, `expired` after a long one.",
            units.OpsPerSecond,
            (
                Query(per_second(subscribing.SUBSCRIBE_HANDED_OUT, "job, action", ANYWHERE), "{{job}} {{action}}"),
                Query(
                    seen(per_second(subscribing.SUBSCRIBE_NOT_HANDED_OUT, "job, reason", ANYWHERE)),
                    "{{job}} not: {{reason}}",
                ),
            ),
            nothing="no service is scraped",
        ),
        Panel(
            "In progress: commands that wait",
            "Commands read and not handed out, and whether contacts wait for the most that a service sends in an hour.",
            "near 0; more while contacts are paced.",
            units.Short,
            (
                Query(total(subscribing.SUBSCRIBE_WAITING, "job", ANYWHERE), "{{job}} waiting"),
                Query(total(subscribing.SUBSCRIBE_CONTACTS_PAUSED, "job", ANYWHERE), "{{job}} paced"),
            ),
            nothing="no service is scraped",
        ),
        Panel(
            "Out: done, handed back, lost",
            "Commands that services are done with, failed at, or lost to another reader.",
            "all done; what is handed back comes again after seconds to minutes.",
            units.OpsPerSecond,
            (
                Query(per_second(subscribing.SUBSCRIBE_ACKNOWLEDGED, "job", ANYWHERE), "{{job}} done"),
                Query(per_second(subscribing.SUBSCRIBE_HANDED_BACK, "job", ANYWHERE), "{{job}} handed back"),
                Query(per_second(subscribing.SUBSCRIBE_LOST, "job", ANYWHERE), "{{job}} lost"),
            ),
            width=4,
            nothing="no service is scraped",
        ),
        Panel(
            "Last processed",
            "Seconds since a service was last done with a command.",
            "as commands come. One that stands while others do not is stuck.",
            units.Seconds,
            (Query(age(subscribing.SUBSCRIBE_LAST_ACKNOWLEDGED, "job, instance", ANYWHERE), "{{job}} {{instance}}"),),
            width=4,
            nothing="nothing done yet",
        ),
    ),
    height=7,
)
