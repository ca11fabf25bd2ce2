"""What becomes of bodies that the vendor signed, and of those that it did not."""

import logging
from collections.abc import AsyncIterator
from dataclasses import replace

import orjson
import pytest

from streams.bridge.settings import BridgeSettings
from streams.kafka.log import LogUnavailable
from streams.signatures import Strategy
from tests.unit.bridge.bench import CONNECT, SETTINGS, TXPUSH, Bench, bench_with, sample
from tests.unit.bridge.signed import CUSTOMER, KEYS, OLD_SECRET, SIGNING, Known, connect, subscribed, txpush

ENFORCING = replace(SETTINGS, signing=SIGNING)
COUNTING = replace(SETTINGS, signing=replace(SIGNING, enforce=False))
ONE, TWO = KEYS.values()
BODY = sample("txpush-account-modified-185")
DONE = sample("dataconnect-done")


@pytest.fixture
def known() -> Known:
    return subscribed()


@pytest.fixture
async def bench(known: Known) -> AsyncIterator[Bench]:
    async with bench_with(ENFORCING, known) as made:
        yield made


def of(*accounts: tuple[str, str], class_name: str = "account") -> bytes:
    """Give a notification about accounts, each with its customer."""
    field = "id" if class_name == "account" else "accountId"
    records = [{field: account, "customerId": customer} for customer, account in accounts]
    return orjson.dumps({"event": {"class": class_name, "type": "modified", "records": records}})


async def refused(bench: Bench, path: str, body: bytes, headers: dict[str, str], result: str) -> None:
    """Post a body; it is answered 401, counted, and nothing of it is anywhere."""
    answer = await bench.client.post(path, content=body, headers=headers)
    assert (answer.status_code, answer.content, bench.log.records) == (401, b"", [])
    route = path.rpartition("/")[2]
    assert bench.count("signatures", route=route, result=result) == 1
    assert bench.count("requests", route=route, outcome="no_key" if result == "no_key" else "unsigned") == 1


@pytest.mark.parametrize("header", ["txpush-signature", "x-txpush-signature", "X-TxPUSH-Signature"])
async def test_a_signed_notification_is_stored(bench: Bench, header: str) -> None:
    """The header may have the name of the vendor's page or the one seen in its traffic."""
    answer = await bench.client.post(TXPUSH, content=BODY, headers=txpush(BODY, ONE, header=header))
    assert (answer.status_code, len(bench.log.records)) == (200, 1)
    assert bench.count("signatures", route="txpush", result="good") == 1


async def test_a_signed_webhook_is_stored(bench: Bench) -> None:
    """The other scheme, over the body, with the partner's secret."""
    answer = await bench.client.post(CONNECT, content=DONE, headers=connect(DONE))
    assert (answer.status_code, len(bench.log.records)) == (200, 1)
    assert bench.count("signatures", route="connect", result="good") == 1


async def test_either_partner_secret_while_one_is_replaced(bench: Bench) -> None:
    """What was signed with the former secret is taken as long as it is among the settings."""
    assert (await bench.client.post(CONNECT, content=DONE, headers=connect(DONE, OLD_SECRET))).status_code == 200
    bench.log.records.clear()
    await refused(bench, CONNECT, DONE, connect(DONE, "partner-secret-of-others"), "wrong")


@pytest.mark.parametrize("name", ["dataconnect-ping", "dataconnect-started", "dataconnect-credentialsUpdated"])
async def test_pings_are_signed_too(bench: Bench, name: str) -> None:
    """A ping without a signature is refused like any other webhook (domain 4.3), and taken with one."""
    body = sample(name)
    assert (await bench.client.post(CONNECT, content=body, headers=connect(body))).status_code == 200
    assert (await bench.client.post(CONNECT, content=body)).status_code == 401


@pytest.mark.parametrize(
    ("headers", "result"),
    [
        ({}, "missing"),
        ({"txpush-signature": ""}, "missing"),
        ({"txpush-signature": "0" * 64}, "wrong"),
        (txpush(BODY, TWO), "wrong"),
        (txpush(BODY, f"{ONE}-transaction"), "wrong"),
        (txpush(BODY, ONE, host="other.example.com"), "wrong"),
        (txpush(BODY, ONE, strategy=Strategy.NEWLINE_HEX), "wrong"),
        (txpush(BODY, ONE) | {"content-type": "text/json"}, "wrong"),
        (txpush(BODY + b" ", ONE), "wrong"),
        (connect(BODY), "missing"),
    ],
)
async def test_what_is_not_signed_so_is_refused(bench: Bench, headers: dict[str, str], result: str) -> None:
    """Another key, class, host, form, content type or body, the other scheme, or none: 401."""
    await refused(bench, TXPUSH, BODY, headers, result)


@pytest.mark.parametrize("headers", [{}, {"x-finicity-signature": "00"}, txpush(DONE, ONE), connect(BODY)])
async def test_webhooks_that_are_not_signed_so_are_refused(bench: Bench, headers: dict[str, str]) -> None:
    """The same for the other route."""
    result = "wrong" if "X-Finicity-Signature" in headers or "x-finicity-signature" in headers else "missing"
    await refused(bench, CONNECT, DONE, headers, result)


async def test_the_bytes_count_and_not_what_they_mean(bench: Bench) -> None:
    """JSON written again, or with other escapes, is another body."""
    again = orjson.dumps(orjson.loads(BODY), option=orjson.OPT_INDENT_2)
    await refused(bench, TXPUSH, again, txpush(BODY, ONE), "wrong")


@pytest.mark.parametrize("body", [b"not json", b"{}", b'{"event":{"class":"account","type":"modified","records":7}}'])
async def test_a_refused_body_leaves_no_dead_letter(bench: Bench, body: bytes) -> None:
    """What a stranger sends is nowhere, not even as a hash: no key can be looked up for it."""
    answer = await bench.client.post(TXPUSH, content=body, headers=txpush(body, ONE))
    assert (answer.status_code, bench.log.records) == (401, [])


async def test_refused_xml_is_counted_all_the_same(bench: Bench) -> None:
    """Only a new subscription helps against XML, so it must be seen though nobody can check it."""
    await refused(bench, TXPUSH, b"<event/>", {"x-txpush-signature": "0"}, "unreadable")
    assert bench.count("xml_bodies") == 1


async def test_an_unreadable_webhook_with_a_signature_is_set_aside(bench: Bench) -> None:
    """The vendor did send it: 200, and a dead letter says why it is of no use."""
    answer = await bench.client.post(CONNECT, content=b"not json", headers=connect(b"not json"))
    assert (answer.status_code, bench.log.records[0].topic) == (200, "aggregation.dead-letter")


async def test_several_records_of_one_customer(bench: Bench) -> None:
    """One key of one of the accounts speaks for all records of its customer, whichever account it is of."""
    body = sample("txpush-account-modified-945-multi-record")
    for key in KEYS.values():
        assert (await bench.client.post(TXPUSH, content=body, headers=txpush(body, key))).status_code == 200
    assert len(bench.log.records) == 4


@pytest.mark.parametrize(
    "accounts",
    [
        [(CUSTOMER, "5900000001"), ("7000000043", "5900000003")],
        [("7000000043", "5900000001")],
        [("7000000043", "5900000003"), (CUSTOMER, "5900000001")],
    ],
)
async def test_a_key_speaks_for_its_customer_alone(bench: Bench, accounts: list[tuple[str, str]]) -> None:
    """Who got hold of one key says nothing about other customers: a record of theirs, and the body has no key."""
    body = of(*accounts)
    await refused(bench, TXPUSH, body, txpush(body, ONE), "no_key")


async def test_a_record_without_a_customer_goes_to_the_dead_letter(bench: Bench) -> None:
    """The rest of its notification goes through, as ever."""
    records = [{"id": "5900000001", "customerId": CUSTOMER}, {"id": "5900000002"}, "text"]
    body = orjson.dumps({"event": {"class": "account", "type": "modified", "records": records}})
    assert (await bench.client.post(TXPUSH, content=body, headers=txpush(body, ONE))).status_code == 200
    topics = [record.topic for record in bench.log.records]
    assert topics == ["aggregation.events", "aggregation.dead-letter", "aggregation.dead-letter"]


async def test_only_the_first_accounts_are_asked_for_keys(bench: Bench) -> None:
    """A body of 2,000 accounts cannot have 2,000 keys tried."""
    many = [(CUSTOMER, str(number)) for number in range(16)]
    body = of(*many, (CUSTOMER, "5900000001"))
    await refused(bench, TXPUSH, body, txpush(body, ONE), "no_key")
    body = of(*many[1:], (CUSTOMER, "5900000001"))
    assert (await bench.client.post(TXPUSH, content=body, headers=txpush(body, ONE))).status_code == 200


async def test_transactions_have_a_key_of_their_own(bench: Bench) -> None:
    """They are answered and counted, once they are signed with the key of their class."""
    body = sample("txpush-transaction-created")
    good = txpush(body, f"{ONE}-transaction")
    assert (await bench.client.post(TXPUSH, content=body, headers=good)).status_code == 200
    await refused(bench, TXPUSH, body, txpush(body, ONE), "wrong")


async def test_a_class_that_is_new(bench: Bench) -> None:
    """A class that the vendor has not named yet may be signed with any key of the account, and is stored."""
    body = of((CUSTOMER, "5900000001"), class_name="account").replace(b'"account"', b'"statement"')
    assert (await bench.client.post(TXPUSH, content=body, headers=txpush(body, ONE))).status_code == 200


async def test_an_account_that_is_not_known(bench: Bench, known: Known) -> None:
    """No key, no entry; once it is subscribed, the same body is taken: the vendor sends it again for six hours."""
    body = of((CUSTOMER, "5900000009"))
    headers = txpush(body, "signing-key-nine")
    await refused(bench, TXPUSH, body, headers, "no_key")
    known.subscribe("5900000009", "signing-key-nine")
    assert (await bench.client.post(TXPUSH, content=body, headers=headers)).status_code == 200
    known.forget("5900000009")
    assert (await bench.client.post(TXPUSH, content=body, headers=headers)).status_code == 401


async def test_a_key_and_the_one_before_it(bench: Bench, known: Known) -> None:
    """An account that is subscribed again may be spoken of with either key, and no longer with a third."""
    known.subscribe("5900000001", "first", "second", "third")
    statuses = [
        (await bench.client.post(TXPUSH, content=BODY, headers=txpush(BODY, key))).status_code
        for key in ("third", "second", "first")
    ]
    assert statuses == [200, 200, 401]


@pytest.mark.parametrize(
    ("accounts", "key"), [([(CUSTOMER, "5900000009")], "unknown"), ([(CUSTOMER, "5900000001")], "renewed")]
)
async def test_keys_that_have_not_been_read_yet(
    bench: Bench, known: Known, accounts: list[tuple[str, str]], key: str
) -> None:
    """While the view of the keys lags nobody is called a stranger: 503, and the vendor comes again."""
    known.current = False
    body = of(*accounts)
    answer = await bench.client.post(TXPUSH, content=body, headers=txpush(body, key))
    assert (answer.status_code, answer.headers["retry-after"], bench.log.records) == (503, "30", [])
    assert bench.count("requests", route="txpush", outcome="keys_unknown") == 1


async def test_what_can_be_judged_without_all_keys_is(bench: Bench, known: Known) -> None:
    """A body without a signature stays a stranger's, and one with a good one is taken, however far the view is."""
    known.current = False
    assert (await bench.client.post(TXPUSH, content=BODY)).status_code == 401
    assert (await bench.client.post(TXPUSH, content=BODY, headers=txpush(BODY, ONE))).status_code == 200
    assert (await bench.client.post(CONNECT, content=DONE)).status_code == 401


async def test_no_200_without_the_log(bench: Bench) -> None:
    """A good signature changes nothing about what 200 means."""
    bench.log.failure = LogUnavailable("away")
    assert (await bench.client.post(TXPUSH, content=BODY, headers=txpush(BODY, ONE))).status_code == 503


async def test_a_signed_body_sent_again_is_the_same_event(bench: Bench) -> None:
    """The scheme has no time in it; whoever sends a body again adds nothing: the id is that of the content."""
    for _ in range(2):
        assert (await bench.client.post(TXPUSH, content=BODY, headers=txpush(BODY, ONE))).status_code == 200
    first, again = (dict(record.headers)["ce_id"] for record in bench.log.records)
    assert first == again


async def test_log_mode_answers_as_ever_and_counts(known: Known) -> None:
    """Nothing is refused, whatever is wrong, and every result is counted by its name."""
    async with bench_with(COUNTING, known) as bench:
        posts = [
            (TXPUSH, BODY, txpush(BODY, ONE), "good"),
            (TXPUSH, BODY, txpush(BODY, "another"), "wrong"),
            (TXPUSH, BODY, {}, "missing"),
            (TXPUSH, b"not json", {"txpush-signature": "0"}, "unreadable"),
            (TXPUSH, of((CUSTOMER, "9")), {"txpush-signature": "0"}, "no_key"),
            (CONNECT, DONE, connect(DONE), "good"),
            (CONNECT, DONE, connect(b""), "wrong"),
            (CONNECT, DONE, {}, "missing"),
        ]
        for path, body, headers, result in posts:
            answer = await bench.client.post(path, content=body, headers=headers)
            assert answer.status_code == 200, result
            assert bench.count("signatures", route=path.rpartition("/")[2], result=result) == 1
        assert len(bench.log.records) == len(posts)


async def test_log_mode_finds_the_form(known: Known, caplog: pytest.LogCaptureFixture) -> None:
    """What no document settles shows in the traffic: the form that fits is counted, and said once."""
    async with bench_with(COUNTING, known) as bench:
        headers = txpush(BODY, ONE, strategy=Strategy.NEWLINE_BASE64)
        with caplog.at_level(logging.WARNING):
            for _ in range(2):
                await bench.client.post(TXPUSH, content=BODY, headers=headers)
        assert bench.count("signature_strategies", strategy="newline-base64") == 2
    assert caplog.text.count("set TXPUSH_SIGNATURE_STRATEGY=newline-base64") == 1
    assert not [secret for secret in (ONE, headers["txpush-signature"], CUSTOMER) if secret in caplog.text]


@pytest.mark.parametrize("strategy", Strategy)
async def test_the_form_is_a_setting(known: Known, strategy: Strategy) -> None:
    """Each form is the one that counts where it is set."""
    settings: BridgeSettings = replace(SETTINGS, signing=replace(SIGNING, strategy=strategy))
    async with bench_with(settings, known) as bench:
        headers = txpush(BODY, ONE, strategy=strategy)
        assert (await bench.client.post(TXPUSH, content=BODY, headers=headers)).status_code == 200


async def test_log_mode_works_with_nothing_to_check_with() -> None:
    """Without secrets, keys or a public host it counts that there was no key."""
    async with bench_with() as bench:
        assert (await bench.client.post(CONNECT, content=DONE, headers=connect(DONE))).status_code == 200
        assert (await bench.client.post(TXPUSH, content=BODY, headers=txpush(BODY, ONE))).status_code == 200
        assert bench.count("signatures", route="connect", result="no_key") == 1
        assert bench.count("signatures", route="txpush", result="no_key") == 1


async def test_verification_needs_no_signature(bench: Bench) -> None:
    """The vendor asks with a GET before there is any key."""
    assert (await bench.client.get(f"{TXPUSH}?txpush_verification_code=a")).status_code == 200
    assert bench.log.records == []
