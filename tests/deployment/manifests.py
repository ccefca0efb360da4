"""The files of deploy/kubernetes, read."""

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
KUBERNETES = ROOT / "deploy" / "kubernetes"
SECRETS = KUBERNETES / "secrets.example.yaml"
Manifest = dict[str, Any]


def read(path: Path) -> list[Manifest]:
    """The documents of a file."""
    return [document for document in yaml.safe_load_all(path.read_text()) if document is not None]


def files() -> list[Path]:
    """Every file that Kubernetes itself is given."""
    return sorted(path for path in KUBERNETES.rglob("*.yaml") if path.name != "kustomization.yaml")


def manifests() -> list[Manifest]:
    """All of them."""
    return [document for path in files() for document in read(path)]


def of_kind(*kinds: str) -> dict[str, Manifest]:
    """Those of some kinds, by name."""
    return {manifest["metadata"]["name"]: manifest for manifest in manifests() if manifest["kind"] in kinds}


def workloads() -> dict[str, Manifest]:
    """What runs: `api`, `worker`, `migration`."""
    return of_kind("Deployment", "Job")


def container(workload: Manifest) -> Manifest:
    """The one container of a workload."""
    [only] = workload["spec"]["template"]["spec"]["containers"]
    assert isinstance(only, dict)
    return only


def environment(workload: Manifest) -> dict[str, str]:
    """The variables of a workload's container, with the values that stand in the manifests."""
    sources = of_kind("ConfigMap", "Secret")
    found: dict[str, str] = {}
    for source in container(workload).get("envFrom", []):
        [reference] = source.values()
        manifest = sources[reference["name"]]
        found |= manifest.get("data", {}) | manifest.get("stringData", {})
    return found | {entry["name"]: entry["value"] for entry in container(workload).get("env", [])}


def selects(selector: Manifest, labels: dict[str, str]) -> bool:
    """Whether a label selector takes a pod with these labels."""
    wanted = selector.get("matchLabels", {}).items()
    expressions = selector.get("matchExpressions", [])
    assert all(expression["operator"] == "In" for expression in expressions)
    return all(labels.get(name) == value for name, value in wanted) and all(
        labels.get(expression["key"]) in expression["values"] for expression in expressions
    )
