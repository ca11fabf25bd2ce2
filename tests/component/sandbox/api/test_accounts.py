"""Accounts and institutions over the API."""

import pytest

from streams.sandbox import Opening
from tests.component.sandbox.bench import Bench

V1, V2 = "/aggregation/v1/customers", "/aggregation/v2/customers"


async def test_every_way_to_read_an_account_shows_the_same(bench: Bench) -> None:
    """By id, by customer and by login; the simple ones without balance and number."""
    customer, login = await bench.connected()
    account = bench.sandbox.accounts_of(login)[0]
    bench.sandbox.refresh(login)
    whole = await bench.get(f"{V2}/{customer}/accounts/{account}")
    assert (whole["aggregationStatusCode"], whole["institutionLoginId"]) == (185, int(login))
    for path in (f"{V1}/{customer}/accounts", f"{V1}/{customer}/institutionLogins/{login}/accounts"):
        assert (await bench.get(path))["accounts"] == [whole]
        (simple,) = (await bench.get(f"{path}/simple"))["accounts"]
        assert simple == await bench.get(f"{V1}/{customer}/accounts/{account}/simple")
    assert {"balance", "number", "accountNickname"}.isdisjoint(simple)
    assert simple["aggregationStatusCode"] == 185


async def test_an_account_has_no_code_before_its_first_aggregation(bench: Bench) -> None:
    """Neither code nor dates of attempts, and `active` all the same."""
    customer, _ = await bench.connected()
    (account,) = (await bench.get(f"{V1}/{customer}/accounts?status=active"))["accounts"]
    assert {"aggregationStatusCode", "aggregationAttemptDate", "aggregationSuccessDate"}.isdisjoint(account)
    assert (account["status"], account["lastUpdatedDate"]) == ("active", 0)
    assert (await bench.get(f"{V1}/{customer}/accounts?status=pending"))["accounts"] == []


async def test_what_is_not_the_customers(bench: Bench) -> None:
    """Unknown customers, accounts and logins have their codes, another customer's too."""
    customer, login = await bench.connected()
    other = bench.sandbox.add_customer()
    account = bench.sandbox.accounts_of(login)[0]
    for path, code in [
        (f"{V2}/1/accounts/{account}", "14001"),
        (f"{V1}/1/accounts", "14001"),
        (f"{V2}/{customer}/accounts/1", "38003"),
        (f"{V2}/{other}/accounts/{account}", "38003"),
        (f"{V1}/{other}/institutionLogins/{login}/accounts", "38007"),
        (f"{V1}/{customer}/institutionLogins/1/accounts", "38007"),
        ("/institution/v2/institutions/1", "14001"),
    ]:
        answer = await bench.api.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, code), path


async def test_a_call_that_reaches_the_bank(bench: Bench) -> None:
    """The owner: 203 with no body for a challenge, 500 with the code for a failure, 200 where all is well."""
    customer, login = await bench.connected()
    path = f"{V1}/{customer}/accounts/{bench.sandbox.accounts_of(login)[0]}/owner"
    challenged = await bench.api.get(path)
    assert (challenged.status_code, challenged.content) == (203, b"")
    bench.sandbox.set_login(login, trouble=103)
    failed = await bench.api.get(path)
    assert (failed.status_code, failed.json()["code"]) == (500, "103")
    customer, login = await bench.connected("demo")
    assert (await bench.get(f"{V1}/{customer}/accounts/{bench.sandbox.accounts_of(login)[0]}/owner"))["ownerName"]


async def test_refreshes(bench: Bench) -> None:
    """Of a customer and of a login; the answer has the new codes, and the attempt is now."""
    customer, login = await bench.connected()
    for path in (f"{V1}/{customer}/accounts", f"{V1}/{customer}/institutionLogins/{login}/accounts"):
        (account,) = (await bench.api.post(path)).json()["accounts"]
        assert account["aggregationStatusCode"] == 185
        assert account["aggregationAttemptDate"] == int(bench.clock.now().timestamp())


async def test_deletions(bench: Bench) -> None:
    """One account, then the login with the rest; subscribers hear of it."""
    customer = bench.sandbox.add_customer()
    login = bench.sandbox.add_login(customer, "102105", "demo", "go").id
    accounts = bench.sandbox.accounts_of(login)
    for account in accounts:
        await bench.subscribe(account)
    assert (await bench.api.delete(f"{V1}/{customer}/accounts/{accounts[0]}")).status_code == 204
    assert bench.sandbox.accounts_of(login) == accounts[1:]
    assert (await bench.api.delete(f"{V1}/{customer}/institutionLogins/{login}")).status_code == 204
    await bench.sandbox.settle()
    assert bench.listener.words() == ["deleted"] * 3
    assert [one.body["event"]["records"][0]["id"] for one in bench.listener.received] == accounts
    assert (await bench.api.delete(f"{V1}/{customer}/institutionLogins/{login}")).status_code == 404


async def test_migration_over_the_api(bench: Bench) -> None:
    """The accounts come back with 948 and another institution; once more changes nothing."""
    customer, login = await bench.connected("demo")
    path = f"{V2}/{customer}/institutionLogins/{login}/migration"
    (account,) = (await bench.api.put(path)).json()["accounts"]
    assert (account["aggregationStatusCode"], account["institutionId"]) == (948, "190001")
    assert account["institutionLoginId"] == int(login)
    await bench.api.put(path)
    await bench.sandbox.settle()
    assert bench.listener.words() == ["948"]
    old = (await bench.get("/institution/v2/institutions/102105"))["institution"]
    assert (old["status"], old["newInstitutionId"], old["oauthInstitutionId"]) == ("migrating", 190001, 190001)
    assert (await bench.get("/institution/v2/institutions/190001"))["institution"]["oauthEnabled"] is True


async def test_institutions_are_found_by_name(bench: Bench) -> None:
    """Any case, in pages."""
    found = await bench.get("/institution/v2/institutions?search=finbank&limit=1")
    assert (found["found"], found["displaying"], found["moreAvailable"]) == (2, 1, True)
    assert found["institutions"][0]["id"] == 101732
    assert (await bench.get("/institution/v2/institutions?search=none"))["institutions"] == []


@pytest.mark.parametrize(("days", "code"), [(None, "3004"), (0, "3003")])
async def test_consents_that_have_no_details(bench: Bench, days: int | None, code: str) -> None:
    """3003 for a legacy login, 3004 for a consent without an end."""
    customer = bench.sandbox.add_customer()
    bank = bench.sandbox.add_institution("Bank of Consent", oauth=days is None, consent_days=None)
    login = bench.sandbox.add_login(customer, bank.id, "demo", "go")
    answer = await bench.api.get(f"/customers/institution-logins/{login.id}/authorization-details")
    assert (answer.status_code, answer.json()["code"]) == (404, code)


async def test_a_consent_and_its_end(bench: Bench) -> None:
    """The window stands in the account and in the details; past its end the code is 947."""
    customer = bench.sandbox.add_customer()
    bank = bench.sandbox.add_institution("Bank of Consent", oauth=True, consent_days=90)
    login = bench.sandbox.add_login(customer, bank.id, "demo", "go", [Opening("checking", "Checking", 1.0)])
    details = await bench.get(f"/customers/institution-logins/{login.id}/authorization-details")
    assert details["authorizationEndDate"] == "2026-05-30 12:00:00.000000+00:00"
    (account,) = (await bench.get(f"{V1}/{customer}/accounts"))["accounts"]
    assert account["authorizationEndDate"] - account["authorizationStartDate"] == 90 * 86_400
    assert account["authorizationExpires"] is True
    await bench.after(days=89)
    assert bench.codes() == [0]
    await bench.after(days=2)
    assert bench.codes() == [947]
