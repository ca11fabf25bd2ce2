"""Subscribing and unsubscribing: what is called, what is kept, and that no kill leaves a subscription without a key."""

import pytest
from aiokafka.errors import KafkaConnectionError

from streams.subscriptions.held import Account
from streams.subscriptions.run import ATTEMPTS, LONGEST_WAIT_SECONDS, Done, each
from streams.vendor import GoneError, InvalidRequestError, MisconfiguredError, RefusedError, TryAgainError, VendorError
from tests.unit.subscriptions.double import CALLBACK, FakeRecords, FakeVendor, Killed, Waits, ids_of, subscriber

ONE, TWO = Account("7", "5"), Account("7", "6")
LATER = TryAgainError("away", after_seconds=5.0)


async def test_an_account_is_subscribed() -> None:
    """One call, and both keys are kept with the callback that they are for."""
    vendor, records = FakeVendor(), FakeRecords()
    assert await subscriber(vendor, records).subscribe(ONE) is Done.DONE
    held = records.values[ONE]
    assert held.keys == {"account": ("key-account-1",), "transaction": ("key-transaction-1",)}
    assert (held.callback_url, held.begun, vendor.calls) == (CALLBACK, False, [("subscribe", "5")])


async def test_a_second_run_passes_by_what_is_done() -> None:
    """No call for an account that is subscribed to the same callback."""
    vendor, records = FakeVendor(), FakeRecords()
    await subscriber(vendor, records).subscribe(ONE)
    assert await subscriber(vendor, records).subscribe(ONE) is Done.ALREADY
    assert len(vendor.calls) == 1


@pytest.mark.parametrize("changed", [{"renew": True}, {"callback_url": "https://hooks.example.com/other/txpush"}])
async def test_subscribing_anew(changed: dict[str, bool | str]) -> None:
    """With --renew, or another path token: new keys first, the former ones stay valid, former subscriptions end."""
    vendor, records = FakeVendor(), FakeRecords()
    await subscriber(vendor, records).subscribe(ONE)
    assert await subscriber(vendor, records, **changed).subscribe(ONE) is Done.DONE  # type: ignore[arg-type] # either
    held = records.values[ONE]
    assert held.keys["account"] == ("key-account-2", "key-account-1")
    assert vendor.live[ONE] == set(ids_of(held)) == {"account-2", "transaction-2"}
    assert not held.begun


async def test_a_vendor_that_replaces_by_itself() -> None:
    """That the former subscriptions are gone already is no error."""
    vendor, records = FakeVendor(replaces=True), FakeRecords()
    await subscriber(vendor, records).subscribe(ONE)
    await subscriber(vendor, records, renew=True).subscribe(ONE)
    assert vendor.live[ONE] == {"account-2", "transaction-2"}


async def test_an_answer_that_does_not_come() -> None:
    """The call may have taken effect: what it made is ended before it is made again, or its key would be nobody's."""
    vendor, records, waits = FakeVendor(lost=1, errors=[LATER]), FakeRecords(), Waits()
    assert await subscriber(vendor, records, waits=waits).subscribe(ONE) is Done.DONE
    assert vendor.calls == [("subscribe", "5"), ("unsubscribe", "5"), ("subscribe", "5")]
    assert vendor.live[ONE] == set(ids_of(records.values[ONE]))
    assert waits.seconds == [5.0]


async def test_it_is_given_up_after_some_attempts() -> None:
    """Three attempts, waits of a minute at most, and a record that has the next run begin by cleaning up."""
    vendor, records, waits = FakeVendor(), FakeRecords(), Waits()
    slow = TryAgainError("away", after_seconds=3600.0)
    vendor.errors = [slow, None, slow, None, slow]
    report = await each([ONE], subscriber(vendor, records, waits=waits).subscribe)
    assert [account for account, _ in report.failed] == [ONE]
    assert vendor.calls.count(("subscribe", "5")) == ATTEMPTS
    assert waits.seconds == [LONGEST_WAIT_SECONDS] * (ATTEMPTS - 1)
    assert records.values[ONE].begun
    await subscriber(vendor, records).subscribe(ONE)
    assert vendor.calls[-2:] == [("unsubscribe", "5"), ("subscribe", "5")]


@pytest.mark.parametrize("renew", [False, True])
@pytest.mark.parametrize("write", [1, 2, 3])
async def test_killed_at_any_write(write: int, renew: bool) -> None:  # noqa: FBT001 - an example
    """Wherever the process ends, the next run leaves exactly the subscriptions whose keys are known."""
    vendor, records = FakeVendor(), FakeRecords()
    if renew:
        await subscriber(vendor, records).subscribe(ONE)
    records.writes, records.kill_before = 0, write
    try:
        await subscriber(vendor, records, renew=renew).subscribe(ONE)
    except Killed:
        assert await subscriber(vendor, records).subscribe(ONE) in {Done.DONE, Done.ALREADY}
    else:
        assert (write, renew) == (3, False)
    held = records.values[ONE]
    assert vendor.live[ONE] == set(ids_of(held))
    assert not held.begun


async def test_an_account_that_is_gone() -> None:
    """It is counted, and leaves no record."""
    vendor, records = FakeVendor(errors=[GoneError("not there")]), FakeRecords()
    assert await subscriber(vendor, records).subscribe(ONE) is Done.GONE
    assert records.values == {}


async def test_unsubscribing() -> None:
    """The vendor first, then the keys: a vendor that is away leaves them known."""
    vendor, records = FakeVendor(), FakeRecords()
    await subscriber(vendor, records).subscribe(ONE)
    vendor.errors = [LATER, None]
    assert await subscriber(vendor, records).unsubscribe(ONE) is Done.DONE
    assert (vendor.live, records.values) == ({}, {})


async def test_a_vendor_that_stays_away_leaves_the_keys() -> None:
    """Notifications still come, so they can still be checked."""
    vendor, records = FakeVendor(), FakeRecords()
    await subscriber(vendor, records).subscribe(ONE)
    vendor.errors = [LATER] * ATTEMPTS
    report = await each([ONE], subscriber(vendor, records).unsubscribe)
    assert (len(report.failed), ONE in records.values) == (1, True)


async def test_unsubscribing_what_is_gone() -> None:
    """A customer that the vendor does not know any more has no subscriptions."""
    vendor, records = FakeVendor(), FakeRecords()
    await subscriber(vendor, records).subscribe(ONE)
    vendor.errors = [GoneError("not there")]
    assert await subscriber(vendor, records).unsubscribe(ONE) is Done.GONE
    assert records.values == {}


async def test_one_failure_is_no_other_account_s() -> None:
    """The rest is done, and the report says whom it was."""
    vendor, records, steps = FakeVendor(errors=[InvalidRequestError("no")]), FakeRecords(), list[int]()
    report = await each([ONE, TWO], subscriber(vendor, records).subscribe, lambda: steps.append(1), at_once=1)
    assert (report.counts[Done.DONE], report.failed, len(steps)) == (1, [(ONE, "no")], 2)
    assert not report.is_whole


@pytest.mark.parametrize("error", [RefusedError("credentials"), MisconfiguredError("app key")])
async def test_refused_credentials_stop_all(error: RefusedError | MisconfiguredError) -> None:
    """The partner is locked after five refusals: nothing more is tried."""
    vendor, records = FakeVendor(errors=[error] * 9), FakeRecords()
    report = await each([Account("7", str(n)) for n in range(50)], subscriber(vendor, records).subscribe, at_once=4)
    assert report.stopped == str(error)
    assert len(vendor.calls) <= 4


async def test_without_kafka_nothing_more_is_subscribed() -> None:
    """Keys that cannot be kept must not be asked for."""
    vendor, records = FakeVendor(), FakeRecords(error=KafkaConnectionError())
    report = await each([ONE, TWO], subscriber(vendor, records).subscribe, at_once=1)
    assert report.stopped is not None
    assert (report.stopped.startswith("Kafka"), vendor.calls) == (True, [])


async def test_a_record_that_cannot_be_opened() -> None:
    """Perhaps a sealing key is missing: it is told, and only --renew does without the former keys."""
    vendor, records = FakeVendor(), FakeRecords(unopened={ONE})
    report = await each([ONE], subscriber(vendor, records).subscribe)
    assert (vendor.calls, "TXPUSH_SEALING_KEYS" in report.failed[0][1]) == ([], True)
    vendor.live[ONE] = {"account-0", "transaction-0"}
    assert await subscriber(vendor, records, renew=True).subscribe(ONE) is Done.DONE
    assert vendor.live[ONE] == set(ids_of(records.values[ONE]))


async def test_subscriptions_that_were_made_elsewhere() -> None:
    """Their keys are nobody's: --renew ends them before it subscribes."""
    vendor, records = FakeVendor(live={ONE: {"account-0"}}), FakeRecords()
    assert await subscriber(vendor, records, renew=True).subscribe(ONE) is Done.DONE
    assert vendor.live[ONE] == {"account-1", "transaction-1"}


def test_the_path_token_does_not_show() -> None:
    """Printing a subscriber tells nobody the callback."""
    assert "path-token" not in repr(subscriber(FakeVendor(), FakeRecords()))


NO = [InvalidRequestError("no"), MisconfiguredError("app key"), RefusedError("credentials")]


@pytest.mark.parametrize("error", NO)
@pytest.mark.parametrize("renew", [False, True])
async def test_a_refusal_leaves_what_was_there(error: VendorError, *, renew: bool) -> None:
    """Nothing was made: the subscription that works stays on record, and no later run ends it."""
    vendor, records = FakeVendor(), FakeRecords()
    await subscriber(vendor, records).subscribe(ONE)
    held, live = records.values[ONE], set(vendor.live[ONE])
    moved = subscriber(vendor, records, renew=renew, callback_url=CALLBACK.replace("path", "new"))
    for _ in range(2):
        vendor.errors = [error]
        with pytest.raises(type(error)):
            await moved.subscribe(ONE)
        assert (records.values[ONE], vendor.live[ONE]) == (held, live)
    assert [call for call, *_ in vendor.calls] == ["subscribe"] * 3


async def test_a_refusal_leaves_no_record_where_there_was_none() -> None:
    """The next run has nothing to clean up."""
    vendor, records = FakeVendor(errors=[NO[0]]), FakeRecords()
    with pytest.raises(InvalidRequestError):
        await subscriber(vendor, records).subscribe(ONE)
    assert records.values == {}


async def test_a_refusal_after_a_lost_answer_is_cleaned_up_after() -> None:
    """All was ended before the second try: what was there before is not there any more."""
    vendor, records = FakeVendor(), FakeRecords()
    await subscriber(vendor, records).subscribe(ONE)
    vendor.errors = [LATER, None, NO[0]]
    with pytest.raises(InvalidRequestError):
        await subscriber(vendor, records, renew=True).subscribe(ONE)
    assert (records.values[ONE].begun, vendor.live.get(ONE)) == (True, None)
