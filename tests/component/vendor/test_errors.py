"""The vendor's errors, row by row (domain 3.4), in every form they come in, and what each asks of the caller."""

import pytest

from streams.vendor import (
    AggregationFailedError,
    GoneError,
    InvalidRequestError,
    MisconfiguredError,
    RefusedError,
    StaleLoginError,
    TryAgainError,
    VendorError,
)
from streams.vendor.answers import Answer, error_of
from tests.component.vendor.double import ACCOUNT, CUSTOMER, LOGIN, Client, Reply

CANARY = "canary Jane Doe"


def told(reply: Reply) -> VendorError:
    """Give the error of an answer."""
    error = error_of(Answer(reply.status, reply.content, reply.headers.get("retry-after")))
    assert error is not None
    assert "canary" not in repr(error)
    return error


async def failing(client: Client, reply: Reply) -> VendorError:
    """Make a call that is answered so, however often, and give its error."""
    client.upstream.default = reply
    with pytest.raises(VendorError) as refused:
        await client.vendor.account(CUSTOMER, ACCOUNT)
    assert "canary" not in repr(refused.value)
    assert (refused.value.__cause__, refused.value.__context__) == (None, None)
    return refused.value


ROWS: list[tuple[int, int, type[VendorError]]] = [
    (10024, 401, MisconfiguredError),
    (10026, 401, MisconfiguredError),
    (10027, 401, MisconfiguredError),
    (10001, 401, RefusedError),
    (24302, 401, RefusedError),
    (24302, 403, RefusedError),
    (10005, 400, InvalidRequestError),
    (10010, 400, InvalidRequestError),
    (10001, 400, InvalidRequestError),  # a malformed request, apart from 401 (domain 6.2)
    (14001, 404, GoneError),
    (38003, 400, GoneError),
    (38003, 404, GoneError),
    (38007, 404, StaleLoginError),
    (3003, 404, StaleLoginError),
    (3004, 404, GoneError),
    (60007, 404, GoneError),
    (60013, 404, GoneError),
    (325, 409, TryAgainError),
    (325, 500, TryAgainError),
    (331, 408, AggregationFailedError),
    (977, 500, TryAgainError),
    *((code, 500, TryAgainError) for code in (990, 994, 998, 1000, 1005, 1012, 10030, 14030, 12001, 19000, 20014)),
    (12001, 400, TryAgainError),
    (3300001, 429, TryAgainError),
    (10021, 401, MisconfiguredError),
    (12401, 404, GoneError),
    (14025, 406, InvalidRequestError),
]


@pytest.mark.parametrize("as_text", [True, False])
@pytest.mark.parametrize(("code", "status", "expected"), ROWS)
def test_a_row_of_the_table(code: int, status: int, expected: type[VendorError], *, as_text: bool) -> None:
    """The error says what to do; the code may be a number or text, and nothing is quoted."""
    body = {"code": str(code) if as_text else code, "message": CANARY, "user_message": CANARY}
    error = told(Reply(status, body))
    assert (type(error), error.code, error.status) == (expected, code, status)
    assert str(error).endswith(f"(code {code}, HTTP {status})")


@pytest.mark.parametrize("code", ["10022", "10023"])
async def test_a_stale_token(client: Client, code: str) -> None:
    """The token is renewed once and the call repeated once; then the caller has to wait."""
    await client.vendor.account(CUSTOMER, ACCOUNT)
    client.clock.forward(minutes=10)
    client.upstream.replies.append(Reply(401, {"code": code}))
    await client.vendor.account(CUSTOMER, ACCOUNT)
    assert client.upstream.attempts == 2
    assert [one.headers["finicity-app-token"][-1] for one in client.upstream.calls] == ["1", "1", "2"]
    client.clock.forward(minutes=10)
    error = await failing(client, Reply(401, {"code": code}))
    assert isinstance(error, TryAgainError)
    assert client.upstream.attempts == 3
    assert len(client.upstream.calls) == 5


async def test_a_token_never_taken(client: Client) -> None:
    """A vendor that takes none of its tokens is not asked for the next one by every call."""
    client.upstream.default = Reply(401, {"code": "10022"})
    for _ in range(5):
        with pytest.raises(TryAgainError, match="does not take the token that it just gave"):
            await client.vendor.account(CUSTOMER, ACCOUNT)
    assert client.upstream.attempts == 1


@pytest.mark.parametrize("code", [185, 103, 947, 931, 102, 124, 909])
@pytest.mark.parametrize("status", [500, 400])
def test_an_aggregation_code(code: int, status: int) -> None:
    """An HTTP 500 with the code of an aggregation is that code and no fault of a server; so is one tagged as such."""
    tags = {} if status == 500 else {"tags": "AGG"}
    error = told(Reply(status, {"code": code, "message": CANARY, **tags}))
    assert isinstance(error, AggregationFailedError)
    assert (error.failure, error.status) == (code, status)


async def test_an_aggregation_code_is_not_asked_for_again(client: Client) -> None:
    """What the bank said stays said: an HTTP 500 with such a code is not repeated."""
    error = await failing(client, Reply(500, {"code": "185", "message": CANARY}))
    assert isinstance(error, AggregationFailedError)
    assert len(client.upstream.calls) == 1


def test_a_code_nobody_knows() -> None:
    """An unknown code is an aggregation's where it is tagged so, and else the server's trouble."""
    tagged = told(Reply(500, {"code": 77123, "tags": "X,AGG"}))
    assert isinstance(tagged, AggregationFailedError)
    untagged = told(Reply(500, {"code": 77123}))
    assert isinstance(untagged, TryAgainError)
    assert untagged.is_passing


@pytest.mark.parametrize("status", [404, 410, 500])
@pytest.mark.parametrize("as_text", [True, False])
def test_a_code_that_echoes_the_status(status: int, *, as_text: bool) -> None:
    """Servers and proxies put the status into a body: it is no code of the vendor's, unless tagged as one."""
    code = str(status) if as_text else status
    echoed = told(Reply(status, {"code": code, "message": CANARY}))
    assert (type(echoed), echoed.status) == (TryAgainError, status)
    tagged = told(Reply(status, {"code": code, "tags": "AGG"}))
    assert (type(tagged), tagged.code) == (AggregationFailedError, status)


@pytest.mark.parametrize("body", [b"", b"{}", b'{"questions": ["canary"]}'])
async def test_203_is_a_challenge(client: Client, body: bytes) -> None:
    """A status of success that means: not done, the bank asks something (domain 3.5)."""
    error = await failing(client, Reply(203, body))
    assert isinstance(error, AggregationFailedError)
    assert (error.failure, error.status) == (185, 203)


async def test_203_for_every_call(client: Client) -> None:
    """A call that deletes is no exception."""
    client.upstream.default = Reply(203, b"")
    for call in (client.vendor.unsubscribe(CUSTOMER, ACCOUNT), client.vendor.login_accounts(CUSTOMER, LOGIN)):
        with pytest.raises(AggregationFailedError):
            await call


XML = "<?xml version='1.0'?><error><code>{}</code><message>canary</message>{}</error>"


@pytest.mark.parametrize(
    ("reply", "expected", "code"),
    [
        (Reply(404, XML.format(14001, ""), "application/xml"), GoneError, 14001),
        (Reply(404, XML.format(38007, ""), "text/xml"), StaleLoginError, 38007),
        (Reply(406, XML.format(14025, ""), "application/xml"), InvalidRequestError, 14025),
        (Reply(500, XML.format(185, ""), "application/xml"), AggregationFailedError, 185),
        (Reply(400, XML.format(185, "<tags>AGG</tags>"), "application/xml"), AggregationFailedError, 185),
        (Reply(401, "Invalid (Finicity-App-Key) canary", "text/plain"), MisconfiguredError, None),
        (Reply(404, "canary", "text/plain"), TryAgainError, None),  # of a proxy or a wrong path
        (Reply(502, "<html>canary</html>", "text/html"), TryAgainError, None),
        (Reply(404, {"Errors": {"Error": [{"ReasonCode": "14001"}]}}), GoneError, 14001),
        (Reply(404, {"Errors": {"Error": []}}), TryAgainError, None),
        (Reply(400, {"code": None}), InvalidRequestError, None),
        (Reply(400, {"code": True}), InvalidRequestError, None),
        (Reply(400, "[1]"), InvalidRequestError, None),
        (Reply(400, b"\xff\xfe"), InvalidRequestError, None),
    ],
)
def test_other_forms(reply: Reply, expected: type[VendorError], code: int | None) -> None:
    """XML, plain text, the newer wrapper and nonsense are read as far as they go."""
    error = told(reply)
    assert (type(error), error.code) == (expected, code)


async def test_text_over_the_wire(client: Client) -> None:
    """What is no JSON comes through HTTP all the same."""
    plain = await failing(client, Reply(401, "Invalid (Finicity-App-Key) canary", "text/plain"))
    assert isinstance(plain, MisconfiguredError)
    xml = await failing(client, Reply(404, XML.format(38007, ""), "application/xml"))
    assert isinstance(xml, StaleLoginError)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (302, MisconfiguredError),
        (206, MisconfiguredError),
        (401, MisconfiguredError),
        (403, MisconfiguredError),
        (404, TryAgainError),  # not the API's word: taken for one, it would end subscriptions and accounts
        (410, TryAgainError),
        (408, TryAgainError),
        (425, TryAgainError),
        (429, TryAgainError),
        (400, InvalidRequestError),
        (405, InvalidRequestError),
        (422, InvalidRequestError),
        (500, TryAgainError),
        (503, TryAgainError),
        (504, TryAgainError),
    ],
)
def test_a_bare_status(status: int, expected: type[VendorError]) -> None:
    """Where there is no code, the status speaks."""
    error = told(Reply(status, b""))
    assert (type(error), error.status) == (expected, status)


@pytest.mark.parametrize(
    ("reply", "is_of_all"),
    [
        (Reply(429, b""), True),
        (Reply(429, {"code": "3300001"}), True),
        (Reply(401, {"code": "10022"}), True),
        (Reply(500, {"code": "977"}), False),
        (Reply(409, {"code": "325"}), False),
        (Reply(503, b""), False),
        (Reply(404, b""), False),
        (Reply(408, b""), False),
    ],
)
def test_who_has_to_wait(reply: Reply, *, is_of_all: bool) -> None:
    """Too many calls, or a token that is not taken, is a matter of all calls; trouble may be of one institution."""
    error = told(reply)
    assert isinstance(error, TryAgainError)
    assert error.is_of_all is is_of_all


async def test_a_redirection_is_not_followed(client: Client) -> None:
    """The headers would go along to somebody else."""
    error = await failing(client, Reply(302, b"", headers={"location": f"{client.upstream.url}/canary"}))
    assert isinstance(error, MisconfiguredError)
    assert len(client.upstream.calls) == 1


@pytest.mark.parametrize(
    ("asked", "seconds"), [("120", 120.0), ("5", 60.0), ("99999999", 3600.0), ("soon", 60.0), ("-1", 60.0)]
)
def test_retry_after(asked: str, seconds: float) -> None:
    """The vendor's own word counts where it asks for longer than we would wait, within reason."""
    error = told(Reply(429, b"", headers={"retry-after": asked}))
    assert isinstance(error, TryAgainError)
    assert error.after_seconds == seconds


async def test_errors_are_counted(client: Client) -> None:
    """Each outcome has its series."""
    await failing(client, Reply(404, {"code": 14001}))
    await failing(client, Reply(203))
    assert client.count("calls_total", call="account", outcome="gone") == 1
    assert client.count("calls_total", call="account", outcome="aggregation_failed") == 1


WAITS = {"325": 180.0, "977": 300.0, "3300001": 60.0}


@pytest.mark.parametrize("code", WAITS)
def test_how_long_to_wait(code: str) -> None:
    """A refresh takes minutes, an institution's limit longer."""
    error = told(Reply(500, {"code": code}))
    assert isinstance(error, TryAgainError)
    assert (error.after_seconds, error.is_passing) == (WAITS[code], False)
