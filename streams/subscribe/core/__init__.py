"""What is to be done with a message, given what this reader has done before: pure, no clock, no I/O."""

from streams.subscribe.core.inbox import Inbox
from streams.subscribe.core.messages import Message, Partition, RawRecord, message_of
from streams.subscribe.core.pace import Pace
from streams.subscribe.core.verdict import NO_MARKS, Fate, Marks, Pending, Verdict, judge

__all__ = [
    "NO_MARKS",
    "Fate",
    "Inbox",
    "Marks",
    "Message",
    "Pace",
    "Partition",
    "Pending",
    "RawRecord",
    "Verdict",
    "judge",
    "message_of",
]
