"""Who leads which partition, and moving that to another replica, by the admin API."""

import asyncio
import random
import time
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import for_code
from aiokafka.protocol.admin import AlterPartitionReassignmentsRequest
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Array, Int8, Int16, Int32, Schema, String
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

ASK_SECONDS = 10.0
POLL_SECONDS = 0.2
PREFERRED = 0


class ElectLeadersResponse_v1(Response):  # type: ignore[misc]  # noqa: N801 - untyped library, its way of names
    """The answer to that request."""

    API_KEY, API_VERSION = 43, 1
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("error_code", Int16),
        (
            "results",
            Array(
                ("topic", String("utf-8")),
                ("partitions", Array(("partition", Int32), ("error_code", Int16), ("error_message", String("utf-8")))),
            ),
        ),
    )


class ElectLeadersRequest_v1(RequestStruct):  # type: ignore[misc]  # noqa: N801 - untyped library, its way of names
    """Have preferred leaders elected: aiokafka has no such request, and confluent-kafka's fails."""

    API_KEY, API_VERSION = 43, 1
    RESPONSE_TYPE = ElectLeadersResponse_v1
    SCHEMA = Schema(
        ("election_type", Int8),
        ("topics", Array(("topic", String("utf-8")), ("partitions", Array(Int32)))),
        ("timeout_ms", Int32),
    )


class ElectLeadersRequest(Request[ElectLeadersRequest_v1]):  # type: ignore[misc] # untyped library
    """The same, for aiokafka to put into the one version that is known here."""

    API_KEY = 43

    def __init__(self, topics: list[tuple[str, list[int]]], timeout_ms: int) -> None:
        self._topics = topics
        self._timeout_ms = timeout_ms

    def build(self, request_struct_class: type[ElectLeadersRequest_v1]) -> ElectLeadersRequest_v1:
        """Give the request."""
        return request_struct_class(PREFERRED, self._topics, self._timeout_ms)


class Leaders:
    """The partitions of a cluster, as any living broker tells of them."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0, "socket.timeout.ms": 5_000})

    async def in_sync(self, seconds: float) -> None:
        """Wait until every replica of every partition is in sync; raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while not await asyncio.to_thread(self._is_in_sync):  # noqa: ASYNC110 - nobody else would tell
                await asyncio.sleep(POLL_SECONDS)

    def _is_in_sync(self) -> bool:
        try:
            return all(len(one.isrs) == len(one.replicas) and one.leader >= 0 for _, _, one in self._partitions())
        except KafkaException:
            return False

    async def by_partition(self) -> dict[tuple[str, int], int]:
        """Give who leads; raises KafkaException."""
        return {(name, number): one.leader for name, number, one in await asyncio.to_thread(self._partitions)}

    async def are_others_than(self, before: dict[tuple[str, int], int], seconds: float) -> bool:
        """Wait until a broker tells of other leaders; False if none does in that time."""
        end = time.monotonic() + seconds
        while (same := await self.by_partition() == before) and time.monotonic() < end:  # noqa: ASYNC110 - as above
            await asyncio.sleep(POLL_SECONDS)
        return not same

    def _partitions(self) -> list[tuple[str, int, Any]]:
        topics = self._admin.list_topics(timeout=ASK_SECONDS).topics
        return [(name, number, one) for name, topic in topics.items() for number, one in topic.partitions.items()]

    async def move(self, draw: random.Random) -> None:
        """Give every partition another preferred leader of its replicas, and have it elected; raises KafkaException."""
        by_topic: dict[str, list[tuple[int, list[int], dict[int, bytes]]]] = {}
        for name, number, one in await asyncio.to_thread(self._partitions):
            others = [replica for replica in one.replicas if replica != one.leader]
            first = draw.choice(others or [one.leader])
            order = [first, *(replica for replica in one.replicas if replica != first)]
            by_topic.setdefault(name, []).append((number, order, {}))
        milliseconds = int(ASK_SECONDS * 1000)
        orders: list[Any] = [(name, partitions, {}) for name, partitions in by_topic.items()]
        all_ = [(name, [number for number, _, _ in partitions]) for name, partitions in by_topic.items()]
        await self._ask(AlterPartitionReassignmentsRequest(milliseconds, orders, {}))
        await self._ask(ElectLeadersRequest(all_, milliseconds))

    async def _ask(self, request: Any) -> None:  # noqa: ANN401 - aiokafka's messages are untyped
        admin = AIOKafkaAdminClient(bootstrap_servers=self._bootstrap)
        await asyncio.wait_for(admin.start(), ASK_SECONDS)
        try:
            answer = await asyncio.wait_for(admin._send_to_controller(request), ASK_SECONDS)
        finally:
            await admin.close()
        if answer.error_code:
            raise for_code(answer.error_code)(f"the brokers refuse to move leaders: {type(request).__name__}")
