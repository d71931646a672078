"""The schema of policy.yaml for editors, made of the structs that the app reads it by.

It is a help while writing: what a policy is, `firewatch policy check` says.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from responders import DOERS, RESPONDERS
from shared.actions.matchers import FIELDS, RISK, TAG
from shared.model.text import NAME_PATTERN
from shared.sources import NAMES
from shared.triage.policy import checks, rules
from shared.triage.policy.leaves import DURATION, WALL, written
from shared.triage.policy.schema import Policy

if TYPE_CHECKING:
    from collections.abc import Callable

# What the editors' language servers know best.
DIALECT = "http://json-schema.org/draft-07/schema#"

_LASTING = "|".join(
    [*(f for f in FIELDS if f != RISK), rf"{TAG[:-1]}\.[A-Za-z0-9_.:-]+"]
)
_FIELDS = f"{RISK}|{_LASTING}"
_KNOWN: dict[checks.Rule, dict[str, Any]] = {
    checks.MATCHER: {"pattern": rf"^\s*({_FIELDS})\s*(=~|!~|!=|>=|=|<)"},
    checks.OF_SILENCE: {"pattern": rf"^\s*({_LASTING})\s*(=~|!~|!=|>=|=)"},
    checks.NAME: {"pattern": f"^{NAME_PATTERN}$"},
    checks.FORMAT: {"enum": sorted(NAMES)},
    checks.GUID: {"pattern": f"^{checks.GUID_PATTERN}$"},
    checks.MACHINE: {"pattern": "^[0-9a-fA-F]{40}$"},
    checks.OBJECT_ID: {"pattern": f"^{checks.GUID_PATTERN}$"},
    checks.WORKSPACE: {"pattern": f"^{checks.GUID_PATTERN}$"},
    checks.WALL: {"pattern": f"^{WALL.pattern}$"},
}

_Node = dict[str, Any]


def text() -> str:
    """The schema as it is written to policy.schema.json."""
    made = msgspec.json.format(msgspec.json.encode(generate()), indent=2)
    return f"{made.decode()}\n"


def generate() -> _Node:
    """The schema as JSON values."""
    made = msgspec.json.schema(Policy)
    parts: _Node = made["$defs"]
    for (struct, name), rule in rules.EACH.items():
        _describe(parts[struct.__name__], struct, name, rule)
    root: _Node = parts.pop("Policy")
    named = {"pattern": f"^{NAME_PATTERN}$"}
    for section in ("senders", "responders"):
        root["properties"][section]["propertyNames"] = named
    for section in ("people", "schedules", "escalations"):
        parts["OnCall"]["properties"][section]["propertyNames"] = named
    root["properties"]["responders"]["additionalProperties"] = _responder(parts)
    for section in root["properties"].values():
        section.pop("default", None)
    _walk({"root": root, "parts": parts}, _tidied)
    return {"$schema": DIALECT, **root, "title": "Firewatch policy", "$defs": parts}


def _describe(part: _Node, struct: type, name: str, rule: checks.Rule) -> None:
    """Say what the rule says of a field, or of each item of a list."""
    encoded = {
        field.name: field.encode_name for field in msgspec.structs.fields(struct)
    }[name]
    field: _Node = part["properties"][encoded]
    inner = field.get("items") or field.get("additionalProperties") or field
    inner.update({"description": rule.describes, **_KNOWN.get(rule, {})})


def _responder(parts: _Node) -> _Node:
    """One responder: ``use``, and the settings of what it uses."""
    kinds: dict[str, Any] = {**RESPONDERS, **DOERS}
    for use, kind in kinds.items():
        made = msgspec.json.schema(kind.Config)["$defs"]
        config = made.pop("Config")
        config["title"] = use
        config["properties"] = {"use": {"const": use}, **config["properties"]}
        parts.update({use: config, **made})
    return {
        "type": "object",
        "required": ["use"],
        "properties": {"use": {"enum": [*kinds]}},
        "allOf": [
            {
                "if": {"properties": {"use": {"const": use}}},
                "then": {"$ref": f"#/$defs/{use}"},
            }
            for use in kinds
        ],
    }


def _walk(node: object, change: Callable[[_Node], None]) -> None:
    if isinstance(node, dict):
        change(node)
        for inner in [*node.values()]:
            _walk(inner, change)
    elif isinstance(node, list):
        for inner in node:
            _walk(inner, change)


def _tidied(node: _Node) -> None:
    """Durations as the policy writes them, texts in one line, no OpenAPI."""
    node.pop("discriminator", None)
    if node.get("format") == "duration":
        del node["format"]
        node["pattern"] = rf"^\s*{DURATION.pattern}\s*$"
        said = "A duration such as 90s, 30m, 5h or 2d."
        node["description"] = " ".join(filter(None, [said, node.get("description")]))
        if isinstance(node.get("default"), str):
            iso = msgspec.convert(node["default"], timedelta)
            node["default"] = written(iso)
    if node.get("format") == "date-time":
        node["description"] = "A time with its zone, such as 2026-12-01T08:00:00Z."
    if isinstance(node.get("description"), str):
        node["description"] = " ".join(node["description"].replace("``", "`").split())
