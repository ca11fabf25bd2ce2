"""The files of `deploy/strimzi` are the code's own lists: topics with their settings, users with their rights."""

import re
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from schemas.contract.channels import Component
from streams.kafka.acls.rights import rights
from streams.kafka.acls.users import DEFAULTS, UserError, rights_of, users
from streams.kafka.topics import Layout, contract

FOLDER = Path(__file__).parents[3] / "deploy" / "strimzi"
KUBERNETES_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
Granted = set[tuple[str, str, bool, str]]


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    """The program that writes the files; no folder of `deploy` is a package."""
    spec = spec_from_file_location("generate", FOLDER / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def documents(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((FOLDER / name).read_text()))


def test_the_files_are_what_is_generated(generate: ModuleType) -> None:
    """Nobody has changed them by hand, nor the lists without them: `python deploy/strimzi/generate.py`."""
    wanted = generate.files(generate.CLUSTER, Layout(), DEFAULTS)
    assert {name: (FOLDER / name).read_text() for name in wanted} == wanted


def test_topics_are_those_of_the_contract() -> None:
    """Every topic, with partitions, replicas and settings as `txpush topics check` wants them, and no other."""
    found = {one["metadata"]["name"]: one["spec"] for one in documents("topics.yaml")}
    assert found == {
        topic.name: {"partitions": 12, "replicas": 3, "config": {"min.insync.replicas": "2", **topic.config}}
        for topic in contract()
    }


def granted(user: dict[str, Any]) -> Iterator[tuple[str, str, bool, str]]:
    for acl in user["spec"]["authorization"]["acls"]:
        resource = acl["resource"]
        sort = resource["type"].replace("transactionalId", "transactional-id")
        for operation in acl["operations"]:
            yield sort, resource["name"], resource["patternType"] == "prefix", operation


def test_users_are_the_components() -> None:
    """One user for each component of the ACL table, by the name that `txpush topics acls` gives it."""
    names = [one["metadata"]["name"] for one in documents("users.yaml")]
    assert names == [f"txpush-{component}" for component in Component]


@pytest.mark.parametrize("component", Component)
def test_a_user_may_do_what_its_component_does(component: Component) -> None:
    """All of its rights, and not one more; none of them refuses, nor is given on the whole cluster."""
    (user,) = (one for one in documents("users.yaml") if one["metadata"]["name"] == f"txpush-{component}")
    (named,) = (one for one in DEFAULTS if one.component is component)
    wanted: Granted = {(right.resource, right.name, right.is_prefix, right.operation) for right in rights_of(named)}
    assert set(granted(user)) == wanted
    assert len(wanted) == len(rights(component))


def test_names_are_names_of_kubernetes() -> None:
    """The API server takes them as they are."""
    found = [one["metadata"]["name"] for name in ("topics.yaml", "users.yaml") for one in documents(name)]
    assert [name for name in found if not KUBERNETES_NAME.fullmatch(name)] == []


def test_services_get_users_of_their_own(generate: ModuleType) -> None:
    """Each reads commands in groups of its own name, and takes the place of the default."""
    made = list(generate.kafka_users("events", users(["downstream=User:mailer", "downstream=User:crm"])))
    mailer = next(one for one in made if one["metadata"]["name"] == "mailer")
    assert {"mailer", "mailer."} == {name for sort, name, _, _ in granted(mailer) if sort == "group"}
    assert "txpush-downstream" not in {one["metadata"]["name"] for one in made}
    assert {one["metadata"]["labels"]["strimzi.io/cluster"] for one in made} == {"events"}


def test_a_certificates_subject_is_no_user_here(generate: ModuleType) -> None:
    """Strimzi makes the certificates of its users, so a subject of another's is told, not written."""
    with pytest.raises(UserError, match="no name for a KafkaUser"):
        list(generate.kafka_users("events", users(["agent=User:CN=agent,O=Example"])))
