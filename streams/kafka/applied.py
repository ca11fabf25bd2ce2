"""The topics as brokers have them: created where they are missing, and told from those of the contract."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, TopicAuthorizationFailedError, for_code

from streams.ending import ended
from streams.kafka.access import OPEN, AccessRefusedError, Bootstrap, ClusterError, access_to, client_arguments
from streams.kafka.refusals import in_words
from streams.kafka.topics import Layout, Topic, contract

ADMIN_TIMEOUT_MS = 15_000
POLL_SECONDS = 0.05


class TopicsError(ClusterError):
    """The topics on the broker are not those of the contract; the message lists every difference and what to run."""


async def apply(bootstrap: Bootstrap, layout: Layout, there: Mapping[str, tuple[int, int]] | None = None) -> list[str]:
    """Create what is missing and give the names created; what exists is left alone: `check` tells of differences.

    What somebody else creates at the same time exists, and is not among the names. `there` is what `topics_there` has
    given, where that was asked already.

    Raises:
        TopicsError: the broker refuses a topic.
        ClusterError: the brokers and we do not accept each other, or we may not see how a topic is set.
        KafkaError, TimeoutError: no broker answers.
    """
    async with _admin(bootstrap) as admin:
        existing = await _existing(admin) if there is None else there
        missing = [_new_topic(topic, layout) for topic in contract() if topic.name not in existing]
        if not missing:
            return []
        response = await admin.create_topics(missing, timeout_ms=ADMIN_TIMEOUT_MS)
        created = _created(response.topic_errors)
        await _until_visible(admin, {topic.name for topic in missing})
    return created


async def _until_visible(admin: AIOKafkaAdminClient, names: set[str]) -> None:
    """Wait until new topics are told of: a broker answers before it knows them itself, and a check would miss them."""
    async with asyncio.timeout(ADMIN_TIMEOUT_MS / 1000):
        while names - (await _existing(admin)).keys():  # noqa: ASYNC110 - nobody else would tell
            await asyncio.sleep(POLL_SECONDS)


def _new_topic(topic: Topic, layout: Layout) -> NewTopic:
    config = {"min.insync.replicas": str(layout.min_insync_replicas), **topic.config}
    return NewTopic(topic.name, layout.partitions, layout.replication, topic_configs=config)


def _created(errors: Iterable[tuple[str, int, str | None]]) -> list[str]:
    refused = [
        f"{name}: {message or for_code(code).__name__}"
        for name, code, message in errors
        if code and for_code(code) is not TopicAlreadyExistsError
    ]
    if refused:
        raise TopicsError("the broker refused to create topics:\n  " + "\n  ".join(refused))
    return [name for name, code, _ in errors if not code]


async def check(bootstrap: Bootstrap, layout: Layout, there: Mapping[str, tuple[int, int]] | None = None) -> list[str]:
    """Give every difference between the broker and the contract, each with its remedy; none means good.

    `there` is what `topics_there` has given, where that was asked already.

    Raises:
        KafkaError, TimeoutError: no broker answers.
    """
    async with _admin(bootstrap) as admin:
        existing = await _existing(admin) if there is None else there
        configs = await _configs(admin, [topic.name for topic in contract() if topic.name in existing])
    remedy = "run `txpush topics apply`"
    if access_to(bootstrap).protocol != OPEN:
        remedy += "; one that is there is hidden from who has no right to it: see `txpush topics acls`"
    return differences(layout, existing, configs, remedy)


async def topics_there(bootstrap: Bootstrap) -> Mapping[str, tuple[int, int]]:
    """Give partitions and smallest number of replicas of each topic that we may see; raises as `check`."""
    async with _admin(bootstrap) as admin:
        return await _existing(admin)


def partitions_of(there: Mapping[str, tuple[int, int]]) -> frozenset[int]:
    """Give the numbers of partitions that topics of the contract have: one where all are alike, none without topics."""
    return frozenset(there[topic.name][0] for topic in contract() if topic.name in there)


def differences(
    layout: Layout,
    existing: Mapping[str, tuple[int, int]],
    configs: Mapping[str, Mapping[str, str]],
    if_missing: str,
) -> list[str]:
    """Tell topics from those of the contract: in one line where none is there or all differ in a setting.

    Args:
        layout: as the settings have it.
        existing: partitions and smallest number of replicas, by topic.
        configs: settings of those topics of the contract that exist.
        if_missing: what to do about one that is missing.
    """
    made = {existing.get(topic.name) for topic in contract()}
    if len(made) == 1:
        if (found := made.pop()) is None:
            return [f"none of the {len(contract())} topics is there: {if_missing}"]
        theirs = Layout(*found)
        if not any(_differences(topic, theirs, found, configs[topic.name]) for topic in contract()):
            return _other_settings(layout, theirs)
    problems = [f"topic {topic.name} is missing: {if_missing}" for topic in contract() if topic.name not in existing]
    for topic in contract():
        if topic.name in existing:
            problems += _differences(topic, layout, existing[topic.name], configs[topic.name])
    return problems


def _other_settings(layout: Layout, theirs: Layout) -> list[str]:
    """Say by which settings all topics are as they should be; nothing where that is by ours."""
    problems, topics = [], f"all {len(contract())} topics have"
    if theirs.partitions != layout.partitions:
        problems.append(_other_partitions(topics, theirs.partitions, layout))
    fewer, least = theirs.replication < layout.replication, layout.min_insync_replicas
    if fewer or theirs.min_insync_replicas != least:
        problems.append(
            f"{topics} {theirs.replication} replica{'s' * (theirs.replication > 1)}, not {layout.replication}: set "
            f"TXPUSH_REPLICATION={theirs.replication} if the cluster was made so, else reassign their partitions and "
            f"run `kafka-configs --alter --topic TOPIC --add-config min.insync.replicas={least}` for each"
        )
    return problems


def _other_partitions(who_has: str, partitions: int, layout: Layout) -> str:
    remedy = partitions_remedy(partitions)
    return f"{who_has} {partitions} partitions, not {layout.partitions}: partitions are for life; {remedy}"


def partitions_remedy(partitions: int) -> str:
    """Give what to do where topics have another number of partitions than the settings say."""
    return f"set TXPUSH_PARTITIONS={partitions} if the cluster was made so, else see `txpush move --help`"


async def require(bootstrap: Bootstrap, layout: Layout) -> None:
    """Refuse to start on a cluster whose topics differ from the contract.

    Raises:
        TopicsError: with every difference in words.
    """
    if problems := await check(bootstrap, layout):
        raise TopicsError("the topics do not fit:\n  " + "\n  ".join(problems))


def _differences(topic: Topic, layout: Layout, found: tuple[int, int], config: Mapping[str, str]) -> list[str]:
    partitions, replication = found
    problems = []
    if partitions != layout.partitions:
        problems.append(_other_partitions(f"topic {topic.name} has", partitions, layout))
    if replication < layout.replication:
        problems.append(
            f"topic {topic.name} has {replication} replicas, not {layout.replication}: reassign its partitions"
        )
    wanted = {"min.insync.replicas": str(layout.min_insync_replicas), **topic.config}
    problems += [
        f"topic {topic.name} has {key}={config.get(key)}, not {value}: run `kafka-configs --alter --topic {topic.name} "
        f"--add-config {key}={value}`"
        for key, value in wanted.items()
        if config.get(key) != value
    ]
    return problems


@asynccontextmanager
async def _admin(bootstrap: Bootstrap) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(**client_arguments(bootstrap), request_timeout_ms=ADMIN_TIMEOUT_MS)
    try:
        async with in_words(bootstrap):
            await asyncio.wait_for(client.start(), ADMIN_TIMEOUT_MS / 1000)
        yield client
    finally:
        await ended(client, ADMIN_TIMEOUT_MS / 1000)


async def _existing(admin: AIOKafkaAdminClient) -> dict[str, tuple[int, int]]:
    """Partitions and smallest replication of every topic on the broker."""
    described = await asyncio.wait_for(admin.describe_topics(), ADMIN_TIMEOUT_MS / 1000)
    parts = {topic["topic"]: topic["partitions"] for topic in described}
    return {name: (len(each), min((len(one["replicas"]) for one in each), default=0)) for name, each in parts.items()}


async def _configs(admin: AIOKafkaAdminClient, names: list[str]) -> dict[str, dict[str, str]]:
    if not names:
        return {}
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    responses = await asyncio.wait_for(admin.describe_configs(resources), ADMIN_TIMEOUT_MS / 1000)
    configs = {}
    for response in responses:
        for error, message, _, name, entries in response.resources:
            if error == TopicAuthorizationFailedError.errno:
                raise AccessRefusedError(f"we may not see how topic {name} is set: see `txpush topics acls`")
            if error:
                raise KafkaError(f"settings of topic {name}: {message}")
            configs[name] = {entry[0]: entry[1] for entry in entries}
    return configs
