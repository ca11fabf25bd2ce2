"""The chart, by Helm itself and by the schemas of the API servers that would get it."""

from pathlib import Path

import pytest

from tests.deployment.chart import CHART, NEWEST, OLDEST, VALUES, template
from tests.deployment.tools import ToolError, custom_schemas, go_program, kubernetes_schemas, ran

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]


@pytest.mark.parametrize("values", VALUES)
def test_helm_finds_nothing(values: str) -> None:
    """No error and no warning, under any of the values."""
    said = ran(go_program("helm"), "lint", CHART, "--strict", "--values", VALUES[values], "--kube-version", OLDEST)
    assert "[WARNING]" not in said
    assert "0 chart(s) failed" in said


def validated(path: Path, version: str) -> str:
    schemas = (kubernetes_schemas(version), custom_schemas())
    locations = [word for schema in schemas for word in ("-schema-location", schema)]
    return ran(
        go_program("kubeconform"), "-strict", "-summary", "-kubernetes-version", f"{version}.0", *locations, path
    )


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@pytest.mark.parametrize("values", VALUES)
def test_api_servers_would_take_it(values: str, version: str, tmp_path: Path) -> None:
    """Every field is one that its kind has in that version, and has a value that it takes; no kind is passed over."""
    (tmp_path / "rendered.yaml").write_text(template(VALUES[values], version=version))
    said = validated(tmp_path / "rendered.yaml", version)
    assert "Invalid: 0, Errors: 0, Skipped: 0" in said


def test_an_api_server_would_refuse_another(tmp_path: Path) -> None:
    """A field that is not there is told: the schemas are at work."""
    text = template(VALUES["full"])
    for right, wrong in (("readOnlyRootFilesystem", "readOnlyRoot"), ("targetLabel", "target")):
        assert right in text
        (tmp_path / "rendered.yaml").write_text(text.replace(right, wrong))
        with pytest.raises(ToolError, match=wrong):
            validated(tmp_path / "rendered.yaml", OLDEST)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("settings.bootstraps=kafka:9092", "bootstraps"),
        ("settings.callback_tokens=abcdefghijklmnopqrstuvwx", "callback_tokens"),
        ("agents.replicas=2", "agents"),
        ("agent.replicas=13", "agent.replicas is 13, but there are 12 partitions"),
        ("image.digest=latest", "digest"),
        ("snapshot.every=month", "every"),
        ("snapshot.snapshots.existingclaim=mine", "existingclaim"),
    ],
)
def test_values_that_would_do_nothing_are_refused(wrong: str, told: str) -> None:
    """A slip of the pen, a secret among the settings, or a worker without a partition ends it before it begins."""
    with pytest.raises(ToolError, match=told):
        template(VALUES["defaults"], "--set", wrong)


def test_a_package_is_the_same_chart(tmp_path: Path) -> None:
    """The rules, which are a link in the checkout, are files in the archive."""
    ran(go_program("helm"), "package", CHART, "--destination", tmp_path)
    (archive,) = tmp_path.glob("txpush-*.tgz")
    assert template(VALUES["full"], chart=archive) == template(VALUES["full"])
