"""Settings of the executor; every wait, number of tries and number of waiters has its limit here."""

from dataclasses import dataclass, field

from streams.kafka.access import Access, Bootstrap
from streams.kafka.topics import Layout
from streams.links import FixLinks, links_of
from streams.ports import EXECUTOR, Endpoint, clash
from streams.settings import Settings, SettingsError


@dataclass(frozen=True, slots=True)
class LinkSettings:
    """What a customer's link leads to; times in seconds.

    Attributes:
        webhook: where the vendor posts the events of a session: the bridge's callback URL.
        per_second: vendor sessions begun a second, of all customers together.
        burst_seconds: what may be begun at once after a pause, as a share of `per_second`.
        command_burst: sessions of one command that may be begun at once.
        command_refill_seconds: time after which one more may be.
        reuse_seconds: within it a second click is led to the session of the first.
        answer_seconds: how long a customer waits for the vendor before the page says to try again.
        making_seconds: longest time for one session, with the accounts that are read on the way.
        settle_seconds: how long to wait until the view has read what is committed.
        max_making: sessions being made at once.
    """

    webhook: str = field(repr=False)
    per_second: float = 5.0
    burst_seconds: float = 4.0
    command_burst: int = 5
    command_refill_seconds: float = 120.0
    reuse_seconds: float = 30.0
    answer_seconds: float = 25.0
    making_seconds: float = 120.0
    settle_seconds: float = 3.0
    max_making: int = 200


@dataclass(frozen=True, slots=True)
class LookupSettings:
    """How look-ups are answered; times in seconds.

    Attributes:
        oldest_seconds: age after which nobody waits for the answer any more (R6: 26 h, R14: 1 h).
        first_pause_seconds: before the second try; it doubles up to `longest_pause_seconds`.
        refused_pause_seconds: between tries while the vendor refuses our credentials or our settings.
        answer_seconds: longest time for one look-up, reading and writing.
        ack_seconds: how long Kafka may take with the answer.
        at_once: look-ups under way at once.
        max_in_hand: look-ups read and not answered, but for those that wait, before reading pauses.
        max_waiting: look-ups that wait to be tried again, of all institutions; one may have half of what others leave.
        trouble_after: tries in vain in a row after which an institution's new look-ups wait in its line as well.
        max_forbidden: how many may be tried again that the vendor forbids (HTTP 403); any beyond is set aside.
        source_failures: steps that may fail in a row, a second or more apart, before the consumer is made anew.
    """

    oldest_seconds: float = 86_400.0
    first_pause_seconds: float = 1.0
    longest_pause_seconds: float = 300.0
    refused_pause_seconds: float = 60.0
    answer_seconds: float = 180.0
    ack_seconds: float = 5.0
    poll_seconds: float = 0.5
    at_once: int = 4
    max_in_hand: int = 200
    max_waiting: int = 10_000
    trouble_after: int = 5
    max_forbidden: int = 50
    source_failures: int = 20


@dataclass(frozen=True, slots=True)
class ExecutorSettings:
    """What one executor needs to know; times in seconds."""

    bootstrap: Bootstrap
    links: FixLinks = field(repr=False)
    link: LinkSettings
    lookup: LookupSettings
    host: str
    port: int
    admin_host: str
    admin_port: int
    vendor_url: str
    instance: str | None = None
    shutdown_seconds: float = 10.0
    max_connections: int = 1024
    layout: Layout | None = None
    """How the cluster has to carry the topics before a look-up is read, the vendor called, or anything written."""

    @classmethod
    def of(cls, settings: Settings) -> "ExecutorSettings":
        """Take them from the settings of the process.

        Raises:
            SettingsError: lists everything that is missing.
        """
        links, problems = _links(settings)
        if admin := settings.admin_port:
            own = Endpoint(settings.executor_host, settings.executor_port)
            problems += clash(own, EXECUTOR, Endpoint(settings.admin_host, admin), admin)
        if settings.public_url is None:
            problems.append("TXPUSH_PUBLIC_URL: missing; the vendor reports what becomes of a session there")
        if not settings.callback_tokens:
            problems.append("TXPUSH_CALLBACK_TOKENS: missing; use those of the bridge")
        if links is None or problems:
            raise SettingsError("\n".join(problems))
        token = settings.callback_tokens[0].get_secret_value()
        return cls(
            bootstrap=Access.of(settings),
            links=links,
            link=LinkSettings(f"{settings.public_url}/{token}/connect", per_second=settings.links_per_second),
            lookup=LookupSettings(ack_seconds=settings.ack_seconds),
            host=settings.executor_host,
            port=settings.executor_port,
            admin_host=settings.admin_host,
            admin_port=settings.admin_port,
            vendor_url=settings.vendor_url,
            instance=settings.instance,
            shutdown_seconds=settings.shutdown_seconds,
            layout=Layout.of(settings),
        )


def _links(settings: Settings) -> tuple[FixLinks | None, list[str]]:
    try:
        links = links_of(settings)
    except SettingsError as error:
        return None, [str(error)]
    missing = "TXPUSH_LINK_URL and TXPUSH_LINK_KEYS: missing; use those of the agent"
    return links, [] if links is not None else [missing]
