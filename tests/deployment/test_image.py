"""The image, by the linter of Dockerfiles."""

import pytest

from tests.deployment.tools import ROOT, ToolError, hadolint, ran

pytestmark = pytest.mark.slow


def test_the_linter_finds_nothing() -> None:
    """Not even in style, and with nothing of it turned off."""
    dockerfile = ROOT / "deploy" / "docker" / "Dockerfile"
    assert "hadolint" not in dockerfile.read_text()
    assert ran(hadolint(), "--no-color", "--failure-threshold", "style", dockerfile) == ""


def test_the_linter_would_find_something() -> None:
    """A base without a version is told: the linter is at work."""
    with pytest.raises(ToolError, match="DL3006"):
        ran(hadolint(), "--no-color", "-", stdin="FROM python\n")
