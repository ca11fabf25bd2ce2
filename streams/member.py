"""A process as a member of its group, by the name that it keeps over restarts (static membership, KIP-345).

A broker gives a name to whoever joins under it last. The member before is told so (FENCED_INSTANCE_ID) where it says
its name, which aiokafka 0.14 does not in heartbeats: it hears that nobody knows it, as a member does that was silent
for too long, joins again, and takes the name back, for ever. Here heartbeats have the name, and whoever has lost it
asks nothing of the group any more.
"""

import asyncio
from collections.abc import Callable
from contextvars import Context
from typing import Any

from aiokafka.errors import KafkaError, UnknownMemberIdError
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.commit import OffsetCommitRequest
from aiokafka.protocol.group import HeartbeatRequest, JoinGroupRequest, SyncGroupRequest
from aiokafka.protocol.types import Int16, Int32, Schema, String

from streams.exits import exit_now

FENCED_INSTANCE_ID = 82
"""Kafka's number of the error, which aiokafka does not know."""
ASKED_SECONDS = 2.0
"""How long an end waits to hear whether another has the name."""
_NOBODY = JoinGroupRequest.UNKNOWN_MEMBER_ID
_OF_MEMBERS = (HeartbeatRequest, JoinGroupRequest, SyncGroupRequest)


class _NamedHeartbeatResponseV3(Response):  # type: ignore[misc] # untyped library
    API_KEY = 12
    API_VERSION = 3
    SCHEMA = Schema(("throttle_time_ms", Int32), ("error_code", Int16))


class _NamedHeartbeatRequestV3(RequestStruct):  # type: ignore[misc] # as above
    API_KEY = 12
    API_VERSION = 3
    RESPONSE_TYPE = _NamedHeartbeatResponseV3
    SCHEMA = Schema(
        ("group", String("utf-8")),
        ("generation_id", Int32),
        ("member_id", String("utf-8")),
        ("group_instance_id", String("utf-8")),
    )


class NameTakenError(KafkaError):  # type: ignore[misc] # as above
    """Another process has joined under the name: nothing is asked of the group any more, a place in it least of all."""


class NamedHeartbeat(Request[_NamedHeartbeatRequestV3]):  # type: ignore[misc] # as above
    """A heartbeat that says the member's name (version 3; brokers from 2.3 on)."""

    API_KEY = 12

    def __init__(self, *said: object) -> None:
        self._said = said

    def build(self, request_struct_class: type[_NamedHeartbeatRequestV3]) -> _NamedHeartbeatRequestV3:
        """Put it on the wire."""
        return request_struct_class(*self._said)


def end_replaced(group: str, instance: str) -> None:
    """End the process, for another one has its name; says so in one line, which is about no partition."""
    Context().run(
        exit_now,
        f"another worker of {group} has joined under the same TXPUSH_INSTANCE {instance!r}; give each worker a name of "
        "its own: this one ends, and started again under that name it would end the other in turn",
    )


class Member:
    """Hears what the group says to a process with a name; one without a name has nothing to hear.

    Args:
        replaced: told group and name, once, when another member is known to have that name.
    """

    def __init__(self, replaced: Callable[[str, str], object] = end_replaced) -> None:
        self._replaced = replaced
        self._coordinator: Any = None
        self._instance = ""
        self._send: Any = None
        self._is_replaced = False
        self._kept_as = _NOBODY
        """The id under which the group has last kept it: what comes before is lost if the coordinator moves then."""

    def listen(self, coordinator: Any, instance: str | None) -> None:  # noqa: ANN401 - aiokafka is untyped
        """Hear all that its group answers from here on.

        Args:
            coordinator: of its consumer, which has started.
            instance: its name; None where it has none.
        """
        if instance is not None:
            self._coordinator, self._instance, self._send = coordinator, instance, coordinator._send_req  # noqa: SLF001 - there is no other way in
            coordinator._send_req = self._request  # noqa: SLF001 - as above

    async def end_if_replaced(self) -> None:
        """Ask the group whether another has the name, once it was fenced or refused; without an answer nothing is said.

        Nor is anything while it joins: what it had before that may have been replaced by itself.
        """
        if self._kept_as == _NOBODY or self._coordinator.member_id != self._kept_as:
            return
        try:
            async with asyncio.timeout(ASKED_SECONDS):
                answer = await self._send(self._heartbeat(self._kept_as))
        except Exception:  # noqa: BLE001 - whatever is in the way of an answer: the worker ends all the same
            return
        if answer.error_code == FENCED_INSTANCE_ID:
            self._tell()

    async def _request(self, request: Any) -> Any:  # noqa: ANN401 - aiokafka is untyped
        """Send what aiokafka asks of the group, heartbeats with the name, and hear the answer first.

        Raises:
            NameTakenError: another has the name, now or before.
        """
        self._refuse_replaced()
        member_id = self._coordinator.member_id
        is_heartbeat = isinstance(request, HeartbeatRequest)
        answer = await self._send(self._heartbeat(member_id) if is_heartbeat else request)
        if isinstance(request, SyncGroupRequest) and not answer.error_code:
            self._kept_as = member_id
        if isinstance(request, _OF_MEMBERS) and answer.error_code == FENCED_INSTANCE_ID:
            if member_id in (_NOBODY, self._kept_as):
                self._tell()
                self._refuse_replaced()
            answer.error_code = UnknownMemberIdError.errno  # an id that was never kept: aiokafka joins without one
        if isinstance(request, OffsetCommitRequest) and _is_unknown(answer):  # it would join again, too
            await self.end_if_replaced()
            self._refuse_replaced()
        return answer

    def _heartbeat(self, member_id: str) -> NamedHeartbeat:
        group = self._coordinator
        return NamedHeartbeat(group.group_id, group.generation, member_id, self._instance)

    def _tell(self) -> None:
        if not self._is_replaced:
            self._is_replaced = True
            self._replaced(self._coordinator.group_id, self._instance)

    def _refuse_replaced(self) -> None:
        if self._is_replaced:
            raise NameTakenError(f"another member of {self._coordinator.group_id} has the name {self._instance!r}")


def _is_unknown(answer: Any) -> bool:  # noqa: ANN401 - aiokafka is untyped
    """Tell whether offsets were refused to a member that the group does not know."""
    return any(error == UnknownMemberIdError.errno for _, partitions in answer.topics for _, error in partitions)
