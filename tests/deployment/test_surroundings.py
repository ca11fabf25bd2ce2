"""What the chart puts around the pods: who finds them, who reaches them, who evicts them, and who watches them."""

import re
from pathlib import Path

import pytest
import yaml

from schemas.contract.channels import Component
from tests.deployment.chart import JOBS, VALUES, Document, Pod, of_kind, pods
from tests.deployment.tools import ROOT, promtool, ran

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

RULES = sorted((ROOT / "deploy" / "prometheus" / "rules").glob("*.yaml"))
every = pytest.mark.parametrize("values", VALUES)
guarded = pytest.mark.parametrize("values", ["defaults", "full"])


def chosen(values: str, selector: Document) -> list[Pod]:
    return [pod for pod in pods(values) if pod.is_selected(selector)]


@every
def test_a_drain_takes_one_at_a_time(values: str) -> None:
    """Each component of which there may be several has its own budget; a pod that is broken anyway does not count."""
    budgets = [one["spec"] for one in of_kind(values, "PodDisruptionBudget")]
    found = [pod.component for one in budgets for pod in chosen(values, one["selector"])]
    assert sorted(found) == sorted({pod.component for pod in pods(values)} - {Component.CANARY} - JOBS)
    assert {one["maxUnavailable"] for one in budgets} == {1}
    assert {one["unhealthyPodEvictionPolicy"] for one in budgets} == {"AlwaysAllow"}


@every
def test_pods_spread_over_zones_and_nodes(values: str) -> None:
    """Each component by itself: a constraint counts its own pods only."""
    for pod in pods(values):
        spread = pod.spec["topologySpreadConstraints"]
        assert [one["topologyKey"] for one in spread] == ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]
        for one in spread:
            assert [found.name for found in chosen(values, one["labelSelector"])] == [pod.name]


@every
def test_services_lead_to_ports_that_are_there(values: str) -> None:
    """Each has the pods of one component behind it, and no port that those do not have."""
    for service in of_kind(values, "Service"):
        (pod,) = chosen(values, service["spec"]["selector"])
        names = {one["name"] for one in pod.container["ports"]}
        assert {one["targetPort"] for one in service["spec"]["ports"]} == names
    governing = {pod.name: pod.workload["spec"]["serviceName"] for pod in pods(values) if pod.kind == "StatefulSet"}
    assert set(governing.values()) <= {one["metadata"]["name"] for one in of_kind(values, "Service")}


@guarded
def test_nothing_passes_that_is_not_named(values: str) -> None:
    """One policy refuses all to every pod; each component has one besides, and no other reaches into it."""
    policies = [one["spec"] for one in of_kind(values, "NetworkPolicy")]
    (nothing,) = (one for one in policies if "ingress" not in one and "egress" not in one)
    assert nothing["policyTypes"] == ["Ingress", "Egress"]
    assert len(chosen(values, nothing["podSelector"])) == len(pods(values))
    named = [pod.component for one in policies if one is not nothing for pod in chosen(values, one["podSelector"])]
    assert sorted(named) == sorted(pod.component for pod in pods(values))
    assert all(one["policyTypes"] == ["Ingress", "Egress"] for one in policies)


def ways(values: str, way: str) -> dict[str, dict[object, list[Document]]]:
    """Give for each component the peers by port, of one way."""
    found: dict[str, dict[object, list[Document]]] = {}
    for policy in (one["spec"] for one in of_kind(values, "NetworkPolicy")):
        if way in policy:
            (pod,) = chosen(values, policy["podSelector"])
            found[pod.component] = {
                port["port"]: rule.get("to", rule.get("from", [])) for rule in policy[way] for port in rule["ports"]
            }
    return found


@guarded
def test_each_reaches_what_it_needs(values: str) -> None:
    """Names and Kafka for all, the vendor for who calls it, the bridge for the canary."""
    more: dict[str, set[object]] = {"executor": {443}, "sweep": {443}, "canary": {"http"}}
    found = ways(values, "egress")
    assert {component: set(ports) for component, ports in found.items()} == {
        pod.component: {53, 9093, *more.get(pod.component, ())} for pod in pods(values)
    }
    (peer,) = found[Component.CANARY]["http"]
    assert [pod.component for pod in chosen(values, peer["podSelector"])] == [Component.BRIDGE]


@guarded
def test_each_is_reached_by_whom_it_serves(values: str) -> None:
    """Proxies where the outside world is served, the canary at the bridge, Prometheus everywhere; nobody at jobs."""
    found = ways(values, "ingress")
    served = {Component.BRIDGE, Component.EXECUTOR}
    assert {component: set(ports) for component, ports in found.items()} == {
        pod.component: {"admin", *(["http"] if pod.component in served else [])}
        for pod in pods(values)
        if pod.component not in JOBS
    }
    if values == "full":
        proxy, canary = found[Component.BRIDGE]["http"]
        assert found[Component.EXECUTOR]["http"] == [proxy]
        assert [pod.component for pod in chosen(values, canary["podSelector"])] == [Component.CANARY]


def test_prometheus_finds_all_under_the_names_of_the_rules() -> None:
    """Each monitor has one service behind it, and gives its pods the job that rules and alerts look for."""
    services = of_kind("full", "Service")
    jobs = {}
    for monitor in of_kind("full", "ServiceMonitor"):
        labels = monitor["spec"]["selector"]["matchLabels"]
        (service,) = (one for one in services if labels.items() <= one["metadata"]["labels"].items())
        (endpoint,) = monitor["spec"]["endpoints"]
        assert endpoint["port"] in {one["name"] for one in service["spec"]["ports"]}
        assert monitor["metadata"]["labels"]["release"] == "prometheus"
        (job,) = (one["replacement"] for one in endpoint["relabelings"] if one["targetLabel"] == "job")
        jobs[service["spec"]["selector"]["app.kubernetes.io/component"]] = job
    watched = {pod.component for pod in pods("full")} - JOBS
    assert jobs == {component: f"txpush-{component}" for component in watched}
    asked = [job for path in RULES for job in re.findall(r'job=~"([^"]+)"', path.read_text())]
    assert asked
    assert all(re.fullmatch(pattern, job) for pattern in asked for job in jobs.values())


def test_rules_are_those_of_the_folder(tmp_path: Path) -> None:
    """Not a word is another than in deploy/prometheus/rules, and Prometheus takes them."""
    found = {one["metadata"]["name"]: one["spec"] for one in of_kind("full", "PrometheusRule")}
    assert found == {f"prod-{path.stem}": yaml.safe_load(path.read_text()) for path in RULES}
    for name, spec in found.items():
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(spec))
    assert "SUCCESS" in ran(promtool(), "check", "rules", *tmp_path.glob("*.yaml"))


@every
def test_what_is_not_wanted_is_not_there(values: str) -> None:
    """No policy, monitor or rule where they are turned off."""
    kinds = {"ServiceMonitor", "PrometheusRule"} if values != "full" else set[str]()
    kinds |= {"NetworkPolicy"} if values == "least" else set()
    assert [kind for kind in kinds if of_kind(values, kind)] == []
