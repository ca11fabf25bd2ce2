"""What the sandbox is asked, by whoever can reach its port: the vendor's API, the hosted page, its own controls."""

import re
from typing import Any, cast
from unittest.mock import patch
from urllib.parse import unquote_to_bytes

import httpx
import orjson

from schemas.catalogue import Catalogue
from streams.sandbox import Sandbox, SandboxSettings
from streams.sandbox.delivery.faults import FaultName
from streams.sandbox.seed import Seed
from streams.testing.clock import VirtualClock
from tests.fuzz.decoder import AT, BETWEEN, HOSTILE, Decoder, headers_in
from tests.fuzz.standins import groups, runner

MOST = 4
"""Requests of an input, one after the other."""
SETTINGS = SandboxSettings(slow_seconds=0)
CATALOGUE = Catalogue.load()
TARGET = re.compile(r"[!-~\u00a1-\ud7ff]*")
"""What the server takes: it answers 400 to all else, and nobody of ours hears of it."""
CUSTOMER, LOGIN, ACCOUNT = "7000000001", "7100000001", "5900000001"


class _Listener:
    """Takes every webhook, and echoes what the vendor's check asks for."""

    async def get(self, address: httpx.URL, **_: object) -> httpx.Response:
        code = address.params.get("txpush_verification_code", "")
        return httpx.Response(200, headers={"content-type": "text/plain"}, content=code)

    async def post(self, _address: object, **_: object) -> httpx.Response:
        return httpx.Response(200)


def _made() -> Sandbox:
    """Give a sandbox with a login of a customer, whose first account is subscribed to."""
    with patch.object(Catalogue, "load", lambda: CATALOGUE):
        sandbox = Sandbox(SETTINGS, VirtualClock(AT), cast("httpx.AsyncClient", _Listener()))
    login = sandbox.add_login(sandbox.add_customer(), "102105", "tfa_multi", "go")
    sandbox.world.subscribe(sandbox.world.of_login(login.id)[0], "http://127.0.0.1:8080/txpush", wants_xml=True)
    return sandbox


async def _asked(sandbox: Sandbox, line: bytes, headers: bytes, body: bytes) -> tuple[int, bytes]:
    """Ask as the HTTP server does; the key and the token are right where the headers do not say otherwise."""
    sandbox.faults.wanted.pop(FaultName.SLOW, None)  # that one is waited for
    method, _, target = line.partition(b" ")
    if not TARGET.fullmatch(target.decode(errors="surrogateescape")):
        return 400, b""
    path, _, query = target.partition(b"?")
    known = {b"finicity-app-key": SETTINGS.app_key.encode(), b"finicity-app-token": _token(sandbox).encode()}
    known |= {b"host": b"sandbox", b"content-length": b"%d" % len(body)} | dict(headers_in(headers))
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": method.decode("latin-1").upper(),
        "scheme": "http",
        "server": ("sandbox", 80),
        "root_path": "",
        "path": unquote_to_bytes(path).decode(errors="replace"),
        "raw_path": path,
        "query_string": query,
        "headers": [*known.items()],
    }
    status, written = 0, b""

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:  # noqa: ANN401 - as ASGI has it
        nonlocal status, written
        status = message.get("status", status)
        written += message.get("body", b"")

    await sandbox.app(scope, receive, send)
    return status, written


def _token(sandbox: Sandbox) -> str:
    if not sandbox.partner._tokens:
        sandbox.partner.authenticate(SETTINGS.partner_id, SETTINGS.partner_secret, AT)
    return next(iter(sandbox.partner._tokens))


def _sandbox(data: bytes) -> str:
    """Ask a sandbox a few things, one after the other: each is answered, and what it leads to goes out."""

    async def asked() -> list[int]:
        sandbox = _made()
        statuses = [(await _asked(sandbox, *request))[0] for request in groups(data, 3, MOST)]
        await sandbox.settle()
        return statuses

    statuses = runner().run(asked())
    assert all(200 <= status < 600 for status in statuses)
    return ",".join(str(status) for status in sorted({*statuses})[:2])


def _request(line: str, body: object = b"", headers: bytes = b"") -> bytes:
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    return BETWEEN.join((line.encode(), headers, content))


API = f"/aggregation/v1/customers/{CUSTOMER}"
WANTED = {"partnerId": SETTINGS.partner_id, "customerId": CUSTOMER, "redirectUri": "https://app.example.com/back?a=1"}
PAYMENT = {"amount": 7.5, "description": "canary", "transactionDate": 1793502000}


def _api_seeds() -> list[bytes]:
    pair = {"partnerId": SETTINGS.partner_id, "partnerSecret": SETTINGS.partner_secret}
    good = [
        _request("POST /aggregation/v2/partners/authentication", pair),
        _request("PUT /aggregation/v2/partners/authentication", pair | {"newPartnerSecret": "canary-canary-1"}),
        _request("POST /aggregation/v2/customers/testing", {"username": "customer-2", "firstName": "canary"}),
        _request("GET /aggregation/v1/customers?start=1&limit=5&search=cust"),
        _request(f"POST {API}/accounts/{ACCOUNT}/txpush", {"callbackUrl": "http://127.0.0.1:8080/hook"}),
        _request(f"POST {API}/accounts/{ACCOUNT}/transactions", PAYMENT),
        _request(f"POST {API}/accounts"),
        _request("GET /institution/v2/institutions?search=fin&start=1&limit=10"),
    ]
    bad = [_request(f"GET /aggregation/v1/customers?start={text}") for text in ("-1", "x", "%D9%A1", "9" * 5000)]
    bad += [_request(f"POST {API}/accounts/{ACCOUNT}/txpush", body) for body in HOSTILE]
    urls = (
        "http://[",
        "http://a:99999",
        "http://\u0000",
        "//a",
        "http://xn--\u2028",
        "http://a\ud7ff@b",
        "https://" + "a" * 300,
    )
    bad += [_request(f"POST {API}/accounts/{ACCOUNT}/txpush", {"callbackUrl": url}) for url in urls]
    odd = (b"1e999", b"-1e308", b"1e308", b"9" * 400, b"true", b"null")
    text = orjson.dumps({**PAYMENT, "postedDate": 1})
    bad += [
        _request(f"POST {API}/accounts/{ACCOUNT}/transactions", text.replace(value, one))
        for value in (b"7.5", b"1793502000", b'"postedDate":1')
        for one in (odd if value != b'"postedDate":1' else [b'"postedDate":' + number for number in odd])
    ]
    bad += [_request(f"GET {API}", headers=b"finicity-app-token: \xe9\nfinicity-app-key: \xff"), _request("GET")]
    return [*good, *bad, _request(f"GET {API}", headers=b"accept: application/json\nfinicity-app-key: x")]


def _page_seeds() -> list[bytes]:
    seed = Seed(SETTINGS.seed)
    signature, visit = seed.text(32, "link", 1).encode().hex(), f"/connect/visits/{seed.text(32, 'visit', 1)}"
    fix = _request("POST /connect/v2/generate/fix", WANTED | {"institutionLoginId": LOGIN, "webhook": "http://a/b"})
    full = _request("POST /connect/v2/generate", WANTED)
    opened = _request(f"GET /connect?signature={signature}")
    trouble = _request(f"PATCH /sandbox/logins/{LOGIN}", {"trouble": 103})
    forms = (
        b"action=sign_in&username=demo&password=go",
        b"action=answer&answer=%FF",
        b"action=exit",
        b"\xff",
        b"&" * 300,
    )
    visits = [BETWEEN.join((trouble, fix, opened, _request(f"POST {visit}", form))) for form in forms]
    chosen = _request(f"POST {visit}", b"action=choose&institution=102105")
    visits += [BETWEEN.join((full, opened, chosen, _request(f"POST {visit}", form))) for form in forms]
    data = b'{"a":' * 900 + b"1" + b"}" * 900
    told = [
        orjson.dumps(WANTED | {"webhook": "http://a/b", "webhookContentType": kind}).removesuffix(b"}")
        + b',"webhookData":'
        + one
        + b"}"
        for kind in ("application/json", "application/xml")
        for one in (b'{"case":"7"}', b"[1,null,true]", b'{"\\u0000":"\\u001b"}', data)
    ]
    asked = [BETWEEN.join((_request("POST /connect/v2/generate", body), opened)) for body in told]
    urls = ("http://[", "x:", "http://a:99999", "mailto:a", "http://\u0000")
    backs = [
        BETWEEN.join(
            (
                _request("POST /connect/v2/generate", WANTED | {"redirectUri": url}),
                opened,
                _request(f"POST {visit}", forms[2]),
            )
        )
        for url in urls
    ]
    return [*visits, *asked, *backs, BETWEEN.join((full, opened, _request(f"GET {visit}")))]


def _control_seeds() -> list[bytes]:
    good = [
        _request("POST /sandbox/clock", {"seconds": 86400}),
        _request("POST /sandbox/institutions", {"name": "Bank", "otp": True, "consent_days": 90, "device_days": 1.5}),
        _request(
            f"POST /sandbox/customers/{CUSTOMER}/logins",
            {"institution_id": "102105", "username": "demo", "password": "go", "accounts": [{}]},
        ),
        _request(f"PATCH /sandbox/logins/{LOGIN}", {"trouble": 185, "consent_until": "2026-12-01T00:00:00Z"}),
        _request(f"PATCH /sandbox/accounts/{ACCOUNT}", {"trouble": 169}),
        _request(f"POST /sandbox/accounts/{ACCOUNT}/move", {"login": LOGIN}),
        _request(f"POST /sandbox/accounts/{ACCOUNT}/duplicate"),
        *(
            _request(f"PUT /sandbox/faults/{name}", {"share": 1, "times": 2, "seconds": 1, "copies": 3})
            for name in FaultName
        ),
    ]
    bad = [
        _request(f"PATCH /sandbox/logins/{LOGIN}", body)
        for body in (*HOSTILE, b'{"bank_password":null}', b'{"device_until":1e20}')
    ]
    bad += [
        _request("POST /sandbox/clock", b'{"seconds":%b}' % text) for text in (b"1e999", b"-1", b'"1"', b"1e7", b"NaN")
    ]
    bad += [_request("PUT /sandbox/faults/late", b'{"seconds":%b}' % text) for text in (b"1e999", b"1e300", b"-0.0")]
    late = BETWEEN.join((_request("PUT /sandbox/faults/late", {"seconds": 1e15}), _request(f"POST {API}/accounts")))
    years = _request("POST /sandbox/institutions", b'{"name":"B","consent_days":1e-300,"device_days":3650}')
    opening = b'{"institution_id":"102105","username":"demo","password":"go","accounts":[{"balance":1e308}]}'
    return [*good, *bad, late, years, _request(f"POST /sandbox/customers/{CUSTOMER}/logins", opening)]


SANDBOX = (
    Decoder(
        "sandbox",
        _sandbox,
        lambda: [*_api_seeds(), *_page_seeds(), *_control_seeds()],
        frozenset({"200", "201", "204", "200,303", "400", "404"}),
    ),
)
