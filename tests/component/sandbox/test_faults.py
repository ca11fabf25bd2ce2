"""Faults on request, of answers and of webhooks: by share, by number, by path, and the same for the same seed."""

import asyncio

import pytest

from streams.sandbox import Fault, FaultName, SandboxSettings
from streams.sandbox.delivery.faults import Faults
from streams.sandbox.seed import Seed
from streams.signatures import Strategy, txpush_signature
from streams.testing.clock import VirtualClock
from tests.component.sandbox.bench import START, TXPUSH, Bench, Listener, bench_with

ACCOUNTS = "/aggregation/v1/customers"


@pytest.mark.parametrize(("name", "status"), [("throttled", 429), ("unavailable", 503), ("challenged", 203)])
async def test_answers_that_are_none(bench: Bench, name: str, status: int) -> None:
    """So many times as asked, then all is well; a challenge has no body."""
    bench.sandbox.set_fault(name, times=2)
    answers = [await bench.api.get(ACCOUNTS) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [status, status, 200]
    assert bench.sandbox.faults.happened[FaultName(name)] == 2
    assert (answers[0].content == b"") == (status == 203)


async def test_authentication_is_never_challenged(bench: Bench) -> None:
    """203 comes from banks, and no bank is asked for a token; an outage hits it, and counts as no attempt."""
    bench.sandbox.set_fault("challenged")
    await bench.authenticate()
    attempts = bench.sandbox.partner.attempts
    bench.sandbox.set_fault("unavailable")
    pair = {"partnerId": "sandbox-partner", "partnerSecret": "sandbox-secret-1"}
    assert (await bench.api.post("/aggregation/v2/partners/authentication", json=pair)).status_code == 503
    assert bench.sandbox.partner.attempts == attempts


async def test_refusals_in_xml(bench: Bench) -> None:
    """As some of the vendor's are."""
    bench.sandbox.set_fault("xml")
    answer = await bench.api.get(f"{ACCOUNTS}/1")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/xml")
    assert answer.text == "<error><code>14001</code><message>Customer not found.</message></error>"


async def test_answers_that_are_cut_off(bench: Bench) -> None:
    """200, and no JSON."""
    bench.sandbox.set_fault("garbled", times=1)
    answer = await bench.api.get(ACCOUNTS)
    assert answer.status_code == 200
    with pytest.raises(ValueError, match="char"):
        answer.json()


async def test_slow_answers(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as asked, a minute at most, and no wait where there is no fault."""
    waits: list[float] = []

    async def wait(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", wait)
    for seconds in (0.25, 3600.0, None):
        bench.sandbox.set_fault("slow", seconds=seconds)
        await bench.api.get(ACCOUNTS)
    bench.sandbox.clear_faults()
    await bench.api.get(ACCOUNTS)
    assert waits == [0.25, 60.0, 1.0, 0.0]


async def test_a_fault_of_one_path(bench: Bench) -> None:
    """Others go on as before."""
    customer = bench.sandbox.add_customer()
    bench.sandbox.set_fault("unavailable", path="/accounts")
    assert (await bench.api.get(f"{ACCOUNTS}/{customer}/accounts")).status_code == 503
    assert (await bench.api.get(f"{ACCOUNTS}/{customer}")).status_code == 200


def test_shares_follow_the_seed() -> None:
    """A tenth is a tenth, the same one for the same seed, another for another."""

    def struck(text: str) -> list[bool]:
        faults = Faults(Seed(text))
        faults.wanted[FaultName.LOST] = Fault(share=0.1)
        return [faults.strikes(FaultName.LOST, "") is not None for _ in range(2000)]

    assert struck("a") == struck("a") != struck("b")
    assert 150 < sum(struck("a")) < 250


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_a_share_that_is_none(share: float) -> None:
    """Shares are from 0 to 1."""
    with pytest.raises(ValueError, match="share"):
        Fault(share=share)


def test_a_fault_that_is_none(bench: Bench) -> None:
    """A name that is not known is refused."""
    with pytest.raises(ValueError, match="earthquake"):
        bench.sandbox.set_fault("earthquake")


async def test_a_lost_webhook_never_comes(bench: Bench) -> None:
    """The vendor believes it delivered."""
    _, login = await bench.connected()
    bench.sandbox.set_fault("lost", times=1)
    bench.sandbox.refresh(login)
    await bench.after(hours=7)
    assert (bench.listener.received, bench.codes()) == ([], [185])


async def test_a_doubled_webhook_comes_twice(bench: Bench) -> None:
    """The same bytes."""
    _, login = await bench.connected()
    bench.sandbox.set_fault("duplicated")
    bench.sandbox.refresh(login)
    await bench.sandbox.settle()
    first, second = bench.listener.received
    assert first.content == second.content


async def test_a_webhook_may_come_more_often(bench: Bench) -> None:
    """As often as was asked for, the same bytes."""
    _, login = await bench.connected()
    bench.sandbox.set_fault("duplicated", copies=3)
    bench.sandbox.refresh(login)
    await bench.sandbox.settle()
    assert len(bench.listener.received) == 3
    assert len({one.content for one in bench.listener.received}) == 1


async def test_a_late_webhook(bench: Bench) -> None:
    """So late as asked, and its repetitions count from there."""
    _, login = await bench.connected()
    bench.sandbox.set_fault("late", seconds=7200)
    bench.sandbox.refresh(login)
    await bench.after(minutes=119)
    assert bench.listener.received == []
    bench.listener.status = 503
    await bench.after(minutes=1)
    await bench.after(hours=7)
    assert len(bench.listener.received) == 13


async def test_reordered_webhooks(bench: Bench) -> None:
    """The held one comes after the next of its customer, and alone after an hour."""
    _, login = await bench.connected("demo")
    bench.sandbox.set_fault("reordered", times=1)
    bench.sandbox.set_login(login, trouble=102)
    bench.sandbox.refresh(login)
    bench.sandbox.set_login(login, trouble=None)
    bench.sandbox.refresh(login)
    await bench.sandbox.settle()
    assert bench.listener.words() == ["0", "102"]
    bench.sandbox.set_fault("reordered", times=1)
    bench.sandbox.refresh(login)
    await bench.after(minutes=59)
    assert len(bench.listener.received) == 2
    await bench.after(minutes=1)
    assert bench.listener.words() == ["0", "102", "0"]


async def test_reordered_and_duplicated(bench: Bench) -> None:
    """One that is overtaken comes as often as any other."""
    _, login = await bench.connected("demo")
    bench.sandbox.set_fault("reordered", times=1)
    bench.sandbox.set_fault("duplicated", times=1)
    bench.sandbox.set_login(login, trouble=102)
    bench.sandbox.refresh(login)
    bench.sandbox.set_login(login, trouble=None)
    bench.sandbox.refresh(login)
    await bench.sandbox.settle()
    assert bench.listener.words() == ["0", "102", "102"]


async def test_a_wrong_signature(bench: Bench) -> None:
    """The first try only: refused, it comes again with the right one."""
    _, login = await bench.connected()
    (record, _) = await bench.subscribe(bench.sandbox.accounts_of(login)[0])
    bench.sandbox.set_fault("wrong_signature")
    bench.listener.statuses = [401]
    bench.sandbox.refresh(login)
    await bench.after(minutes=30)
    right = [
        received.headers["x-txpush-signature"]
        == txpush_signature(
            Strategy.CONCAT_HEX,
            record["signingKey"],
            "application/json",
            received.headers["host"],
            received.content,
        )
        for received in bench.listener.received
    ]
    assert right == [False, True]


async def test_a_malformed_body(bench: Bench) -> None:
    """Cut off, with a signature that fits it."""
    _, login = await bench.connected()
    (record, _) = await bench.subscribe(bench.sandbox.accounts_of(login)[0])
    bench.sandbox.set_fault("malformed")
    bench.sandbox.refresh(login)
    await bench.sandbox.settle()
    (received,) = bench.listener.received
    with pytest.raises(ValueError, match="unexpected end"):
        _ = received.body
    assert received.headers["x-txpush-signature"] == txpush_signature(
        Strategy.CONCAT_HEX, record["signingKey"], "application/json", received.headers["host"], received.content
    )


async def test_held_webhooks_count_towards_the_limit() -> None:
    """The queue is bounded whatever is asked for."""
    bench = bench_with(Listener(), SandboxSettings(max_pending=1), VirtualClock(START))
    login = bench.sandbox.add_login(bench.sandbox.add_customer(), "102105", "tfa_text", "go")
    for account in bench.sandbox.world.of_login(login.id):
        bench.sandbox.world.subscribe(account, TXPUSH, wants_xml=False)
    bench.sandbox.set_fault("reordered")
    bench.sandbox.refresh(login.id)
    assert (len(bench.sandbox.agenda), bench.sandbox.agenda.dropped) == (1, 2)


async def test_the_same_seed_gives_the_same_story() -> None:
    """Ids, keys, codes, and which webhooks are lost: nothing depends on anything else."""

    async def story() -> list[bytes]:
        bench = bench_with(Listener(), SandboxSettings(seed="s"), VirtualClock(START))
        bench.sandbox.set_fault("lost", share=0.5)
        for _ in range(5):
            login = bench.sandbox.add_login(bench.sandbox.add_customer(), "102105", "demo", "go")
            for account in bench.sandbox.world.of_login(login.id):
                bench.sandbox.world.subscribe(account, TXPUSH, wants_xml=False)
        await bench.after(days=3)
        return sorted(one.content for one in bench.listener.received)

    assert len(await story()) > 5
    assert await story() == await story()
