"""What the chart makes of each component: its command, settings, secrets and limits."""

from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from schemas.contract.channels import Component
from streams.cli import txpush
from streams.settings import NO_SETTINGS, PREFIX, Settings
from streams.snapshots.command import snapshot
from tests.deployment.chart import JOBS, VALUES, Pod, of_kind, pods
from tests.deployment.tools import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

SECRET = {name for name, field in Settings.model_fields.items() if "SecretStr" in str(field.annotation)}
SECRETS = "/run/secrets/txpush"
USED = {
    "bridge": {"callback_tokens", "partner_secrets", "proxy_secrets", "pseudonym_keys", "sealing_keys"},
    "agent": {"link_keys", "pseudonym_keys"},
    "institutions": {"pseudonym_keys"},
    "executor": {"app_key", "callback_tokens", "link_keys", "partner_secrets", "pseudonym_keys"},
    "canary": {"canary_token", "pseudonym_keys"},
    "auditor": set(),
    "snapshot": set(),
    "sweep": {"app_key", "partner_secrets", "pseudonym_keys"},
}
STARTED = {Component.BRIDGE, Component.AGENT, Component.INSTITUTIONS}
OPTIONAL = {Component.EXECUTOR, Component.CANARY} | JOBS
every = pytest.mark.parametrize("values", VALUES)


@every
def test_every_component_is_there(values: str) -> None:
    """Each once, under the command of its name; those that are not wanted leave nothing."""
    wanted = STARTED if values == "least" else STARTED | OPTIONAL
    assert sorted(pod.component for pod in pods(values)) == sorted(wanted)
    for pod in pods(values):
        told = CliRunner().invoke(txpush, [*pod.container["args"], "--help"])
        command = "audit checkpoint" if pod.component == Component.AUDITOR else pod.component
        assert told.output.startswith(f"Usage: txpush {command} ["), pod.name


@every
def test_every_variable_is_a_setting(values: str) -> None:
    """The settings know each name and take each value, large numbers too; files are tried by nobody here."""
    for pod in pods(values):
        ours = {name: value for name, value in pod.environment.items() if name not in NO_SETTINGS}
        given = {name.removeprefix(PREFIX).lower(): value for name, value in ours.items()}
        assert given.keys() <= Settings.model_fields.keys()
        Settings(**{name: value for name, value in given.items() if not name.startswith("kafka_")})
        assert given.get("max_held_bytes", "8589934592") == "8589934592"


@every
def test_secrets_are_files(values: str) -> None:
    """No variable is a secret; each component sees the files of those that it uses, and of no other's."""
    for pod in pods(values):
        assert not {name.removeprefix(PREFIX).lower() for name in pod.environment} & SECRET
        assert not any("secretKeyRef" in str(one) for one in pod.container["env"])
        files = {path for path in pod.secret_files() if path.startswith(SECRETS)}
        assert pod.environment.get("TXPUSH_SECRETS_DIR") == (SECRETS if files else None)
        names = {Path(path).name for path in files}
        assert names - {"kafka_password"} == USED[pod.component]
        assert names <= SECRET
        assert {one for path, one in pod.secret_files().items() if Path(path).name in USED[pod.component]} == {
            ("txpush", name) for name in USED[pod.component]
        }


def test_users_are_those_of_strimzi() -> None:
    """Each component is who the generated users say, with the password of the Secret that Strimzi makes for it."""
    users = {one["metadata"]["name"] for one in yaml.safe_load_all((ROOT / "deploy/strimzi/users.yaml").read_text())}
    for pod in pods("defaults"):
        name = f"txpush-{pod.component}"
        assert name in users
        assert pod.environment["TXPUSH_KAFKA_USERNAME"] == name
        assert pod.secret_files()[f"{SECRETS}/kafka_password"] == (name, "password")
        assert pod.secret_files()[pod.environment["TXPUSH_KAFKA_CA_FILE"]] == ("txpush-cluster-ca-cert", "ca.crt")


def test_certificates_are_those_of_the_user() -> None:
    """Where brokers ask for one, it and its key are where the settings say, and nobody has a password."""
    for pod in pods("full"):
        files, names = pod.secret_files(), pod.environment
        assert files[names["TXPUSH_KAFKA_CERTIFICATE_FILE"]] == (f"txpush-{pod.component}", "user.crt")
        assert files[names["TXPUSH_KAFKA_KEY_FILE"]] == (f"txpush-{pod.component}", "user.key")
        assert files[names["TXPUSH_KAFKA_CA_FILE"]][1] == "ca.crt"
        assert f"{SECRETS}/kafka_password" not in files
        assert not {"TXPUSH_KAFKA_USERNAME", "TXPUSH_KAFKA_SASL_MECHANISM"} & names.keys()


def test_without_tls_nobody_is_told_of_files() -> None:
    """The settings would refuse them: nobody looks at a certificate then."""
    for pod in pods("least"):
        assert pod.environment["TXPUSH_KAFKA_SECURITY_PROTOCOL"] == "PLAINTEXT"
        assert not {name for name in pod.environment if name.startswith("TXPUSH_KAFKA_")} - {
            "TXPUSH_KAFKA_SECURITY_PROTOCOL"
        }
        assert pod.secret_files().keys() == {f"{SECRETS}/{name}" for name in USED[pod.component]}


@every
def test_a_pod_may_do_its_work_and_nothing_else(values: str) -> None:
    """Nobody's root, no capability, a root that cannot be written to, and no way to ask the API server."""
    for pod in pods(values):
        assert pod.spec["securityContext"]["runAsNonRoot"] is True
        assert pod.spec["securityContext"]["runAsUser"] == 10001
        assert pod.spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod.spec["automountServiceAccountToken"] is False
        assert pod.container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert pod.container["resources"].keys() == {"requests", "limits"}
    (account,) = of_kind(values, "ServiceAccount")
    assert account["automountServiceAccountToken"] is False
    assert {pod.spec["serviceAccountName"] for pod in pods(values)} == {account["metadata"]["name"]}


@every
def test_probes_ask_the_admin_port(values: str) -> None:
    """Liveness and readiness are different questions, on the port that the process is told to answer at."""
    for pod in pods(values):
        if pod.component in JOBS:
            assert not {name for name in pod.container if name.endswith("Probe")}
            continue
        ports = {one["name"]: one["containerPort"] for one in pod.container["ports"]}
        assert pod.environment["TXPUSH_ADMIN_PORT"] == str(ports["admin"])
        assert pod.environment["TXPUSH_ADMIN_HOST"] == "0.0.0.0"  # noqa: S104 - inside the pod
        asked = {name: pod.container[name]["httpGet"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
        assert {one["path"] for name, one in asked.items() if name != "readinessProbe"} == {"/healthz"}
        assert asked["readinessProbe"]["path"] == "/readyz"
        assert {one["port"] for one in asked.values()} == {"admin"}


@every
def test_no_kill_ends_an_orderly_stop(values: str) -> None:
    """There is time for the pause before it, for the longest stop, and to spare."""
    for pod in pods(values):
        pause = pod.container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        longest = Settings(shutdown_seconds=pod.environment["TXPUSH_SHUTDOWN_SECONDS"]).shutdown_seconds
        assert pod.spec["terminationGracePeriodSeconds"] >= pause + longest + 5


@every
def test_checkpoints_are_signed_by_a_key_of_their_own_and_stay(values: str) -> None:
    """The key is nobody else's file; what is signed lies on a claim that a deleted release leaves there."""
    key = "/etc/txpush/audit/audit_key"
    found = {pod.component: pod.secret_files()[key] for pod in pods(values) if key in pod.secret_files()}
    secret = {"defaults": "txpush-audit", "full": "signing"}
    assert found == ({Component.AUDITOR: (secret[values], "audit_key")} if values in secret else {})
    for pod in pods(values):
        if pod.component == Component.AUDITOR:
            args = pod.container["args"]
            assert args[args.index("--key") + 1] == key
            assert_kept(values, pod, "worm")


@every
def test_snapshots_are_taken_by_one_process_and_stay(values: str) -> None:
    """A job looks once a day, at so many partitions at once as its memory is for, and is not tried again."""
    options = {
        "defaults": ["--every", "30d", "--once", "--jobs", "1"],
        "full": ["--every", "7d", "--once", "--jobs", "4"],
    }
    found = [pod for pod in pods(values) if pod.component == Component.SNAPSHOT]
    assert [pod.container["args"][3:] for pod in found] == ([options[values]] if values in options else [])
    for pod in found:
        snapshot.make_context("snapshot", pod.container["args"][1:])
        minute, hour, *rest = pod.workload["spec"]["schedule"].split()
        assert minute.isdigit()
        assert hour.isdigit()
        assert rest == ["*", "*", "*"]
        assert pod.workload["spec"]["jobTemplate"]["spec"]["activeDeadlineSeconds"] < 24 * 3600
        assert_kept(values, pod, "private")


def assert_kept(values: str, pod: Pod, theirs: str) -> None:
    """What a job writes is on a claim that a deleted release leaves there, or on theirs; one job at a time, one try."""
    args, mounts = pod.container["args"], pod.container["volumeMounts"]
    (mount,) = (one for one in mounts if args[args.index("--to") + 1].startswith(f"{one['mountPath']}/"))
    (volume,) = (one for one in pod.spec["volumes"] if one["name"] == mount["name"])
    claims = {one["metadata"]["name"]: one for one in of_kind(values, "PersistentVolumeClaim")}
    name = volume["persistentVolumeClaim"]["claimName"]
    if values == "full":
        assert name == theirs
        assert not claims
    else:
        assert claims[name]["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
    job = pod.workload["spec"]["jobTemplate"]["spec"]
    assert pod.workload["spec"]["concurrencyPolicy"] == "Forbid"
    assert (job["backoffLimit"], pod.spec["restartPolicy"]) == (0, "Never")


def folds(values: str) -> list[Pod]:
    return [pod for pod in pods(values) if pod.component in {Component.AGENT, Component.INSTITUTIONS}]


@every
def test_agents_keep_their_names_and_their_state(values: str) -> None:
    """The pod's name stays with its number, and is the group's static member; its state lies on a volume of its own."""
    for pod in folds(values):
        assert pod.kind == "StatefulSet"
        (instance,) = (one for one in pod.container["env"] if one["name"] == "TXPUSH_INSTANCE")
        assert instance["valueFrom"] == {"fieldRef": {"fieldPath": "metadata.name"}}
        assert {"name": "state", "mountPath": pod.environment["TXPUSH_STATE_DIR"]} in pod.container["volumeMounts"]
        claims = [one["metadata"]["name"] for one in pod.workload["spec"].get("volumeClaimTemplates", [])]
        volumes = [one["name"] for one in pod.spec["volumes"]]
        assert [*claims, *volumes].count("state") == 1
        assert pod.workload["spec"]["minReadySeconds"] >= float(pod.environment.get("TXPUSH_SESSION_SECONDS", 10))


@every
def test_only_the_bridge_scales_by_itself(values: str) -> None:
    """More agents move partitions, and take as long to be of use as the wave that they were to help with."""
    scaled = [one["spec"] for one in of_kind(values, "HorizontalPodAutoscaler")]
    assert len(scaled) == (values != "least")
    for one in scaled:
        assert one["scaleTargetRef"]["name"] == "prod-bridge"
        assert one["minReplicas"] < one["maxReplicas"]
        assert "replicas" not in next(pod for pod in pods(values) if pod.component == Component.BRIDGE).workload["spec"]
