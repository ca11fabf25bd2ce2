"""What a message has to be beside its hash: key and headers those of its data, and its link one of ours."""

from schemas.cloudevents import id_of
from schemas.times import from_epoch_ms
from streams.audit.messages.found import oddity
from streams.audit.messages.lane import Checked
from streams.audit.plan import LinkKeys
from streams.fold.effects import SourceRecord
from streams.fold.messages import LINK
from streams.links import FixLinks


class Links:
    """Holds each link against those that the keys give; counts them, and shows none."""

    def __init__(self, keys: LinkKeys | None) -> None:
        self.count = 0
        self._made = [] if keys is None else [FixLinks([key], url) for key in keys.keys for url in keys.addresses]

    def __call__(self, record: SourceRecord) -> str | None:
        """Say what is wrong with the link of a command, if it has one."""
        link = LINK.search(record.value or b"")
        if link is None or not self._made:
            return None
        self.count += 1
        command_id, _, _ = id_of(record.headers).rpartition(":")
        try:
            at = from_epoch_ms(record.timestamp)
            ours = {one.url(command_id, at) for one in self._made}
        except (OverflowError, ValueError):
            return "it has a link, and its id or its time is none that a link can be made for"
        if link[1].decode(errors="replace") in ours:
            return None
        return "its link is none that our keys give: wrong, forged, or sealed with a key that is not given"


def checked(topic: str, links: Links) -> Checked:
    """Give what checks the messages of a topic."""
    return lambda record: oddity(topic, record) or links(record)
