"""Questions that aiokafka has no words for: the features of a cluster, and a group with our rights on it."""

from bisect import bisect_right
from io import BytesIO
from typing import Any, NamedTuple

from aiokafka.errors import for_code
from aiokafka.protocol.admin import DescribeGroupsRequest_v3, DescribeGroupsResponse_v3
from aiokafka.protocol.api import Request, RequestStruct, Response, ResponseHeader_v0
from aiokafka.protocol.coordination import FindCoordinatorRequest
from aiokafka.protocol.types import CompactArray, CompactString, Int16, Int32, Schema, TaggedFields

from streams.kafka.access import Bootstrap
from streams.kafka.identity import asking

RELEASES = {7: "3.3", 8: "3.4", 9: "3.5", 12: "3.6", 15: "3.7", 20: "3.8", 21: "3.9", 22: "4.0", 26: "4.1", 28: "4.2",
            30: "4.3", 31: "4.4"}  # fmt: skip
"""The first level of `metadata.version` of each release of Kafka (org.apache.kafka.server.common.MetadataVersion)."""
FEATURE = "metadata.version"
FINALIZED = 2
"""Tag of the features that are in force in the answer about API versions."""
GROUP, TRANSACTION = 0, 1


class Features(NamedTuple):
    """The level of `metadata.version` that is in force, 0 where none is told, and the release that it belongs to."""

    level: int
    release: str


class Group(NamedTuple):
    """A consumer group as its coordinator has it; `rights` are bits by the numbers of Kafka's operations."""

    state: str
    members: int
    rights: int


class _ApiVersionsResponseV3(Response):  # type: ignore[misc] # untyped library
    API_KEY = 18
    API_VERSION = 3
    SCHEMA = Schema(
        ("error_code", Int16),
        (
            "api_versions",
            CompactArray(("api_key", Int16), ("min_version", Int16), ("max_version", Int16), ("tags", TaggedFields)),
        ),
        ("throttle_time_ms", Int32),
        ("tags", TaggedFields),
    )


class _ApiVersionsRequestV3(RequestStruct):  # type: ignore[misc] # untyped library
    FLEXIBLE_VERSION = True
    API_KEY = 18
    API_VERSION = 3
    RESPONSE_TYPE = _ApiVersionsResponseV3
    SCHEMA = Schema(
        ("client_software_name", CompactString("utf-8")),
        ("client_software_version", CompactString("utf-8")),
        ("tags", TaggedFields),
    )

    def parse_response_header(self, read_buffer: BytesIO) -> ResponseHeader_v0:
        """Read a header without tags: this one answer has none in any version, as it tells which there are."""
        return ResponseHeader_v0.decode(read_buffer)


class _ApiVersionsRequest(Request[_ApiVersionsRequestV3]):  # type: ignore[misc] # untyped library
    API_KEY = 18

    def build(self, request_struct_class: type[_ApiVersionsRequestV3]) -> _ApiVersionsRequestV3:
        return request_struct_class("txpush", "doctor", {})


class _DescribeGroupRequestV3(DescribeGroupsRequest_v3):  # type: ignore[misc] # untyped library
    RESPONSE_TYPE = DescribeGroupsResponse_v3
    """aiokafka 0.14.0 reads the answer as one of version 2, which has no rights."""


class _DescribeGroupRequest(Request[_DescribeGroupRequestV3]):  # type: ignore[misc] # untyped library
    API_KEY = 15

    def __init__(self, group: str) -> None:
        self._group = group

    def build(self, request_struct_class: type[_DescribeGroupRequestV3]) -> _DescribeGroupRequestV3:
        return request_struct_class([self._group], True)  # noqa: FBT003 - wire order


async def features(bootstrap: Bootstrap) -> Features:
    """Give the features that are in force on a cluster; raises KafkaError, OSError, TimeoutError."""
    async with asking(bootstrap) as client:
        answer = await client.send(client.get_random_node(), _ApiVersionsRequest())
    level = _level(answer.tags.get(FINALIZED, b""))
    return Features(level, _release(level))


def _release(level: int) -> str:
    """Name the release that a level belongs to."""
    known = sorted(RELEASES)
    place = bisect_right(known, level)
    return RELEASES[known[place - 1]] if place else f"before {RELEASES[known[0]]}"


def _level(encoded: bytes) -> int:
    """Read the level of `metadata.version`; 0 where a cluster has none."""
    if not encoded:
        return 0
    entries = CompactArray(
        ("name", CompactString("utf-8")), ("max", Int16), ("min", Int16), ("tags", TaggedFields)
    ).decode(BytesIO(encoded))
    return next((level for name, level, *_ in entries if name == FEATURE), 0)


async def group(bootstrap: Bootstrap, name: str) -> Group:
    """Give a group; one that never was is `Dead` and without members.

    Raises:
        GroupAuthorizationFailedError: we may not see it.
        KafkaError, OSError, TimeoutError: it cannot be asked for.
    """
    async with asking(bootstrap) as client:
        node = await _coordinator(client, name, GROUP)
        ((code, _, state, _, _, members, rights),) = (await client.send(node, _DescribeGroupRequest(name))).groups
    if code:
        raise for_code(code)(name)
    return Group(state, len(members), rights)


async def require_transactional_id(bootstrap: Bootstrap, name: str) -> None:
    """Raise TransactionalIdAuthorizationFailed where we may not see a transactional id, as its owner may."""
    async with asking(bootstrap) as client:
        await _coordinator(client, name, TRANSACTION)


async def _coordinator(client: Any, name: str, kind: int) -> int:  # noqa: ANN401 - aiokafka is untyped
    answer = await client.send(client.get_random_node(), FindCoordinatorRequest(name, kind))
    if answer.error_code:
        raise for_code(answer.error_code)(name)
    return int(answer.coordinator_id)
