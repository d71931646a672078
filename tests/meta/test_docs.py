"""What there is, is documented, and as it is."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from responders import DOERS, RESPONDERS
from shared import settings, sources, telemetry
from shared.actions.matchers import FIELDS, TAG, Operator
from shared.actions.routing import Route
from shared.model.correlation import Correlation, NeverGroup
from shared.model.enrich import Enrich
from shared.model.errors import FailureReason
from shared.model.evidence import Lack
from shared.model.guards import Budget, Contain, Guards, Protected
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
from shared.senders import EntraSender, HmacSender, KeySender
from shared.triage import policy
from shared.triage.policy.leaves import written
from tests.meta.source_tree import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator


from tests.meta.documents import read, rows, section

SENDERS = (KeySender, HmacSender, EntraSender)


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
