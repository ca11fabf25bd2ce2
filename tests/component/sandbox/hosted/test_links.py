"""Links to the hosted page and visits to it: what they carry, how long they live, and what a forged form gets."""

import httpx
import pytest

from streams.sandbox import Opening
from streams.sandbox.visitor import VisitError
from streams.signatures import connect_signature
from tests.component.sandbox.bench import BACK, CONNECT, Bench
from tests.component.sandbox.hosted.opening import failing, finished, opened


async def test_events_carry_what_was_asked_for(bench: Bench) -> None:
    """`webhookData` as it was given, headers beside ours, a signature over the raw bytes; a ping has no data."""
    customer, login = await failing(bench, "tfa_text")
    wanted = {"webhookData": {"command_id": "c-1"}, "webhookHeaders": {"X-Mine": "7", "Content-Type": "text/evil"}}
    await opened(bench, customer, login, **wanted)
    await bench.sandbox.settle()
    ping, started, _ = bench.listener.received
    assert ping.body == {"eventType": "ping", "payload": {}}
    assert started.body["webhookData"] == {"command_id": "c-1"}
    assert started.body["customerId"] == customer
    milliseconds, _, digits = started.body["eventId"].partition("-")
    assert int(milliseconds) == bench.clock.now().timestamp() * 1000
    assert len(bytes.fromhex(digits)) == 12
    for received in (ping, started):
        assert (received.headers["x-mine"], received.headers["content-type"]) == ("7", "application/json")
        signed = connect_signature(bench.sandbox.settings.partner_secret, received.content)
        assert received.headers["x-finicity-signature"] == signed


async def test_events_in_xml(bench: Bench) -> None:
    """The listener may ask for XML."""
    customer, login = await failing(bench, "tfa_text")
    await opened(bench, customer, login, webhookContentType="application/xml")
    await bench.sandbox.settle()
    assert b"<eventType>started</eventType>" in bench.listener.received[1].content


async def test_without_a_listener_nobody_is_told(bench: Bench) -> None:
    """No webhook, no ping, no event."""
    customer, login = await failing(bench, "tfa_text")
    visitor, _ = await opened(bench, customer, login, webhook=None)
    await visitor.press("answer", answer="Rover")
    assert await finished(bench, visitor) == ["0"]


async def test_without_a_way_back_the_page_says_goodbye(bench: Bench) -> None:
    """An embedded page has no redirect."""
    customer, login = await failing(bench, "tfa_text")
    visitor, _ = await opened(bench, customer, login, redirectUri=None)
    assert (await visitor.press("exit")).title == "You can close this window"


@pytest.mark.parametrize(("fault", "is_signed"), [("wrong_signature", False), ("malformed", True)])
async def test_faults_of_events(bench: Bench, fault: str, is_signed: bool) -> None:  # noqa: FBT001 - an example
    """A signature that does not fit goes out with the first try alone; a body that is cut off has one that fits."""
    customer, login = await failing(bench, "tfa_text")
    link = await bench.link(customer, login)
    bench.sandbox.set_fault(fault, times=1)
    bench.listener.received.clear()
    bench.listener.statuses = [401]
    await bench.visitor().open(link)
    await bench.after(minutes=1)
    secret = bench.sandbox.settings.partner_secret
    fitting = [
        connect_signature(secret, one.content) == one.headers["x-finicity-signature"]
        for one in bench.listener.received[:2]
    ]
    assert fitting == [is_signed, True]


async def test_events_come_again_for_three_days(bench: Bench) -> None:
    """After 12 ms, six times that, and so on, then hourly, each signed and the same."""
    customer, login = await failing(bench, "tfa_text")
    await bench.link(customer, login)
    bench.listener.status = 500
    bench.listener.statuses = [200]
    _visitor, _ = await opened(bench, customer, login)
    await bench.sandbox.settle()
    started = [one for one in bench.listener.received if one.word == "started"]
    assert len(started) == 1
    await bench.after(minutes=2)
    assert bench.listener.words().count("started") == 7
    await bench.after(days=4)
    assert bench.listener.words().count("started") == 7 + 71
    assert len(bench.sandbox.agenda) == 0


@pytest.mark.parametrize("status", [404, 500, 302])
async def test_a_listener_that_refuses_the_ping_gets_no_link(bench: Bench, status: int) -> None:
    """The call fails, and there is no link to open."""
    customer, login = await failing(bench, "tfa_text")
    bench.listener.statuses = [status]
    body = {"partnerId": "sandbox-partner", "customerId": customer, "institutionLoginId": login, "webhook": CONNECT}
    answer = await bench.api.post("/connect/v2/generate/fix", json=body)
    assert (answer.status_code, "ping" in answer.json()["message"]) == (400, True)


async def test_a_listener_that_hangs_gets_no_link(bench: Bench) -> None:
    """Waiting for the ping has an end."""
    customer, login = await failing(bench, "tfa_text")
    bench.listener.stuck = True
    body = {"partnerId": "sandbox-partner", "customerId": customer, "institutionLoginId": login, "webhook": CONNECT}
    assert (await bench.api.post("/connect/v2/generate/fix", json=body)).status_code == 400


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"partnerId": None}, 400, "10005"),
        ({"customerId": None}, 400, "10005"),
        ({"institutionLoginId": None}, 400, "10005"),
        ({"institutionLoginId": 7_100_000_001}, 400, "10010"),
        ({"partnerId": "other"}, 400, "10010"),
        ({"customerId": "1"}, 400, "10010"),
        ({"institutionLoginId": "1"}, 404, "38007"),
        ({"webhook": "no url"}, 400, "10010"),
        ({"webhook": 7}, 400, "10010"),
        ({"webhook": "http://host:port"}, 400, "10010"),
        ({"webhookContentType": "text/plain"}, 400, "10010"),
        ({"webhookHeaders": []}, 400, "10010"),
        ({"webhookHeaders": {"x": 1}}, 400, "10010"),
        ({"webhookHeaders": {"x": "a\r\nb: c"}}, 400, "10010"),
        ({"webhookHeaders": {"x y": "a"}}, 400, "10010"),
        ({"singleUseUrl": "yes"}, 400, "10010"),
        ({"redirectUri": "back"}, 400, "10010"),
    ],
)
async def test_what_makes_no_link(bench: Bench, change: dict[str, object], status: int, code: str) -> None:
    """Each field that cannot be used is refused with the vendor's code."""
    customer, login = await failing(bench, "tfa_text")
    body = {"partnerId": "sandbox-partner", "customerId": customer, "institutionLoginId": login, "webhook": CONNECT}
    answer = await bench.api.post("/connect/v2/generate/fix", json={**body, **change})
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_a_link_looks_like_the_vendors(bench: Bench) -> None:
    """Signed, with its time and its end two hours later."""
    customer, login = await failing(bench, "tfa_text")
    query = httpx.URL(await bench.link(customer, login)).params
    assert int(query["ttl"]) - int(query["timestamp"]) == 7_200_000
    assert (query["type"], query["institutionLoginId"], len(query["signature"])) == ("fix", login, 64)


async def test_a_link_lives_two_hours(bench: Bench) -> None:
    """Then it opens nothing, and a visit that is under way has timed out."""
    customer, login = await failing(bench, "tfa_text")
    link = await bench.link(customer, login)
    await bench.after(hours=1, minutes=59)
    visitor = bench.visitor()
    page = await visitor.open(link)
    await bench.after(minutes=1)
    assert (await bench.api.get(link)).status_code == 410
    assert str((await visitor.press("answer", answer="x")).left_to) == f"{BACK}&code=1440&reason=timeout"
    assert (await bench.api.get(page.url)).status_code == 410


async def test_a_timed_out_page_leads_back(bench: Bench) -> None:
    """Looking at it again does, too."""
    customer, login = await failing(bench, "tfa_text")
    _, page = await opened(bench, customer, login)
    await bench.after(hours=2)
    assert (await bench.api.get(page.url)).headers["location"] == f"{BACK}&code=1440&reason=timeout"


@pytest.mark.parametrize(("single", "status"), [(True, 410), (False, 303)])
async def test_a_single_use_link(bench: Bench, *, single: bool, status: int) -> None:
    """It dies with a successful visit, not with one that was left."""
    customer, login = await failing(bench, "tfa_text")
    link = await bench.link(customer, login, singleUseUrl=single)
    visitor = bench.visitor()
    await visitor.open(link)
    await visitor.press("exit")
    await visitor.open(link)
    await visitor.press("answer", answer="Rover")
    await visitor.press("finish")
    assert (await bench.api.get(link)).status_code == status


async def test_a_link_that_nobody_made(bench: Bench) -> None:
    """A wrong signature opens nothing."""
    for path in ("/connect", "/connect?signature=x"):
        assert (await bench.api.get(path)).status_code == 404
    assert (await bench.api.get("/connect/visits/x")).status_code == 410


@pytest.mark.parametrize("content", [b"x" * 20_000, b"\xff", b"&".join([b"a=1"] * 300)])
async def test_a_form_that_cannot_be_read(bench: Bench, content: bytes) -> None:
    """400, and the visit goes on."""
    customer, login = await failing(bench, "tfa_text")
    visitor, page = await opened(bench, customer, login)
    assert (await bench.api.post(page.url, content=content)).status_code == 400
    assert (await visitor.press("answer", answer="Rover")).title == "That worked"


@pytest.mark.parametrize("action", ["", "finish", "approve", "save", "choose", "sign_in"])
async def test_a_button_that_the_page_has_not(bench: Bench, action: str) -> None:
    """A forged form moves nothing."""
    customer, login = await failing(bench, "tfa_text")
    _, page = await opened(bench, customer, login)
    await bench.api.post(page.url, content=f"action={action}&username=demo&password=go")
    await bench.sandbox.settle()
    assert bench.listener.words() == ["ping", "started", "mfa"]


async def test_pages_keep_to_themselves(bench: Bench) -> None:
    """Not stored, not indexed, no referrer; the language is stated, every field has a label."""
    customer, login = await failing(bench, "demo", 103)
    _, page = await opened(bench, customer, login)
    shown = await bench.api.get(page.url)
    assert [shown.headers[name] for name in ("cache-control", "referrer-policy", "x-robots-tag")] == [
        "no-store",
        "no-referrer",
        "noindex",
    ]
    assert '<html lang="en">' in shown.text
    assert shown.text.count("<label for=") == 2


async def test_names_are_text_on_the_page(bench: Bench) -> None:
    """A bank or an account called like a tag is shown as it is called."""
    bank = bench.sandbox.add_institution("<b>Bank</b>")
    login = bench.sandbox.add_login(
        bench.sandbox.add_customer(), bank.id, "tfa_text", "go", [Opening("checking", "<i>", 1.0)]
    )
    bench.sandbox.refresh(login.id)
    _, page = await opened(bench, login.customer_id, login.id)
    shown = (await bench.api.get(page.url)).text
    assert ("&lt;b&gt;Bank" in shown, "<b>" in shown) == (True, False)


async def test_a_visitor_is_told_what_the_page_has(bench: Bench) -> None:
    """A test that presses the wrong button learns of the right ones."""
    customer, login = await failing(bench, "tfa_text")
    visitor, _ = await opened(bench, customer, login)
    with pytest.raises(VisitError, match="answer"):
        await visitor.press("finish")
    with pytest.raises(VisitError, match="no answer with other on the page"):
        await visitor.press("answer", other="x")
