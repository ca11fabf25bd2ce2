"""Records that are no command, or say more than this version knows."""

import pytest

from streams.subscribe import Options, UnreadableCommandError
from streams.subscribe.core import RawRecord
from streams.subscribe.testing import START, CommandStory
from tests.unit.subscribe.bench import PLACE, Bench


async def test_an_unreadable_record_ends_or_is_passed_by() -> None:
    """Without `on_unreadable` it stops the service in words; with it, it is told of and the next command comes."""
    bench = Bench()
    bench.log.put_raw(PLACE.topic, b'{"command_id": "x"}', START)
    bench.log.put(CommandStory("1").issue(), at=START)
    async with bench.started() as subscription:
        for _ in range(2):
            with pytest.raises(UnreadableCommandError, match=r"connect-fix \[0\] offset 0 .*sequence"):
                await anext(subscription)
    told: list[int] = []
    bench.options = Options(group="mailer", on_unreadable=lambda record, _: told.append(record.offset))
    assert await bench.run() == ["1 issue"]
    assert told == [0]


@pytest.mark.parametrize("timestamp_ms", [2**62, -(2**62)])
async def test_a_time_that_no_calendar_has_is_unreadable(timestamp_ms: int) -> None:
    """A record with such a timestamp is passed by as others that cannot be read."""
    bench, told = Bench(), list[str]()
    value = CommandStory("1").issue().model_dump_json().encode()
    bench.log.records[PLACE].append(RawRecord(PLACE, 0, value, timestamp_ms))
    bench.log.put(CommandStory("2").issue(), at=START)
    bench.options = Options(group="mailer", on_unreadable=lambda _, error: told.append(str(error)))
    assert await bench.run() == ["2 issue"]
    (words,) = told
    assert words.startswith("remediation.connect-fix [0] offset 0 is no command")
    assert words.endswith(f"timestamp {timestamp_ms}: no time")


async def test_fields_of_a_later_version_are_ignored() -> None:
    """A newer agent may say more; the words that this version knows are read."""
    bench = Bench()
    value = CommandStory("1").issue().model_dump_json().replace('"text":', '"severity":3,"text":', 1)
    bench.log.put_raw(PLACE.topic, value.encode(), START)
    assert await bench.run() == ["1 issue"]
