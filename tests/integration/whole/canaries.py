"""Values that must turn up nowhere, bodies that are full of them, and the search for them in all that comes out."""

import base64
import json
import time
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import httpx

from schemas.cloudevents import Headers
from schemas.times import rfc3339
from streams.kafka.topics import CUSTOMER_COMMANDS, EVENTS
from streams.sandbox import Opening
from streams.signatures import Strategy, connect_signature, txpush_signature
from tests.integration.whole.reading import Stored
from tests.integration.whole.stack import CALLER_TOKEN, LINK_KEY, PARTNER_SECRET, PATH_TOKEN, PROBE_TOKEN, Whole

CANARY = "planted"
"""Stands in every secret and name that a test may choose."""
BALANCE, LAST_FOUR = 987654321.25, "QzXy"
OPENINGS = (Opening("checking", "planted-account-name", BALANCE, f"planted-number-{LAST_FOUR}"),)
OTHERS = ("98765432", LAST_FOUR, LINK_KEY)
INTRUDER = "Ira Intruder"
"""What somebody else has written into the inbound log; it may be there alone."""
FREE_TEXT = "Paula Planted, planted street 7"
_FREE_FIELDS = ("name", "accountNickname", "number", "accountNumberDisplay", "realAccountNumberLast4", "balanceDate")
_LISTED = ({"planted": FREE_TEXT, "units": BALANCE},)


def needles(whole: Whole) -> dict[str, set[bytes]]:
    """Give what is searched for, each in its spellings: as it is, and inside base64."""
    links = {one["fix_url"].rpartition("/")[2] for one in whole.commands if one.get("fix_url")}
    texts = {CANARY, INTRUDER, *OTHERS, *whole.vendor.secrets}
    return {text: _spellings(text.encode()) for text in texts} | {link: {link.encode()} for link in links}


def found(content: bytes, wanted: dict[str, set[bytes]]) -> list[str]:
    """List what of it stands in some bytes."""
    return [text for text, spellings in wanted.items() if any(one in content for one in spellings)]


def misplaced(customer: str, at: datetime) -> list[tuple[str, bytes, Headers]]:
    """Give records of the inbound log as no component of ours writes them, with a name in every part."""
    value = json.dumps({"customerId": customer, "accountId": [INTRUDER], "name": INTRUDER, INTRUDER: 1}).encode()
    headers = {"ce_id": b"1", "ce_type": b"txpush.account.modified", "ce_source": b"/remediation/bridge"}
    complete = {**headers, "ce_time": rfc3339(at).encode(), "content-type": b"application/json"}
    typed, timed = {**complete, "ce_type": INTRUDER.encode()}, {**complete, "ce_time": INTRUDER.encode()}
    sent = {**typed, "ce_source": INTRUDER.encode()}
    bodies = [(value, {}), *((value, one) for one in (complete, timed, sent))]
    bodies += [(INTRUDER.encode(), complete), (INTRUDER.encode(), typed)]
    return [(customer, body, list(one.items())) for body, one in bodies]


def _spellings(text: bytes) -> set[bytes]:
    spellings = {text, text.upper(), text.title()}
    for before in range(3):
        coded = base64.b64encode(b"-" * before + text)
        inner = coded[-(-before * 4 // 3) : (before + len(text)) * 4 // 3]
        spellings |= {inner, inner.replace(b"+", b"-").replace(b"/", b"_")}
    return spellings


def leaks(whole: Whole, stored: Iterable[Stored]) -> list[tuple[str, str]]:
    """Search everything that came out: logs, metrics, what commands said, pages, and every topic."""
    wanted = needles(whole)
    outputs = [("log", part.log.read_bytes()) for part in whole.parts.values()]
    outputs += [("said", one.encode()) for one in whole.said]
    outputs += [("metrics", one.encode()) for one in whole.metrics]
    outputs += [("page", one) for page in whole.pages for one in _sent(page)]
    places = [(place, text) for place, content in outputs for text in found(content, wanted)]
    for topic, content in stored:
        allowed = {INTRUDER} if topic == EVENTS else set()
        # A link of ours goes to the customer by the command topics; it may be nowhere else.
        allowed |= _links(content) if topic in CUSTOMER_COMMANDS else set()
        places += [(topic, text) for text in found(content, wanted) if text not in allowed]
    return sorted(set(places))


def _sent(page: httpx.Response) -> Iterator[bytes]:
    """Give the parts of a page that may tell nothing: all but the address that it leads to."""
    yield page.content
    for name, value in page.headers.items():
        if name != "location":
            yield f"{name}: {value}".encode()


def _links(content: bytes) -> set[str]:
    value = json.loads(content.partition(b"\n")[2].partition(b"\n")[0])
    return {value["fix_url"].rpartition("/")[2]} if value.get("fix_url") else set()


def stuffed(customer: str, account: str, code: object, **more: object) -> dict[str, Any]:
    """Give a record with something to hide in every field that is not needed to decide."""
    needed = {"id": account, "customerId": customer, "institutionId": "101732", "institutionLoginId": 7100000999}
    hidden: dict[str, Any] = dict.fromkeys(_FREE_FIELDS, FREE_TEXT)
    nested = {
        "detail": {"plantedOne": FREE_TEXT, "interest": BALANCE},
        "position": _LISTED,
        "plantedOne": FREE_TEXT,
    }
    dates = {"aggregationAttemptDate": int(time.time()), "lastUpdatedDate": "planted-date", "createdDate": FREE_TEXT}
    return {**needed, **hidden, **nested, **dates, "balance": BALANCE, "aggregationStatusCode": code, **more}


def notifications(customer: str, account: str) -> Iterable[object]:
    """Give TxPUSH bodies as they might be, and as they should not."""
    record = stuffed(customer, account, 185)
    yield {"event": {"class": "account", "type": "modified", "records": [record]}, "planted": FREE_TEXT}
    for changed in ({"id": FREE_TEXT}, {"aggregationStatusCode": FREE_TEXT}, {"institutionLoginId": FREE_TEXT}):
        broken = {**record, "attempt": FREE_TEXT, **changed}
        yield {"event": {"class": "account", "type": "modified", "records": [record, broken, FREE_TEXT]}}
    yield {"event": {"class": "transaction", "type": "created", "records": [{**record, "accountId": account}]}}
    yield {"event": {"class": "account", "type": FREE_TEXT, "records": [record]}}
    yield {"event": {"class": "account", "type": "deleted", "records": [record]}}


def connect_events(customer: str, account: str) -> Iterable[bytes]:
    """Give Data Connect bodies as they might be, and as they should not."""
    record = stuffed(customer, account, None)
    payload = {"accounts": [record], "institutionId": "101732", "query": FREE_TEXT, "code": FREE_TEXT}
    hidden = {"consumerId": FREE_TEXT, "reason": FREE_TEXT, "eventTrigger": FREE_TEXT, "planted": FREE_TEXT}
    data = {"command_id": FREE_TEXT, "planted": FREE_TEXT}
    for number, kind in enumerate(("discovered", "added", "unableToConnect", "accountsDeleted", "done", FREE_TEXT)):
        body = {"customerId": customer, "eventType": kind, "eventId": f"{number}", "payload": payload, **hidden}
        yield json.dumps({**body, "webhookData": data}).encode()
        yield json.dumps({**body, "webhookData": json.dumps(data)}).encode()
    whole = json.dumps({"customerId": customer, "eventType": "added", "payload": payload}).encode()
    yield whole[: len(whole) // 2]
    yield b"<event><name>planted</name></event>"
    yield json.dumps([FREE_TEXT]).encode()


async def post_all(whole: Whole, client: httpx.AsyncClient, customer: str, account: str) -> None:
    """Post all of them, signed as the vendor does, and once unsigned, at a wrong address, and broken."""
    host, url = f"127.0.0.1:{whole.bridge_port}", f"{whole.bridge_url}/{PATH_TOKEN}"
    json_type = {"content-type": "application/json"}
    for content in notifications(customer, account):
        body = json.dumps(content).encode()
        for kind in ("account", "transaction"):
            key = whole.vendor.keys[account, kind]
            signature = txpush_signature(Strategy.CONCAT_HEX, key, json_type["content-type"], host, body)
            headers = {**json_type, "x-txpush-signature": signature}
            whole.pages.append(await client.post(f"{url}/txpush", content=body, headers=headers))
        whole.pages.append(await client.post(f"{url}/txpush", content=body, headers=json_type))
    for body in connect_events(customer, account):
        headers = {**json_type, "x-finicity-signature": connect_signature(PARTNER_SECRET, body)}
        answer = await client.post(f"{url}/connect", content=body, headers=headers)
        assert answer.status_code == httpx.codes.OK
        whole.pages.append(answer)
        whole.pages.append(await client.post(f"{url}/connect", content=body, headers=json_type))
    whole.pages.append(await client.post(f"{whole.bridge_url}/{FREE_TEXT}/connect", content=FREE_TEXT))
    whole.pages.append(await client.get(f"{url}/txpush", params={"txpush_verification_code": FREE_TEXT}))


async def report(whole: Whole, client: httpx.AsyncClient, customer: str, account: str) -> None:
    """Post events of the user's own services as they might be, and as they should not."""
    headers = {"content-type": "application/cloudevents+json", "authorization": f"Bearer {CALLER_TOKEN}"}
    event = {"specversion": "1.0", "id": "challenge-1", "source": "/services/app", "type": "account.challenged"}
    about = {"customerId": customer, "accountId": account, "name": FREE_TEXT, "balance": BALANCE}
    bodies = (
        ({**event, "data": about, "planted": FREE_TEXT}, 200),
        ({**event, "data": {**about, "accountId": [FREE_TEXT]}}, 400),
        ({**event, "type": "command.reported", "data": {"command_id": FREE_TEXT * 9, "report": [FREE_TEXT]}}, 400),
        ({**event, "time": FREE_TEXT, "data": about}, 400),
        ({**event, "type": "planted", "data": about}, 403),
        (FREE_TEXT, 400),
    )
    for body, status in bodies:
        answer = await client.post(f"{whole.bridge_url}/v1/events", json=body, headers=headers)
        assert answer.status_code == status, answer.text
        whole.pages.append(answer)
    probe, sent = {**headers, "authorization": f"Bearer {PROBE_TOKEN}"}, {"canary_id": "1", "name": FREE_TEXT}
    sign = {**event, "type": "canary.sent", "data": {**sent, "customerId": "canary-0"}}
    whole.pages.append(answer := await client.post(f"{whole.bridge_url}/v1/events", json=sign, headers=probe))
    assert answer.status_code == httpx.codes.OK, answer.text
    wrong = {**headers, "authorization": f"Bearer {FREE_TEXT}"}
    whole.pages.append(await client.post(f"{whole.bridge_url}/v1/events", json=event, headers=wrong))
