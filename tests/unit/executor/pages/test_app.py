"""A customer's link over HTTP: what is answered, with which status, and what nobody gets to see."""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest

from schemas.commands import Action
from streams.links import LIFETIME, FixLinks
from streams.vendor import GoneError, TryAgainError
from tests.unit.executor.double import AT, COMMAND, LINKS, OTHER, SESSION, SETTINGS, Bench, message

TOKEN = LINKS.token(COMMAND, AT)
LINK, DONE = f"/fix/{TOKEN}", f"/fix/{TOKEN}/done"


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    made = Bench()
    made.hear(message())
    async with made.client:
        yield made


def title(answer: httpx.Response) -> str:
    """Give the heading of a page."""
    return answer.text.partition("<h1>")[2].partition("</h1>")[0]


async def test_get_shows_a_button_and_does_nothing(bench: Bench) -> None:
    """Mail scanners open every link: no session is made, however often."""
    for method in ("GET", "HEAD"):
        answer = await bench.client.request(method, LINK)
        assert answer.status_code == 200
    assert '<form method="post">' in (await bench.client.get(LINK)).text
    assert bench.vendor.requests == []
    assert bench.count("shown") == 3


async def test_post_leads_to_the_vendor(bench: Bench) -> None:
    """303, to the session that was made for the command of the link."""
    answer = await bench.client.post(LINK)
    assert (answer.status_code, answer.headers["location"], answer.content) == (303, f"{SESSION}&number=1", b"")
    (request,) = bench.vendor.requests
    assert request.webhook_data == {"command_id": COMMAND}
    assert request.redirect_uri == f"https://fix.example.com{DONE}"
    assert request.language is None
    assert bench.count("led_on") == 1


async def test_two_clicks_lead_to_one_session(bench: Bench) -> None:
    """A double click is one."""
    answers = await asyncio.gather(bench.client.post(LINK), bench.client.post(LINK))
    assert {answer.headers["location"] for answer in answers} == {f"{SESSION}&number=1"}


async def test_every_link_of_a_command_leads_on(bench: Bench) -> None:
    """That of the first mail does after the reminder has come, too."""
    bench.hear(message(sequence=1, action=Action.REMIND))
    assert (await bench.client.post(LINK)).status_code == 303


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("closing", "words"),
    [
        ({"action": Action.COMPLETE}, "Your connection works"),
        ({"action": Action.WITHDRAW, "withdraw_reason": "healed"}, "Your connection works"),
        ({"action": Action.WITHDRAW, "withdraw_reason": "superseded"}, "This link is no longer needed"),
    ],
)
async def test_a_command_that_has_ended(bench: Bench, method: str, closing: dict[str, Action], words: str) -> None:
    """410, and in words why there is nothing to press; the vendor is not asked."""
    bench.hear(message(sequence=1, **closing))
    answer = await bench.client.request(method, LINK)
    assert (answer.status_code, title(answer)) == (410, words)
    assert "<form" not in answer.text
    assert bench.vendor.requests == []


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_expired_link(bench: Bench, method: str) -> None:
    """410: it was ours, and its time is over."""
    bench.clock.at = AT + LIFETIME
    answer = await bench.client.request(method, LINK)
    assert (answer.status_code, title(answer)) == (410, "This link is too old")
    assert bench.count("expired") == 1


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("page", ["", "/done"])
async def test_a_forged_link(bench: Bench, method: str, page: str) -> None:
    """404, whatever it is: a wrong letter, another key, or anything at all."""
    for token in (TOKEN[:-1] + "x", FixLinks([b"x" * 32], "https://x").token(COMMAND, AT), "x", "%C3%A9", "%00"):
        answer = await bench.client.request(method, f"/fix/{token}{page}")
        assert (answer.status_code, title(answer)) == (404, "We cannot open this link")
    assert bench.vendor.requests == []
    assert bench.count("forged") == 5


async def test_a_command_that_nobody_knows(bench: Bench) -> None:
    """A link of ours whose command was never committed leads nowhere; the button is shown all the same."""
    link = f"/fix/{LINKS.token(OTHER, AT)}"
    assert (await bench.client.get(link)).status_code == 200
    assert (await bench.client.post(link)).status_code == 404
    assert bench.count("unknown") == 1


async def test_a_view_that_lags(bench: Bench) -> None:
    """503 and when to come again: an ended command might be shown as open else; GET needs no view."""
    bench.view.lags = True
    answer = await bench.client.post(LINK)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
    assert title(answer) == "Please try again in a moment"
    assert "<form" in answer.text
    assert bench.vendor.requests == []
    assert (await bench.client.get(LINK)).status_code == 200


async def test_a_click_after_a_failure_works() -> None:
    """Nothing is kept of it."""
    bench = Bench()
    bench.hear(message())
    bench.vendor.failures = [TryAgainError("busy", after_seconds=1)]
    async with bench.client:
        assert [(await bench.client.post(LINK)).status_code for _ in range(2)] == [503, 303]


async def test_a_new_executor_leads_on_as_well(bench: Bench) -> None:
    """One that was killed between the session and the redirect has left nothing that the next one would miss."""
    await bench.client.post(LINK)
    other = Bench()
    other.hear(message())
    async with other.client:
        assert (await other.client.post(LINK)).status_code == 303


async def test_a_vendor_that_takes_long() -> None:
    """503: a customer does not wait for ever."""
    bench = Bench(replace(SETTINGS, link=replace(SETTINGS.link, answer_seconds=0.01)))
    bench.hear(message())
    bench.vendor.hold = asyncio.Event()
    async with bench.client:
        answer = await bench.client.post(LINK)
    assert answer.status_code == 503
    assert bench.count("vendor_slow") == 1
    await bench.sessions.stop()


async def test_a_link_used_again_and_again() -> None:
    """429 and when to come again."""
    bench = Bench(replace(SETTINGS, link=replace(SETTINGS.link, reuse_seconds=0, command_burst=2)))
    bench.hear(message())
    async with bench.client:
        answers = [await bench.client.post(LINK) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [303, 303, 429]
    assert (answers[2].headers["retry-after"], title(answers[2])) == ("120", "One moment, please")
    assert bench.count("too_often") == 1


async def test_all_links_used_too_much() -> None:
    """503: it is not this customer who does too much."""
    bench = Bench(replace(SETTINGS, link=replace(SETTINGS.link, per_second=0.1, burst_seconds=1)))
    async with bench.client:
        for name in (COMMAND, OTHER):
            bench.hear(message(name))
        answers = [await bench.client.post(f"/fix/{LINKS.token(name, AT)}") for name in (COMMAND, OTHER)]
    assert [answer.status_code for answer in answers] == [303, 503]
    assert answers[1].headers["retry-after"] == "10"
    assert bench.count("too_many") == 1


# -- the way back


@pytest.mark.parametrize(
    ("query", "words", "has_button"),
    [
        ("", "Thank you", False),
        ("code=200&reason=complete", "Thank you", False),
        ("code=201&reason=error", "Thank you", False),
        ("code=100&reason=exit", "You are not quite done", True),
        ("code=500&reason=error", "That did not work", True),
        ("code=1440&reason=timeout", "That did not work", True),
        ("code=%3Cscript%3E", "Thank you", False),
        ("code=" + "9" * 5000, "Thank you", False),
    ],
)
async def test_the_way_back(bench: Bench, query: str, words: str, has_button: bool) -> None:  # noqa: FBT001 - an example
    """A page of thanks, or the button once more where the session is known to have come to nothing."""
    answer = await bench.client.get(f"{DONE}?{query}")
    assert (answer.status_code, title(answer), "<form" in answer.text) == (200, words, has_button)
    assert "script" not in answer.text


async def test_the_way_back_of_an_ended_command(bench: Bench) -> None:
    """No button where pressing it would say that there is nothing to do; the same for a link that ended meanwhile."""
    bench.hear(message(sequence=1, action=Action.COMPLETE))
    assert title(await bench.client.get(f"{DONE}?code=500")) == "Thank you"
    bench.clock.at = AT + LIFETIME
    assert title(await bench.client.get(f"{DONE}?code=500")) == "Thank you"


async def test_the_button_on_the_way_back(bench: Bench) -> None:
    """It posts to where it stands, and leads to the vendor as the first one did."""
    answer = await bench.client.post(f"{DONE}?code=100")
    assert answer.status_code == 303
    assert bench.vendor.requests[0].redirect_uri == f"https://fix.example.com{DONE}"


# -- every answer


async def every(bench: Bench) -> list[httpx.Response]:
    """Give an answer of each sort."""
    answers = [
        await bench.client.request(method, path)
        for method in ("GET", "HEAD", "POST", "PUT")
        for path in (LINK, f"{DONE}?code=100", "/fix/x", "/", f"{LINK}/")
    ]
    bench.vendor.failures = [GoneError("gone")]
    bench.clock.move(hours=1)
    return [*answers, await bench.client.post(LINK)]


async def test_headers_of_every_answer(bench: Bench) -> None:
    """Nothing is stored, indexed, framed or told to the next site, and nothing comes from elsewhere."""
    for answer in await every(bench):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["x-robots-tag"] == "noindex, nofollow"
        assert answer.headers["content-security-policy"].startswith("default-src 'none';")
        assert "set-cookie" not in answer.headers


async def test_no_link_is_seen_anywhere(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """Neither ours nor the vendor's is in a page, a log line or a metric; the vendor's is in the redirect alone."""
    with caplog.at_level(logging.DEBUG):
        answers = await every(bench)
    samples = str([list(family.samples) for family in bench.registry.collect()])
    said = "".join(one.getMessage() for one in caplog.records if one.name.startswith("streams"))
    pages = "".join(answer.text for answer in answers)
    for secret in (TOKEN, COMMAND, "signature", "7000000042", "secret-token"):
        assert secret not in pages + said + samples


async def test_other_methods_and_places(bench: Bench) -> None:
    """405 names what there is; elsewhere there is nothing."""
    answer = await bench.client.put(LINK)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, POST")
    for path in ("/", "/fix", "/fix/", f"{LINK}/", f"{LINK}/other", "/robots.txt"):
        answer = await bench.client.get(path)
        assert (answer.status_code, title(answer)) == (404, "We cannot open this link")


async def test_pages_speak_the_customers_language(bench: Bench) -> None:
    """As the browser asks; the vendor's pages follow."""
    accepted = {"accept-language": "es-MX,es;q=0.9"}
    answer = await bench.client.get(LINK, headers=accepted)
    assert (title(answer), answer.headers["content-language"]) == ("Vuelva a conectar su cuenta bancaria", "es")
    await bench.client.post(LINK, headers=accepted)
    assert bench.vendor.requests[0].language == "es"


async def test_a_fault_of_ours(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """The customer gets a page; the log says what and where, without the message, which may quote a link."""
    bench.vendor.failures = [KeyError(SESSION)]
    with caplog.at_level(logging.ERROR):
        answer = await bench.client.post(LINK)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
    assert "KeyError at" in caplog.text
    assert "signature" not in caplog.text
    assert bench.count("failed") == 1
