"""The doctor under each component's own user, and where the brokers do not let us in."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from schemas.contract.channels import Component
from streams.doctor.findings import Checked, Status
from streams.doctor.scope import COMPONENTS
from streams.settings import Settings
from tests.integration.doctor.looking import first, looked, settings, words
from tests.integration.kafka.securing import Secured, name_of, prepare, secured

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(300)]

KEY = "sealing-key-of-these-tests-0000000"
VENDOR = {"app_key": "key", "partner_id": "1", "partner_secrets": "secret", "vendor_url": "http://127.0.0.1:1"}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    """A broker with the topics and the ACLs of the contract; users show a password."""
    with secured(tmp_path_factory.mktemp("doctor")) as made:
        asyncio.run(prepare(made))
        yield made


def of(cluster: Secured, component: Component, **more: object) -> Settings:
    """Give the settings of a component's own user."""
    identity = {name.lower(): value for name, value in cluster.identity(name_of(component)).items()}
    return settings(cluster.bootstrap, **(identity | VENDOR | {"sealing_keys": KEY} | more))


def left_out(found: dict[str, Checked]) -> dict[str, str]:
    """Give what was not looked at, and why."""
    return {
        name: one.what for name, checked in found.items() for one in checked.findings if one.status is Status.LEFT_OUT
    }


@pytest.mark.parametrize("component", COMPONENTS)
async def test_each_component_may_look_at_what_concerns_it(cluster: Secured, component: Component) -> None:
    """By its own ACLs nothing of its own checks is left out, and its rights are all that it needs and no more."""
    found = await looked(of(cluster, component), component)
    assert left_out(found) == {}
    assert found["rights"].status is Status.OK, words(found["rights"])
    assert f"all that {component} needs" in words(found["rights"])
    for name in ("brokers", "cluster", "topics", "clock"):
        assert found[name].status is Status.OK, (name, words(found[name]))


async def test_what_a_bridge_may_not_see_is_said(cluster: Secured) -> None:
    """Asked for everything, it says which checks its user has no right to, and for whom its rights would do."""
    found = await looked(of(cluster, Component.BRIDGE))
    hidden = left_out(found)
    assert hidden.keys() == {"credentials", "policy", "lag", "paused"}
    assert "no right" in hidden["lag"]
    assert first(found["rights"]).what.startswith("enough for bridge;")
    assert found["dead letters"].status is Status.OK


async def test_the_rights_of_another_component_are_told(cluster: Secured) -> None:
    """An agent that runs as the bridge lacks most of what it needs, and the administrator's command is named."""
    (finding,) = (await looked(of(cluster, Component.BRIDGE), Component.AGENT))["rights"].findings
    assert (finding.status, finding.what.startswith("agent lacks Read on topic")) == (Status.WRONG, True)
    assert "txpush topics acls --apply" in finding.remedy
    swapped = (await looked(of(cluster, Component.EXECUTOR), Component.BRIDGE))["rights"]
    assert "bridge may write to vendor.auth" in words(swapped)


async def test_a_wrong_password_is_told_and_not_shown(cluster: Secured) -> None:
    """The settings are named; what needs a broker is left out."""
    found = await looked(of(cluster, Component.AGENT, kafka_password="canary-password"), Component.AGENT)  # noqa: S106
    assert "does not know the user 'txpush-agent' with that password" in first(found["brokers"]).what
    assert "TXPUSH_KAFKA_PASSWORD" in first(found["brokers"]).remedy
    assert found["lag"].status is Status.LEFT_OUT
    assert "canary" not in "".join(words(one) for one in found.values())


async def test_another_authority_is_told(cluster: Secured, tmp_path: Path) -> None:
    """A broker whose certificate somebody else has signed is none of ours."""
    trustme.CA().cert_pem.write_to_path(str(other := tmp_path / "other.pem"))
    found = await looked(of(cluster, Component.AGENT, kafka_ca_file=other), Component.AGENT)
    assert f"signed by nobody in TXPUSH_KAFKA_CA_FILE={other}" in first(found["brokers"]).what


async def test_another_protocol_is_guessed_at(cluster: Secured) -> None:
    """A listener that hangs up on a client without TLS."""
    found = await looked(settings(cluster.bootstrap), Component.BRIDGE)
    assert (first(found["brokers"]).status, "hangs up on us" in first(found["brokers"]).what) == (Status.WRONG, True)
