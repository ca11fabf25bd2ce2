"""What can go wrong between a service and its commands, split by what the service should do."""


class SubscribeError(Exception):
    """The root of all errors of this package."""


class KafkaUnavailableError(SubscribeError):
    """Nothing could be read for longer than `outage_seconds`: end, and let the supervisor start the service again."""


class InstanceTakenError(SubscribeError):
    """Another process of the group has joined under the same `instance`: give each a name of its own."""


class TopicMissingError(SubscribeError):
    """A command topic is not on the broker: check the address, the ACLs, and that `txpush topics apply` has run."""


class UnreadableCommandError(SubscribeError):
    """A record is no command that this version can read: upgrade, or set `on_unreadable` to go on without it.

    Whole batches that aiokafka cannot read end a subscription in any case; the message says what to do.
    """


class CommandLostError(SubscribeError):
    """The partition went to another reader before the acknowledgement: that reader is handed the command again."""


class NotAcknowledgedError(SubscribeError):
    """The next command was asked for with the last one in hand: use `async with delivery`, or await its `done()`."""


class StoreError(SubscribeError):
    """The store cannot be used; nothing is handed out without it."""


class StoreRefusedError(StoreError):
    """The store belongs to another reader, or does not know what this group has read: give the right one."""


class StoreCorruptError(StoreError):
    """The store has been damaged: put back a copy, or start with a new group and a new store."""


class StoreInUseError(StoreError):
    """Another process holds the store: one file serves one process."""


class StoreUnavailableError(StoreError):
    """The store failed several times in a row: nothing was acknowledged; start again when it works."""


class ReportError(SubscribeError):
    """A report did not get through; the command itself is not affected."""


class ReportRefusedError(ReportError):
    """The receiver will not take this report however often it is sent: check address, token and content."""


class ReportUndeliveredError(ReportError):
    """The receiver could not be reached in time: the same report may be sent again, it has the same id."""
