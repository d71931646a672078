"""What the documents say of the code is what the code says."""

from __future__ import annotations

import ast
import json
import re
import textwrap
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import pytest

from responders import DOERS, RESPONDERS
from shared import settings, sources, staff, telemetry
from shared.actions.matchers import FIELDS, TAG, Operator
from shared.actions.routing import Route
from shared.clouds.credentials import Credentials
from shared.clouds.http import HttpClient
from shared.clouds.outlets import Opened
from shared.model.correlation import Correlation, NeverGroup
from shared.model.enrich import Enrich
from shared.model.errors import FailureReason
from shared.model.evidence import Lack
from shared.model.guards import DOES, Budget, Contain, Guards, Protected
from shared.model.heartbeat import Heartbeat
from shared.model.posture import CheckName, Excuse, Posture
from shared.model.retention import Keep, Retention
from shared.model.risk import Weights
from shared.model.secret import SecretRef
from shared.model.silence import Silence
from shared.model.storm import Storm
from shared.model.workspaces import Override, Workspaces
from shared.oncall.policy import (
    Escalation,
    Layer,
    OnCall,
    Person,
    Schedule,
    StandIn,
    Step,
)
from shared.posture import unknown
from shared.posture.checks import CHECKS
from shared.senders import EntraSender, HmacSender, KeySender, Senders
from shared.triage import policy
from shared.triage.policy.leaves import written
from tests.fakes.ports import FakeKept
from tests.meta.source_tree import DEPLOYED, ROOT, modules

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.meta.source_tree import Module

DOCS = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "infra/README.md"]
)
SENDERS = (KeySender, HmacSender, EntraSender)

_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^(?P=indent)```",
    re.MULTILINE | re.DOTALL,
)
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_HEADING = re.compile(r"^#+ (?P<title>.+)$", re.MULTILINE)

# What the examples leave for their reader to fill in.
PLACEHOLDERS = {
    "<tenant id>": "0b1f6471-1bf0-4dda-aec3-cb9272f09590",
    "<client id>": "11111111-1bf0-4dda-aec3-cb9272f09590",
    "<application id>": "22222222-1bf0-4dda-aec3-cb9272f09590",
}

# A secret that each kind takes for one.
SECRETS = {
    "arcsight": "a certificate and its key",
    "boards": "a personal access token",
    "event-hub": "Endpoint=sb://x/;SharedAccessKeyName=a;SharedAccessKey=b",
    "jira": "an API token",
    "jsm": "01234567-89ab-cdef-0123-456789abcdef",
    "pagerduty": "0123456789abcdef0123456789abcdef",
    "servicenow": "a password",
    "slack": "xoxb-0123-abcdef",
    "splunk": "0b1f6471-1bf0-4dda-aec3-cb9272f09590",
    "teams": "https://prod-01.westeurope.logic.azure.com:443/workflows/0123?sig=x",
    "webhook": "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
}


class Example(NamedTuple):
    """A fenced block of a document."""

    path: Path
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line}"


def read(name: str) -> str:
    """A document in docs/."""
    return (ROOT / "docs" / name).read_text("utf-8")


def section(text: str, heading: str) -> str:
    """What stands below a heading, up to the next of its level or a higher one."""
    level = heading.partition(" ")[0]
    pattern = rf"^{re.escape(heading)}$(.*?)(?=^#{{1,{len(level)}}} |\Z)"
    found = re.search(pattern, text, re.MULTILINE | re.DOTALL)
    return found[1] if found else ""


def rows(text: str) -> dict[str, list[str]]:
    """The lines of tables by the words in code in their first cell."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line.startswith("| `") and line.endswith("|"):
            first, *rest = [cell.strip() for cell in line.strip("|").split("|")]
            for name in re.findall(r"`([^`]+)`", first):
                found[name] = rest
    return found


def examples(language: str) -> list[Example]:
    """Every block in a language, of every document."""
    return [
        Example(
            path,
            text.count("\n", 0, found.start()) + 1,
            textwrap.dedent(found["text"]),
        )
        for path in DOCS
        for text in [path.read_text("utf-8")]
        for found in _FENCE.finditer(text)
        if found["language"] == language
    ]


class Asked(Mapping[str, str]):
    """An environment that remembers what it was asked for."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self.names: set[str] = set()
        self._values = values

    def __getitem__(self, name: str) -> str:
        self.names.add(name)
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        raise AssertionError("settings are read by name")

    def __len__(self) -> int:
        return len(self._values)


def test_every_setting_is_documented() -> None:
    """Each setting that the app reads or is bound to has a line in configuration.md."""
    environment = Asked({"AzureWebJobsStorage": "UseDevelopmentStorage=true"})
    settings.from_environment(environment)
    app = (ROOT / "function_app.py").read_text()
    bound = re.findall(r'%(\w+)%|connection="(\w+)"', app)
    names = environment.names | {one or other for one, other in bound}

    assert len(names) > 7
    documented = rows(section(read("configuration.md"), "## App settings"))
    assert names - {*documented} == set()


def test_every_field_of_the_policy_is_documented() -> None:
    """Each section, and each field of each, has a line in policy.md."""
    text = read("policy.md")
    missing = {
        f"{heading}: {name}"
        for heading, names in {
            "# Policy": policy.Policy.__struct_encode_fields__,
            "## routes": Route.__struct_encode_fields__,
            "### Matchers": (*FIELDS, f"{TAG}NAME", *Operator),
            "## suppress": Silence.__struct_encode_fields__,
            "## storm": Storm.__struct_encode_fields__,
            "## correlate": Correlation.__struct_encode_fields__,
            "### never_group": NeverGroup.__struct_encode_fields__,
            "## reconcile": policy.Reconcile.__struct_encode_fields__,
            "## workspaces": Workspaces.__struct_encode_fields__,
            "## enrich": Enrich.__struct_encode_fields__,
            "### overrides": Override.__struct_encode_fields__,
            "## risk": Weights.__struct_encode_fields__,
            "## on_call": OnCall.__struct_encode_fields__,
            "### people": Person.__struct_encode_fields__,
            "### schedules": Schedule.__struct_encode_fields__,
            "### layers": Layer.__struct_encode_fields__,
            "### Overrides of a schedule": StandIn.__struct_encode_fields__,
            "### escalations": Escalation.__struct_encode_fields__,
            "### steps": Step.__struct_encode_fields__,
            "## contain": Contain.__struct_encode_fields__,
            "## guards": Guards.__struct_encode_fields__,
            "### protected": Protected.__struct_encode_fields__,
            "### budgets": Budget.__struct_encode_fields__,
            "## heartbeat": Heartbeat.__struct_encode_fields__,
            "## posture": Posture.__struct_encode_fields__,
            "### exceptions": Excuse.__struct_encode_fields__,
            "## retention": (
                *Retention.__struct_encode_fields__,
                *Keep.__struct_encode_fields__,
            ),
            "## senders": (
                "method",
                *(name for kind in SENDERS for name in kind.__struct_encode_fields__),
                *(form.name for form in sources.FORMATS),
            ),
        }.items()
        for name in names
        if name not in rows(section(text, heading))
    }

    assert missing == set()


def test_sections_of_the_policy_have_headings() -> None:
    """Each top-level field of a policy has a part of its own."""
    text = read("policy.md")

    for name in policy.Policy.__struct_encode_fields__:
        assert section(text, f"## {name}"), name


def test_defaults_of_the_policy_are_as_documented() -> None:
    """The defaults in the tables of these sections are those of the code."""
    kinds: dict[str, type[Any]] = {
        "correlate": Correlation,
        "risk": Weights,
        "storm": Storm,
        "workspaces": Workspaces,
    }
    for name, kind in kinds.items():
        table = rows(section(read("policy.md"), f"## {name}"))
        given = {
            field: msgspec.yaml.decode(table[field][0].strip("`"))
            for field in kind.__struct_encode_fields__
            # It is empty, which has a word and no value.
            if field != "never_group"
        }

        assert policy.convert(given, kind) == (kind(), [])


@pytest.mark.parametrize(
    ("heading", "made"),
    [
        (
            "### layers",
            Layer(people=("a",), starts=datetime.fromisoformat("2026-11-02")),
        ),
        ("### escalations", Escalation(steps=())),
        ("### steps", Step(to=("a",))),
        ("## heartbeat", Heartbeat(url=SecretRef("A"))),
        ("## contain", Contain(do=("a",), match=("b",))),
        ("## guards", Guards(budgets=(), protected=Protected(tags=()))),
        ("### budgets", Budget()),
    ],
)
def test_defaults_are_as_documented(heading: str, made: msgspec.Struct) -> None:
    """Each field that has a value of its own where it is left out names it."""
    table = rows(section(read("policy.md"), heading))
    for field in msgspec.structs.fields(made):
        documented = table[field.encode_name][0].strip("`")
        value = getattr(made, field.name)
        if field.required:
            assert documented == "required"
        elif isinstance(value, timedelta):
            assert documented == written(value)
        elif isinstance(value, bool):
            assert documented == str(value).lower()
        elif value not in ((), {}, "", None) and not isinstance(value, msgspec.Struct):
            assert documented == str(value)


def test_methods_of_senders_are_documented() -> None:
    """Each method has a part in webhooks.md."""
    text = read("webhooks.md")

    for kind in SENDERS:
        assert section(text, f"## {kind.__struct_config__.tag}"), kind


@pytest.mark.parametrize("name", [*RESPONDERS, *DOERS])
def test_every_responder_is_documented(name: str) -> None:
    """Each responder has a section, and in it a line for each of its settings."""
    text = section(read("responders.md"), f"## {name}")
    kind: Any = RESPONDERS.get(name) or DOERS[name]
    config: Any = kind.Config

    assert text
    assert {*config.__struct_encode_fields__} == {*rows(text)}
    assert f"use: {name}" in text
    assert "**Permissions**" in text


def test_the_documents_name_no_responder_that_is_not_there() -> None:
    """The sections of responders.md are those of the table."""
    assert re.findall(r"^## (.+)$", read("responders.md"), re.MULTILINE) == [
        *RESPONDERS,
        *sorted(DOERS),
    ]


def test_every_log_event_is_documented() -> None:
    """The table of log events is the vocabulary of telemetry.py, levels and all."""
    events = {
        value.name: value.level
        for value in vars(telemetry).values()
        if isinstance(value, telemetry.LogEvent)
    }
    levels = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}
    text = section(read("operations.md"), "## Log events").partition("\n### ")[0]

    documented = {name: levels[cells[0]] for name, cells in rows(text).items()}
    assert documented == events


def test_every_reason_is_documented() -> None:
    """The table of reasons is the closed list of errors.py."""
    text = section(read("operations.md"), "### Reasons of a delivery")

    assert {*rows(text)} == {*FailureReason}


def test_every_check_of_the_posture_is_documented() -> None:
    """With its severity, why it matters, and the point that it comes from."""
    documented = rows(section(read("posture.md"), "## What is looked at"))

    assert documented.keys() == {*CheckName}
    for check in (*CHECKS, unknown.CHECK):
        severity, _, why, clause, _ = documented[check.name]
        assert (severity, why) == (check.severity.value, check.why)
        assert f"SE:10: {clause}" == check.clause


def test_every_lack_is_documented() -> None:
    """The table of what evidence may lack is the closed list of the model."""
    text = section(read("operations.md"), "### Evidence is missing")

    assert {*rows(text)} == {*Lack}


def test_host_json_is_as_documented() -> None:
    """Each value of host.json stands in configuration.md with what it is."""
    host = json.loads((ROOT / "host.json").read_text())
    documented = {
        name: cells[0].strip("`")
        for name, cells in rows(
            section(read("configuration.md"), "## host.json")
        ).items()
    }

    values = dict(_leaves({k: host[k] for k in ("extensions", "logging")}))
    assert documented == values
    assert host["version"] == "2.0"
    assert host["extensionBundle"]["version"] == "[4.*, 5.0.0)"
    assert host["extensions"]["eventHubs"]["maxEventBatchSize"] <= 100


def _leaves(value: Mapping[str, object], path: str = "") -> Iterator[tuple[str, str]]:
    for name, inner in value.items():
        if isinstance(inner, dict):
            yield from _leaves(inner, f"{path}{name}.")
        else:
            yield f"{path}{name}", str(inner)


@pytest.mark.parametrize("example", examples("yaml"), ids=str)
def test_examples_of_policies_load(example: Example) -> None:
    """Each YAML example, made whole where it is a part, is a policy the app runs with."""
    text = example.text
    for placeholder, value in PLACEHOLDERS.items():
        text = text.replace(placeholder, value)

    found = policy.load(msgspec.json.encode(_whole(msgspec.yaml.decode(text))))

    _build(found)


def test_the_packaged_policy_loads() -> None:
    """The policy that is deployed is one the app runs with."""
    _build(policy.load((ROOT / "policy.yaml").read_bytes()))


def _whole(raw: dict[str, Any]) -> dict[str, Any]:
    """A policy of what an example shows of one."""
    given = raw.get("responders", {})
    tell = [name for name, settings in given.items() if settings["use"] not in DOES]
    routes = raw.get("routes") or [{"to": tell or ["soc"]}]
    named = {name for route in routes for name in route.get("to", [])}
    stand_in = {
        "use": "webhook",
        "url": "https://soc.example.com/",
        "secret": {"setting": "SOC_WEBHOOK_SECRET"},
    }
    stand_ins = {} if tell else dict.fromkeys(sorted(named), stand_in)
    responders = {**given, **stand_ins}
    return {**raw, "routes": routes, "responders": responders}


def _build(found: policy.Policy) -> None:
    """Make responders and senders as the app does, with secrets of the right form."""
    values = {"AzureWebJobsStorage": "UseDevelopmentStorage=true"}
    for given in found.responders.values():
        for value in given.values():
            if isinstance(value, dict) and value.keys() == {"setting"}:
                values[value["setting"]] = SECRETS[given["use"]]
    for sender in found.senders.values():
        for field in ("secret", "previous"):
            reference = getattr(sender, field, None)
            if reference is not None:
                values[reference.setting] = "0123456789abcdef"
    made = settings.from_environment(values)

    def clock() -> datetime:
        return datetime(2026, 11, 23, tzinfo=UTC)

    token = Credentials("").token
    built = staff.staffed(
        found,
        made,
        HttpClient(),
        clock,
        token,
        outlets=Opened(Credentials("").of_sdk).outlets,
        kept=FakeKept(),
    )
    assert not built.problems
    Senders(found.senders, secret=made.secret, http=HttpClient(), clock=clock)
    known = {form.name for form in sources.FORMATS}
    for sender in found.senders.values():
        assert {*sender.formats} <= known


@pytest.mark.parametrize("example", examples("json"), ids=str)
def test_examples_in_json_are_json(example: Example) -> None:
    """Each JSON example can be read, and books in it balance."""
    found = json.loads(example.text)

    counts = found.get("books", found)
    if "received" in counts:
        parts = {k: v for k, v in counts.items() if k not in {"received", "suppressed"}}
        assert counts["received"] == sum(parts.values())


@pytest.mark.parametrize("path", DOCS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    """Each link to a file of the tree, or to a heading in one, resolves."""
    broken = []
    for found in _LINK.finditer(_FENCE.sub("", path.read_text("utf-8"))):
        target, _, anchor = found["target"].partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        file = (path.parent / target).resolve() if target else path
        if not file.exists() or (anchor and anchor not in _anchors(file)):
            broken.append(found["target"])

    assert broken == []


def _anchors(path: Path) -> set[str]:
    """The headings of a document, as its links name them."""
    titles = _HEADING.findall(_FENCE.sub("", path.read_text("utf-8")))
    return {re.sub(r"[^\w\- ]", "", t.lower()).replace(" ", "-") for t in titles}


def test_every_document_is_found_from_the_readme() -> None:
    """Nobody has to know that a document is there: links lead to each."""
    reached: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        path = waiting.pop()
        if path in reached or not path.exists():
            continue
        reached.add(path)
        for found in _LINK.finditer(path.read_text("utf-8")):
            name = found["target"].partition("#")[0]
            if not name:
                # A place in the same document leads nowhere.
                continue
            target = (path.parent / name).resolve()
            waiting += [*target.glob("*.md")] if target.is_dir() else []
            waiting += [target] if target.suffix == ".md" else []

    names = {path.relative_to(ROOT) for path in DOCS if path.parent != ROOT}
    assert names - {path.relative_to(ROOT) for path in reached} == set()


def test_files_named_by_the_architecture_exist() -> None:
    """Each path in code in architecture.md is a file or a folder of the tree."""
    named = re.findall(
        r"`((?:shared|responders|tests|docs)/[\w/.]*)`", read("architecture.md")
    )

    assert len(named) > 20
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_contributing_fits_on_a_page() -> None:
    """Nobody reads a second one."""
    lines = (ROOT / "CONTRIBUTING.md").read_text().splitlines()

    assert len(lines) <= 60


@pytest.mark.parametrize(
    "module", modules(*DEPLOYED, "cli", "devhost"), ids=lambda module: module.name
)
def test_everything_public_has_a_docstring(module: Module) -> None:
    """Each module, and each class and function that is public in it, says what it is."""
    public = [
        node
        for node in module.tree.body
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and not node.name.startswith("_")
    ]

    assert ast.get_docstring(module.tree), module.name
    assert [node.name for node in public if not ast.get_docstring(node)] == []
