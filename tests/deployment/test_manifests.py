"""The manifests for Kubernetes say what the image, the app and the settings say."""

import base64
import copy
import json
import re
from ipaddress import ip_network
from itertools import product
from typing import Any
from urllib.parse import urlsplit

import kubernetes_validate
import pytest
import typer.main
import yaml
from fastapi.routing import iter_route_contexts
from pydantic import SecretBytes, SecretStr

from app import bootstrap, worker
from app.addresses import _V4_CLOSED, _V6_OPEN
from app.cli import SERVING, cli
from app.doctor.database import BOOKING_CONNECTIONS, QUEUE_CONNECTIONS, connections_needed
from app.main import create_app
from app.outbound.mailer import SEND_SECONDS
from app.routers.openapi import document_settings
from app.settings import Settings
from tests.deployment.manifests import (
    KUBERNETES,
    ROOT,
    SECRETS,
    Manifest,
    container,
    environment,
    files,
    manifests,
    of_kind,
    read,
    selects,
    workloads,
)

PREFIX = "CALENDAR_CONNECT_"
OLDEST, NEWEST = "1.30", kubernetes_validate.latest_version()
DOCKERFILE = (ROOT / "Dockerfile").read_text()
KEY = base64.b64encode(bytes(range(32))).decode()
FILLED = {
    "DATABASE_URL": "postgresql://calendar_service:x@database/calendar_connect",
    f"{PREFIX}MASTER_KEYS": json.dumps({"1": KEY}),
    f"{PREFIX}SIGNING_KEY": KEY,
    f"{PREFIX}METRICS_TOKEN": "x" * 32,
}
"""What an operator puts where the example has nothing."""


def name_of(field: str) -> str:
    return "DATABASE_URL" if field == "database_url" else PREFIX + field.upper()


def pod(workload: Manifest) -> Manifest:
    return workload["spec"]["template"]["spec"]


def labels(workload: Manifest) -> dict[str, str]:
    return workload["spec"]["template"]["metadata"]["labels"]


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@pytest.mark.parametrize("path", files(), ids=lambda path: path.name)
def test_kubernetes_takes_every_manifest(path, version: str) -> None:
    documents = read(path)
    assert documents
    for document in documents:
        kubernetes_validate.validate(document, version, strict=True)


def test_the_validator_would_refuse_a_slip_of_the_pen() -> None:
    api = copy.deepcopy(workloads()["api"])
    container(api)["livenessProbe"]["httpGet"]["prot"] = "http"
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(api, NEWEST, strict=True)


@pytest.mark.parametrize("directory", [KUBERNETES, KUBERNETES / "migration"], ids=["service", "migration"])
def test_a_kustomization_names_its_files_and_no_secret(directory) -> None:
    kustomization = yaml.safe_load((directory / "kustomization.yaml").read_text())
    there = {path.name for path in directory.glob("*.yaml")} - {"kustomization.yaml", SECRETS.name}
    assert set(kustomization["resources"]) == there
    assert [image["name"] for image in kustomization["images"]] == ["calendar-connect"]
    kinds = {document["kind"] for name in kustomization["resources"] for document in read(directory / name)}
    assert "Secret" not in kinds


def test_both_kustomizations_run_the_same_image_in_the_same_namespace() -> None:
    service, migration = (
        yaml.safe_load((KUBERNETES / path / "kustomization.yaml").read_text()) for path in ("", "migration")
    )
    assert (service["images"], service["namespace"]) == (migration["images"], migration["namespace"])
    assert of_kind("Namespace").keys() == {service["namespace"]}
    named = {document["metadata"].get("namespace") for document in read(SECRETS)}
    assert named == {service["namespace"]}, "the secrets are applied by themselves"


def test_every_variable_is_a_setting() -> None:
    known = {name_of(field) for field in Settings.model_fields}
    for name, workload in workloads().items():
        assert set(environment(workload)) <= known, name


@pytest.mark.parametrize("name", ["api", "worker"])
def test_with_the_secrets_filled_in_the_settings_are_whole(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for field in Settings.model_fields:
        monkeypatch.delenv(name_of(field), raising=False)
    for variable, value in environment(workloads()[name]).items():
        monkeypatch.setenv(variable, value or FILLED.get(variable, ""))
    settings = Settings(_env_file=None)
    required = {name_of(field) for field, info in Settings.model_fields.items() if info.is_required()}
    assert required <= set(environment(workloads()[name]))
    assert settings.trusted_proxies == 1
    assert (settings.metrics_port, settings.metrics_host) == (
        (9100, "0.0.0.0") if name == "worker" else (None, "127.0.0.1")  # noqa: S104 - a pod's own
    )


def test_the_migration_has_the_database_alone_and_its_owner() -> None:
    migration = workloads()["migration"]
    assert set(environment(migration)) == {"DATABASE_URL"}
    [source] = container(migration)["envFrom"]
    assert source == {"secretRef": {"name": "calendar-connect-owner"}}


def test_what_is_secret_stands_in_secrets_and_has_no_value() -> None:
    kept = {name: value for secret in of_kind("Secret").values() for name, value in secret["stringData"].items()}
    assert set(kept.values()) == {""}
    told = of_kind("ConfigMap")["calendar-connect-settings"]["data"]
    fields = {name_of(field): str(info.annotation) for field, info in Settings.model_fields.items()}
    confidential = {name for name, kind in fields.items() if SecretStr.__name__ in kind or SecretBytes.__name__ in kind}
    assert {"DATABASE_URL", f"{PREFIX}SIGNING_KEY", f"{PREFIX}MASTER_KEYS", f"{PREFIX}SMTP_PASSWORD"} <= confidential
    assert not confidential & set(told)
    assert confidential <= set(kept)


def test_commands_ports_and_user_are_those_of_the_image() -> None:
    commands = typer.main.get_command(cli).commands  # type: ignore[attr-defined]
    assert json.loads(re.findall(r"^ENTRYPOINT (.*)$", DOCKERFILE, re.MULTILINE)[0]) == ["python", "-m", "app.cli"]
    for workload in workloads().values():
        assert "command" not in container(workload), "the image's entry point"
        assert container(workload)["args"][0] in commands
        assert container(workload)["image"] == "calendar-connect"
        assert pod(workload)["securityContext"]["runAsUser"] == int(
            re.findall(r"^USER (\d+)$", DOCKERFILE, re.MULTILINE)[0]
        )
    api = container(workloads()["api"])
    assert api["args"] == json.loads(re.findall(r"^CMD (\[\"serve.*)$", DOCKERFILE, re.MULTILINE)[0])
    assert [port["containerPort"] for port in api["ports"]] == [
        int(re.findall(r"^EXPOSE (\d+)$", DOCKERFILE, re.MULTILINE)[0])
    ]
    figures = environment(workloads()["worker"])[f"{PREFIX}METRICS_PORT"]
    assert [str(port["containerPort"]) for port in container(workloads()["worker"])["ports"]] == [figures]


def test_probes_ask_for_what_is_there() -> None:
    paths = {context.path for context in iter_route_contexts(create_app(document_settings()).routes)}
    for workload in (workloads()["api"], workloads()["worker"]):
        names = {port["name"] for port in container(workload)["ports"]}
        probes = {name: probe for name, probe in container(workload).items() if name.endswith("Probe")}
        assert {"startupProbe", "livenessProbe"} <= set(probes)
        for probe in probes.values():
            asked = probe.get("httpGet") or probe["tcpSocket"]
            assert asked["port"] in names
            assert asked.get("path", "/health/live") in paths
    api = container(workloads()["api"])
    assert api["livenessProbe"]["httpGet"]["path"] == "/health/live", "a dead database kills no API"
    assert api["readinessProbe"]["httpGet"]["path"] == "/health/ready"


@pytest.mark.parametrize("name", ["api", "worker", "migration"])
def test_a_pod_can_do_nothing_it_does_not_need(name: str) -> None:
    workload = workloads()[name]
    spec, confined = pod(workload), container(workload)["securityContext"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    assert spec["serviceAccountName"] in of_kind("ServiceAccount")
    assert confined["allowPrivilegeEscalation"] is False
    assert confined["readOnlyRootFilesystem"] is True
    assert confined["capabilities"] == {"drop": ["ALL"]}
    assert {mount["mountPath"] for mount in container(workload)["volumeMounts"]} == {"/tmp"}  # noqa: S108 - in memory, of the pod's own
    assert {"cpu", "memory"} <= set(container(workload)["resources"]["requests"])
    assert "memory" in container(workload)["resources"]["limits"]


def test_there_is_time_to_end_what_runs() -> None:
    api, working = pod(workloads()["api"]), pod(workloads()["worker"])
    waiting = container(workloads()["api"])["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert api["terminationGracePeriodSeconds"] > waiting + SERVING["timeout_graceful_shutdown"]
    readiness = container(workloads()["api"])["readinessProbe"]
    assert waiting > readiness["periodSeconds"], "the probes' own period is the least that anybody needs to notice"
    assert working["terminationGracePeriodSeconds"] > SEND_SECONDS + worker._SWEEPS_END_SECONDS


def test_selectors_take_the_pods_they_are_meant_for() -> None:
    for name in ("api", "worker"):
        workload = workloads()[name]
        assert selects(workload["spec"]["selector"], labels(workload))
        assert selects(of_kind("PodDisruptionBudget")[name]["spec"]["selector"], labels(workload))
        for constraint in pod(workload)["topologySpreadConstraints"]:
            assert selects(constraint["labelSelector"], labels(workload))
        target = of_kind("HorizontalPodAutoscaler")[name]["spec"]["scaleTargetRef"]
        assert target == {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
        assert "replicas" not in workload["spec"], "the autoscaler's to say"
    service = of_kind("Service")["api"]["spec"]
    taken = {
        name
        for name, workload in workloads().items()
        if selects({"matchLabels": service["selector"]}, labels(workload))
    }
    assert taken == {"api"}
    assert service["ports"][0]["targetPort"] in {port["name"] for port in container(workloads()["api"])["ports"]}


def test_a_budget_lets_a_node_be_emptied_and_leaves_somebody() -> None:
    for name, budget in of_kind("PodDisruptionBudget").items():
        assert of_kind("HorizontalPodAutoscaler")[name]["spec"]["minReplicas"] > budget["spec"]["maxUnavailable"] >= 1


def test_the_ingress_leads_to_the_api_and_not_to_its_figures() -> None:
    [rule] = of_kind("Ingress")["api"]["spec"]["rules"]
    told = of_kind("ConfigMap")["calendar-connect-settings"]["data"]
    assert (
        rule["host"] == urlsplit(told[f"{PREFIX}PUBLIC_URL"]).hostname == urlsplit(told[f"{PREFIX}PUSH_URL"]).hostname
    )
    [tls] = of_kind("Ingress")["api"]["spec"]["tls"]
    assert tls["hosts"] == [rule["host"]]
    prefixes = [path["path"] for path in rule["http"]["paths"]]
    served = {context.path for context in iter_route_contexts(create_app(document_settings()).routes)}
    reached = tuple(f"{prefix}/" for prefix in prefixes)
    unreached = {path for path in served if not f"{path}/".startswith(reached)}
    assert unreached == {"/metrics", "/metrics/process"}
    for path in rule["http"]["paths"]:
        assert path["backend"]["service"] == {
            "name": "api",
            "port": {"name": of_kind("Service")["api"]["spec"]["ports"][0]["name"]},
        }


def policies(direction: str, name: str) -> list[Manifest]:
    """The policies that say something of a workload's pods in one direction."""
    return [
        policy["spec"]
        for policy in of_kind("NetworkPolicy").values()
        if direction in policy["spec"]["policyTypes"]
        and selects(policy["spec"]["podSelector"], labels(workloads()[name]))
    ]


def ports(name: str, direction: str, key: str) -> set[Any]:
    rules = [rule for policy in policies(direction, name) for rule in policy.get(key, [])]
    assert all(rule.get("ports") and rule.get("from" if key == "ingress" else "to") for rule in rules), "all or nobody"
    return {port["port"] for rule in rules for port in rule["ports"]}


def test_the_network_lets_through_what_is_needed_and_no_more() -> None:
    names = ("api", "worker", "migration")
    assert all(
        of_kind("NetworkPolicy")["nothing"]["spec"] in policies(way, name)
        for way, name in product(("Ingress", "Egress"), names)
    )
    assert {name: ports(name, "Ingress", "ingress") for name in names} == {
        "api": {"http"},
        "worker": {"metrics"},
        "migration": set(),
    }
    assert ports("migration", "Egress", "egress") == {53, 5432}
    told = of_kind("ConfigMap")["calendar-connect-settings"]["data"]
    for name in ("api", "worker"):
        out = ports(name, "Egress", "egress")
        assert out == {53, 443, 465, 587, 5432}
        assert int(told[f"{PREFIX}SMTP_PORT"]) in out


def test_the_way_to_the_internet_leads_to_no_network_of_ones_own() -> None:
    [rule] = of_kind("NetworkPolicy")["to-the-internet"]["spec"]["egress"]
    closed = [ip_network(network) for target in rule["to"] for network in target["ipBlock"].get("except", [])]
    assert set(closed) == set(_V4_CLOSED), "what the service refuses by itself"
    assert [target["ipBlock"]["cidr"] for target in rule["to"]] == ["0.0.0.0/0", str(_V6_OPEN)]


def test_the_doctor_counts_connections_as_the_code_opens_them() -> None:
    assert bootstrap._BOOKING_CONNECTIONS == BOOKING_CONNECTIONS
    assert worker._QUEUE_CONNECTIONS == QUEUE_CONNECTIONS


def test_the_database_has_room_for_all_that_the_autoscalers_may_start() -> None:
    settings = document_settings().model_copy(
        update={
            "database_pool_size": int(
                of_kind("ConfigMap")["calendar-connect-settings"]["data"][f"{PREFIX}DATABASE_POOL_SIZE"]
            ),
            "metrics_port": 9100,
        }
    )
    most = {
        name: of_kind("HorizontalPodAutoscaler")[name]["spec"]["maxReplicas"]
        + workloads()[name]["spec"]["strategy"]["rollingUpdate"]["maxSurge"]
        for name in ("api", "worker")
    }
    needed = connections_needed(settings, api=most["api"], workers=most["worker"])
    told = re.findall(r"`max_connections` of at least (\d+)", (ROOT / "docs" / "deployment.md").read_text())
    assert told == [str(needed + 10)], "ten for the migration, the doctor and people"


def test_nothing_of_the_manifests_is_left_unread() -> None:
    kinds = {manifest["kind"] for manifest in manifests()}
    assert kinds == {
        *("Namespace", "ServiceAccount", "ConfigMap", "Secret", "Deployment", "Job", "Service", "Ingress"),
        *("HorizontalPodAutoscaler", "PodDisruptionBudget", "NetworkPolicy"),
    }


def test_the_proxy_closes_idle_connections_before_the_service_does() -> None:
    proxies = 60  # nginx: upstream-keepalive-timeout, keepalive_timeout of an upstream
    told = re.search(r"\*\*Idle connections\*\* are kept for (\d+) seconds", (ROOT / "docs/deployment.md").read_text())
    assert proxies < SERVING["timeout_keep_alive"] == int(told[1])
