"""The pipelines: what they may, what they run, and that it is there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.meta.source_tree import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
PIPELINE = ROOT / "azure-pipelines.yml"
SCRIPT = ROOT / ".ci/azure"

# Reading the code and packages of earlier runs, and saying to Azure which run it is.
MOST_RIGHTS = {"contents": "read", "actions": "read", "id-token": "write"}

_PIN = re.compile(r"^[\w.-]+/[\w.-]+@[0-9a-f]{40}$")
_COMMENTED = re.compile(r"uses: [\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")
_VERB = re.compile(r"\.ci/azure (?P<verb>[\w-]+)")


def load(path: Path) -> dict[str, Any]:
    """A pipeline as it is read; `on`, which YAML 1.1 takes for true, by its name."""
    found: dict[Any, Any] = yaml.safe_load(path.read_text("utf-8"))
    return {"on" if name is True else name: value for name, value in found.items()}


def steps(found: object) -> Iterator[dict[str, Any]]:
    """Every step of a pipeline of either kind, in order."""
    if isinstance(found, dict):
        for name, inner in found.items():
            if name == "steps":
                yield from (step for step in _flat(inner))
            else:
                yield from steps(inner)
    elif isinstance(found, list):
        for inner in found:
            yield from steps(inner)


def _flat(listed: list[Any]) -> Iterator[dict[str, Any]]:
    """The steps of a list, those below a condition of Azure Pipelines too."""
    for step in listed:
        conditions = [name for name in step if str(name).startswith("${{")]
        for name in conditions:
            yield from _flat(step[name])
        if not conditions:
            yield step


def commands(path: Path) -> list[str]:
    """What a pipeline has a shell do, in order."""
    return [
        text.strip()
        for step in steps(load(path))
        for text in (
            step.get("run") or step.get("script"),
            step.get("inputs", {}).get("inlineScript"),
        )
        if text
    ]


@pytest.fixture(params=WORKFLOWS, ids=lambda path: str(path.name))
def workflow(request: pytest.FixtureRequest) -> Path:
    """Each workflow of GitHub."""
    path: Path = request.param
    return path


def test_there_are_workflows() -> None:
    """One tests, one deploys."""
    assert {path.name for path in WORKFLOWS} == {"test.yml", "deploy.yml"}


def test_actions_are_pinned(workflow: Path) -> None:
    """Others' code is named by its commit, with the version that it is beside it."""
    used = [each["uses"] for each in _users(workflow)]
    lines = [line for line in workflow.read_text().splitlines() if "uses: " in line]

    assert [name for name in used if not (_PIN.match(name) or _is_ours(name))] == []
    assert [n for n in lines if not (_COMMENTED.search(n) or "uses: ./" in n)] == []


def _users(workflow: Path) -> Iterator[dict[str, Any]]:
    found = load(workflow)
    yield from (step for step in steps(found) if "uses" in step)
    yield from (job for job in found["jobs"].values() if "uses" in job)


def _is_ours(name: str) -> bool:
    return name.startswith("./") and (ROOT / name).is_file()


def test_rights_are_few(workflow: Path) -> None:
    """Each workflow says what it may; who it is to Azure, only jobs of an environment."""
    found = load(workflow)
    jobs = found["jobs"].values()

    assert "permissions" in found
    for rights in (found["permissions"], *(job.get("permissions", {}) for job in jobs)):
        assert rights.items() <= MOST_RIGHTS.items()
    assert "id-token" not in found["permissions"]
    for job in jobs:
        assert ("id-token" in job.get("permissions", {})) == ("environment" in job)


def test_each_job_has_an_end(workflow: Path) -> None:
    """A job that hangs does not hang for six hours."""
    jobs = load(workflow)["jobs"].values()

    assert all("uses" in job or job["timeout-minutes"] <= 90 for job in jobs)


def test_nothing_that_somebody_types_is_run(workflow: Path) -> None:
    """Expressions reach a shell as variables of its environment, never as its text."""
    assert [text for text in commands(workflow) if "${{" in text] == []


@pytest.mark.parametrize(
    "path", [*WORKFLOWS, PIPELINE], ids=lambda path: str(path.name)
)
def test_no_secret_is_named(path: Path) -> None:
    """Identities are federated: there is no secret to hold, and none is asked for."""
    text = path.read_text().lower()

    for word in ("secrets.", "secrets:", "creds:", "client-secret", "password", "sas"):
        assert not re.search(rf"(?<!\w){re.escape(word)}", text), word


@pytest.mark.parametrize(
    "path", [*WORKFLOWS, PIPELINE], ids=lambda path: str(path.name)
)
def test_no_credentials_stay_behind(path: Path) -> None:
    """What checked the code out is not there for what runs later."""
    for step in steps(load(path)):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False
        if "checkout" in step:
            assert step["persistCredentials"] is False


@pytest.mark.parametrize(
    "path", [*WORKFLOWS, PIPELINE], ids=lambda path: str(path.name)
)
def test_what_pipelines_make_is_there(path: Path) -> None:
    """Each `make` has a target, each `.ci/azure` a verb."""
    makefile = (ROOT / "Makefile").read_text().replace("$(VENV)", ".venv")
    targets = set(re.findall(r"^([\w./-]+):", makefile, re.MULTILINE))
    verbs = set(re.findall(r"^  ([\w-]+)\)", SCRIPT.read_text(), re.MULTILINE))
    found = commands(path)

    assert found
    made = {word for text in found for word in re.findall(r"make (\S+)", text)}
    assert made <= targets
    used = {verb for text in found for verb in _VERB.findall(text)}
    assert used <= verbs


def test_both_pipelines_do_the_same() -> None:
    """Who changes one changes the other."""

    def done(*paths: Path) -> list[str]:
        return [
            found
            for path in paths
            for text in commands(path)
            for found in re.findall(r"make [\w./-]+|\.ci/azure [\w-]+", text)
        ]

    github = done(ROOT / ".github/workflows/test.yml", WORKFLOWS[0])
    assert WORKFLOWS[0].name == "deploy.yml"
    azure = done(PIPELINE)
    # Its last job is on a machine of its own, and sets up once more.
    assert azure[-2:] == ["make .venv/.ready", ".ci/azure publish"]
    assert github == [*azure[:-2], azure[-1]]


def test_environments_are_the_same_everywhere() -> None:
    """Whatever can be chosen has its parameters."""
    offered = load(WORKFLOWS[0])["on"]["workflow_dispatch"]["inputs"]["environment"]
    choices = {each["name"]: each for each in load(PIPELINE)["parameters"]}

    assert offered["options"] == choices["environment"]["values"]
    if (ROOT / "infra").exists():
        for name in offered["options"]:
            assert (ROOT / f"infra/parameters/{name}.json").is_file()


FAKE_AZ = """#!/usr/bin/env bash
printf '%s\\n' "az $*" >> "$LOG"
case "$*" in
  *FUNCTION_APP_IDS*) printf '/sites/one\\n/sites/two\\n' ;;
  *FUNCTION_APP_HTTP_ID*) printf '/sites/one\\n' ;;
esac
"""
FAKE_FIREWATCH = """#!/usr/bin/env bash
printf '%s\\n' "firewatch $*" >> "$LOG"
"""


def run(folder: Path, *words: str, **environment: str) -> tuple[int, list[str]]:
    """Run the script in a tree of its own; its exit code, and what it called."""
    for name, text in (("bin/az", FAKE_AZ), (".venv/bin/firewatch", FAKE_FIREWATCH)):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    (folder / ".ci").mkdir(exist_ok=True)
    shutil.copy(SCRIPT, folder / ".ci")
    log = folder / "log"
    done = subprocess.run(
        [folder / ".ci/azure", *words],
        env={
            "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
            "LOG": str(log),
            **environment,
        },
        capture_output=True,
        timeout=30,
        check=False,
    )
    return done.returncode, log.read_text().splitlines() if log.exists() else []


@pytest.mark.parametrize("verb", ["what-if", "create"])
def test_the_infrastructure_is_asked_and_made_alike(tmp_path: Path, verb: str) -> None:
    """What was shown is what is deployed: the same template, parameters and name."""
    code, called = run(tmp_path, verb, "production", AZURE_LOCATION="westeurope")

    assert code == 0
    assert called[0].startswith(
        f"az deployment sub {verb} --name firewatch-production --location westeurope"
        " --template-file infra/main.bicep"
        " --parameters @infra/parameters/production.json"
    )


def test_every_app_of_the_deployment_gets_the_package(tmp_path: Path) -> None:
    """Which they are is what the deployment put out."""
    code, called = run(tmp_path, "publish", "test", "dist/firewatch.zip")

    assert code == 0
    assert called[-1] == (
        "firewatch release publish dist/firewatch.zip --app /sites/one --app /sites/two"
    )


def test_azd_says_itself_which_apps_there_are(tmp_path: Path) -> None:
    """In its hooks they are in a variable, as JSON."""
    code, called = run(
        tmp_path,
        "publish",
        "dev-1",
        "p.zip",
        FUNCTION_APP_IDS='["/sites/a", "/sites/b"]',
    )

    assert code == 0
    assert called == ["firewatch release publish p.zip --app /sites/a --app /sites/b"]


@pytest.mark.parametrize(
    ("audience", "words"), [("", ""), ("api://a", " --audience api://a")]
)
def test_the_app_that_answers_http_is_tried(
    tmp_path: Path, audience: str, words: str
) -> None:
    """With a token where people have to sign in, and without one elsewhere."""
    code, called = run(tmp_path, "smoke", "dev", FIREWATCH_AUDIENCE=audience)

    assert (code, called[-1]) == (0, f"firewatch release smoke --app /sites/one{words}")


@pytest.mark.parametrize(
    "words", [("destroy", "dev"), ("create", "../dev"), ("create",), ()]
)
def test_nothing_else_can_be_done(tmp_path: Path, words: tuple[str, ...]) -> None:
    """Neither other verbs nor names that lead elsewhere."""
    code, called = run(tmp_path, *words, AZURE_LOCATION="westeurope")

    assert code != 0
    assert called == []
