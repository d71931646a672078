"""policy.schema.json is what the code makes of itself, and takes what the app takes."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
import pytest

from cli.schema import text
from shared.triage.policy.schema import Policy
from tests.meta.source_tree import ROOT

SCHEMA: dict[str, Any] = json.loads((ROOT / "policy.schema.json").read_text("utf-8"))
GOOD: dict[str, Any] = {
    "responders": {"on-call": {"use": "pagerduty", "routing_key": {"setting": "A"}}},
    "routes": [{"to": ["on-call"], "match": ["severity>=high"], "every": "1h"}],
}
SILENCE = {
    "name": "pentest",
    "match": ["tag.env=~prod.*", 'title="a b"'],
    "reason": "r",
    "owner": "o",
    "until": "2026-12-01T00:00:00Z",
}


def complaints(value: Any, schema: dict[str, Any], path: str = "$") -> list[str]:  # noqa: ANN401
    """What an editor says of a value, by the part of JSON Schema that is used here."""
    if "$ref" in schema:
        return complaints(value, SCHEMA["$defs"][schema["$ref"].split("/")[-1]], path)
    found: list[str] = []
    if "anyOf" in schema:
        each = [complaints(value, one, path) for one in schema["anyOf"]]
        fewest: list[str] = min(each, key=len)
        found += fewest
    for part in schema.get("allOf", ()):
        if not complaints(value, part["if"], path):
            found += complaints(value, part["then"], path)
    kinds = {"object": dict, "array": list, "string": str, "boolean": bool}
    kinds |= {"integer": int, "null": type(None)}
    if "type" in schema and not isinstance(value, kinds[schema["type"]]):
        return [*found, f"{path}: type"]
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{path}: enum")
    if "const" in schema and value != schema["const"]:
        found.append(f"{path}: const")
    if "pattern" in schema and not re.search(schema["pattern"], str(value)):
        found.append(f"{path}: pattern")
    if isinstance(value, dict):
        found += _of_object(value, schema, path)
    if isinstance(value, list) and "items" in schema:
        for place, item in enumerate(value):
            found += complaints(item, schema["items"], f"{path}[{place}]")
    return found


def _of_object(value: dict[str, Any], schema: dict[str, Any], path: str) -> list[str]:
    found = [
        f"{path}.{n}: required" for n in schema.get("required", ()) if n not in value
    ]
    known, rest = schema.get("properties", {}), schema.get("additionalProperties", {})
    for name, inner in value.items():
        inside = f"{path}.{name}"
        if name in known:
            found += complaints(inner, known[name], inside)
        elif rest is False:
            found.append(f"{inside}: unknown")
        else:
            found += complaints(inner, rest, inside)
        if "propertyNames" in schema:
            found += complaints(name, schema["propertyNames"], inside)
    return found


def test_the_schema_is_that_of_the_code() -> None:
    """`make schema` was run after a change of the policy's structs or rules."""
    assert (ROOT / "policy.schema.json").read_text("utf-8") == text()


def test_the_shipped_policy_names_its_schema_and_follows_it() -> None:
    """An editor finds nothing wrong with it, and knows where to look."""
    shipped = (ROOT / "policy.yaml").read_text("utf-8")

    assert shipped.startswith("# yaml-language-server: $schema=policy.schema.json\n")
    assert complaints(msgspec.yaml.decode(shipped), SCHEMA) == []


def test_every_section_is_described() -> None:
    """Nothing of the policy is unknown to the schema."""
    assert {*SCHEMA["properties"]} == {*Policy.__struct_encode_fields__}
    assert complaints(GOOD | {"suppress": [SILENCE]}, SCHEMA) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"colour": 1}, "$.colour: unknown"),
        ({"correlate": {"gap": "5 fortnights"}}, "$.correlate.gap: pattern"),
        ({"correlate": {"max_problms": 1}}, "$.correlate.max_problms: unknown"),
        ({"routes": [{"to": "on-call"}]}, "$.routes[0].to: type"),
        (
            {"routes": [{"to": [], "match": ["colour=red"]}]},
            "$.routes[0].match[0]: pat",
        ),
        ({"routes": [{"to": [], "again": ["x"]}]}, "$.routes[0].again[0]: enum"),
        ({"responders": {"x": {"use": "pigeon"}}}, "$.responders.x.use: enum"),
        ({"responders": {"x": {"use": "webhook"}}}, "$.responders.x.url: required"),
        (
            {"responders": {"x y": GOOD["responders"]["on-call"]}},
            "$.responders.x y: pa",
        ),
        ({"reconcile": {"subscriptions": ["x"]}}, "$.reconcile.subscriptions[0]: patt"),
        ({"suppress": [{**SILENCE, "mode": "loud"}]}, "$.suppress[0].mode: enum"),
        ({"suppress": [{"name": "a"}]}, "$.suppress[0].match: required"),
        (
            {"suppress": [{**SILENCE, "match": ["risk<30"]}]},
            "$.suppress[0].match[0]: pat",
        ),
        ({"risk": {"high": "x"}}, "$.risk.high: type"),
        ({"senders": {"a": {"method": "hope"}}}, "$.senders.a"),
    ],
)
def test_an_editor_sees_mistakes(change: dict[str, Any], said: str) -> None:
    """Many of those that the app would refuse are seen while they are written."""
    assert any(found.startswith(said) for found in complaints(GOOD | change, SCHEMA))
