"""The settings: all that is wrong with them at once, and what the chosen components lack."""

from collections.abc import Callable, Mapping, Sequence

from schemas.contract.channels import Component
from schemas.policy import Policy, PolicyError
from streams.bridge.command import bridge_settings
from streams.bridge.services.callers import CallersError
from streams.canary.process import CanarySettings
from streams.doctor.findings import Finding, ok, wrong
from streams.doctor.scope import Scope
from streams.executor.command import needed
from streams.links import links_of
from streams.settings import Settings, SettingsError
from streams.vendor import VendorSettings

Lacks = Callable[[Settings], list[str]]
"""Gives what a component lacks, or raises an error that says so."""

REMEDY = "mend the setting, in the environment, in TXPUSH_SETTINGS_FILE or in TXPUSH_SECRETS_DIR"


def refused(error: SettingsError) -> list[Finding]:
    """Give each problem of settings that cannot be read at all."""
    return [wrong(line, REMEDY) for line in str(error).splitlines()]


async def look(scope: Scope) -> Sequence[Finding]:
    """Say what the chosen components lack."""
    problems = [
        wrong(f"{component}: {problem}", REMEDY)
        for component, lacks in NEEDS.items()
        if component in scope.components
        for problem in _problems(lacks, scope.settings)
    ]
    names = ", ".join(sorted(scope.components)) or "no component in particular: name one with --component"
    return problems or [ok(f"all can be used; looked at for {names}")]


def _problems(lacks: Lacks, settings: Settings) -> list[str]:
    try:
        return lacks(settings)
    except (SettingsError, CallersError, PolicyError) as error:
        return str(error).splitlines()


def _bridge(settings: Settings) -> list[str]:
    return bridge_settings(settings).problems()


def _agent(settings: Settings) -> list[str]:
    links_of(settings)
    return _institutions(settings)


def _institutions(settings: Settings) -> list[str]:
    Policy.load(settings.policy_file)
    return []


def _executor(settings: Settings) -> list[str]:
    needed(settings)
    return []


def _sweep(settings: Settings) -> list[str]:
    VendorSettings.of(settings)
    return []


def _canary(settings: Settings) -> list[str]:
    CanarySettings.of(settings)
    return []


NEEDS: Mapping[Component, Lacks] = {
    Component.BRIDGE: _bridge,
    Component.AGENT: _agent,
    Component.INSTITUTIONS: _institutions,
    Component.EXECUTOR: _executor,
    Component.SWEEP: _sweep,
    Component.CANARY: _canary,
}
"""What each component takes from the settings at its start."""
