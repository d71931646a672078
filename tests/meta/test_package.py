"""What is installed and what is deployed is what was meant, to the byte."""

from __future__ import annotations

import fnmatch
import importlib.metadata
import json
import re
import tomllib
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import pytest

from shared.clouds import http
from tests.meta.source_tree import OURS, ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

LOCKS = (
    "requirements.txt",
    "requirements-dev.txt",
    "devhost/azurite/requirements-node.txt",
    "infra/requirements-checkov.txt",
)

_PIN = re.compile(r"(?P<name>[a-z0-9][a-z0-9._-]*)==(?P<version>[^\s;\\]+)")
_HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")
_CHANGE = re.compile(r"^## \[?(?P<version>\d+\.\d+\.\d+)\]?", re.MULTILINE)

# What Azure gets, and a sample of what it does not.
DEPLOYED_FILES = (
    "function_app.py",
    "host.json",
    "policy.yaml",
    "requirements.txt",
    "responders/base.py",
    "shared/enrichment/queries/host-logons.kql",
    "shared/settings.py",
    "shared/store/tables.py",
)
KEPT_AT_HOME = (
    ".ci/run",
    ".gitignore",
    ".mypy_cache/x.json",
    ".venv-runtime/bin/python",
    ".venv/bin/python",
    "CHANGELOG.md",
    "Makefile",
    "README.md",
    "cli/main.py",
    "devhost/azurite/node_modules/azurite/package.json",
    "devhost/host.py",
    "devhost/kql/check.cjs",
    "devhost/kql/tables.json",
    "docs/policy.md",
    "local.settings.json",
    "local.settings.json.example",
    "policy.schema.json",
    "pyproject.toml",
    "requirements-dev.txt",
    "shared/__pycache__/settings.cpython-313.pyc",
    "tests/meta/test_package.py",
)


class Pin(NamedTuple):
    """One requirement of a lock file: its version, where it applies, its hashes."""

    version: str
    marker: str
    hashes: int


def pins(name: str) -> dict[tuple[str, str], Pin]:
    """Everything a lock file pins, by name and marker."""
    found = {}
    text = (ROOT / name).read_text()
    for entry in re.split(r"\n(?=[a-z0-9])", text):
        head = entry.partition("\\")[0].strip()
        pin = _PIN.match(head)
        assert pin, f"{name}: not pinned: {head}"
        marker = head.partition(";")[2].strip()
        hashes = len(_HASH.findall(entry))
        found[pin["name"], marker] = Pin(pin["version"], marker, hashes)
    return found


def project() -> dict[str, Any]:
    """The [project] table."""
    table: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
    found: dict[str, Any] = table["project"]
    return found


def test_no_distribution_hides_our_packages() -> None:
    """Nothing installed ships a top-level name of ours: it would win on sys.path."""
    found = [
        f"{each.metadata['Name']} ships {top}"
        for each in importlib.metadata.distributions()
        for top in sorted(set(_tops(each)))
        if top in OURS
    ]

    assert found == []


def _tops(distribution: importlib.metadata.Distribution) -> Iterator[str]:
    yield from (distribution.read_text("top_level.txt") or "").split()
    for file in distribution.files or ():
        first = file.parts[0]
        if len(file.parts) > 1 or first.endswith(".py"):
            yield first.removesuffix(".py")


@pytest.mark.parametrize("lock", LOCKS)
def test_requirements_are_pinned_and_hashed(lock: str) -> None:
    """Each requirement has one version and its hashes; none has anything else."""
    assert all(pin.hashes > 0 for pin in pins(lock).values())


@pytest.mark.parametrize("lock", LOCKS)
def test_requirements_name_no_place_to_get_them(lock: str) -> None:
    """No index, host or file is named: whoever installs decides where from."""
    lines = (ROOT / lock).read_text().splitlines()

    assert [
        line
        for line in lines
        if re.search(r"://|@|(--|-)(index|extra|find|trusted|i |f )", line)
    ] == []


def test_development_runs_what_is_deployed() -> None:
    """Every pin of requirements.txt is in requirements-dev.txt, the same to the hash."""
    deployed, development = pins("requirements.txt"), pins("requirements-dev.txt")

    versions = {
        (name, pin.version, pin.hashes) for (name, _), pin in development.items()
    }
    different = [
        name
        for (name, _), pin in deployed.items()
        if (name, pin.version, pin.hashes) not in versions
    ]
    assert different == []


def test_the_lock_holds_every_dependency() -> None:
    """What pyproject.toml asks for is pinned: `make lock` was run after a change."""
    locked = {name for name, _ in pins("requirements.txt")}
    asked = {
        re.split(r"[^A-Za-z0-9._-]", line)[0].lower()
        for line in project()["dependencies"]
    }

    assert asked - locked == set()


def test_what_only_development_needs_is_not_deployed() -> None:
    """No dependency of the extra `dev` is among what Azure installs."""
    locked = {name for name, _ in pins("requirements.txt")}
    asked = {
        re.split(r"[^A-Za-z0-9._-]", line)[0].lower()
        for line in project()["optional-dependencies"]["dev"]
    }

    assert asked & locked == set()


@pytest.mark.parametrize("folder", ["azurite", "kql"])
def test_packages_of_npm_are_locked_by_hash_alone(folder: str) -> None:
    """package-lock.json has the integrity of each package, and no address."""
    lock = json.loads((ROOT / "devhost" / folder / "package-lock.json").read_text())
    packages = {name: p for name, p in lock["packages"].items() if name}

    assert packages
    assert [n for n, p in packages.items() if "sha512-" not in p["integrity"]] == []
    assert [n for n, p in packages.items() if "resolved" in p or "link" in p] == []


@pytest.mark.parametrize("path", DEPLOYED_FILES)
def test_the_app_is_deployed_whole(path: str) -> None:
    """.funcignore leaves out nothing that the app needs to run."""
    assert (ROOT / path).is_file()
    assert not is_left_out(path)


@pytest.mark.parametrize("path", KEPT_AT_HOME)
def test_nothing_else_is_deployed(path: str) -> None:
    """.funcignore leaves out tools, tests, documents and whatever is made locally."""
    assert is_left_out(path)


def is_left_out(path: str) -> bool:
    """Whether a pattern of .funcignore fits, read as .gitignore's are."""
    parts = PurePosixPath(path).parts
    for pattern in (ROOT / ".funcignore").read_text().split():
        # One that ends in a slash is for folders, and for everything inside.
        names = parts[:-1] if pattern.endswith("/") else parts
        if any(fnmatch.fnmatchcase(name, pattern.rstrip("/")) for name in names):
            return True
    return False


def test_versions_agree() -> None:
    """pyproject.toml, the change log and what responders are told name one version."""
    version = project()["version"]
    logged = _CHANGE.search((ROOT / "CHANGELOG.md").read_text())

    assert logged is not None
    assert logged["version"] == version
    assert f"Firewatch/{version.rpartition('.')[0]}" == http.USER_AGENT


def test_the_local_settings_are_complete() -> None:
    """local.settings.json.example names every setting that app and policy look for."""
    example = json.loads((ROOT / "local.settings.json.example").read_text())
    policy = msgspec.yaml.decode((ROOT / "policy.yaml").read_bytes())
    bound = re.findall(
        r'%(\w+)%|connection="(\w+)"', (ROOT / "function_app.py").read_text()
    )

    wanted = {*_secrets(policy), *(one or other for one, other in bound)}
    assert wanted - {*example["Values"]} == set()
    assert example["Values"]["FUNCTIONS_WORKER_RUNTIME"] == "python"


def _secrets(value: object) -> Iterator[str]:
    """Every app setting that a part of the policy refers to."""
    if isinstance(value, dict):
        if value.keys() == {"setting"}:
            yield str(value["setting"])
        for inner in value.values():
            yield from _secrets(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _secrets(inner)
