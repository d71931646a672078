"""The alerts of a story as their owner has them: what Resource Manager answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from cli.story.attack import LOCATION

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cli.story.attack import Happening

# Where its names are not those of the export, but for the case of their first letter
# (wire-formats.md 1.1, remote-apis-azure.md 15a).
_NAMES = {
    "timeGenerated": "timeGeneratedUtc",
    "processingEndTime": "processingEndTimeUtc",
}


def alerts(story: Sequence[Happening]) -> dict[str, list[dict[str, Any]]]:
    """The last version of each alert, by subscription.

    One that names no resource of Azure has no owner there.
    """
    last: dict[str, dict[str, Any]] = {}
    for happening in story:
        for fields in _units(happening.body):
            name = str(fields.get("systemAlertId", ""))
            before = last.get(name, fields)
            at = "processingEndTimeUtc"
            if name and str(fields[at]) >= str(before[at]):
                last[name] = fields
    found: dict[str, list[dict[str, Any]]] = {}
    for name, properties in last.items():
        named = [r.get("azureResourceId") for r in properties["resourceIdentifiers"]]
        parts = str(named[0] if named else "").split("/")
        if len(parts) < 5:
            continue
        subscription, group = parts[2], parts[4]
        place = (
            f"/subscriptions/{subscription}/resourceGroups/{group}"
            f"/providers/Microsoft.Security/locations/{LOCATION}/alerts/{name}"
        )
        document = {
            "id": place,
            "name": name,
            "type": "Microsoft.Security/Locations/alerts",
            "properties": properties,
        }
        found.setdefault(subscription, []).append(document)
    return found


def _units(body: bytes) -> Iterator[dict[str, Any]]:
    """The alerts of an event, in the owner's names; of garbage, none."""
    try:
        content = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return
    for unit in content if isinstance(content, list) else [content]:
        named = _renamed(unit.get("body", unit))
        if "systemAlertId" in named:
            yield named


def _renamed(fields: dict[str, Any]) -> dict[str, Any]:
    found = {name[0].lower() + name[1:]: value for name, value in fields.items()}
    found = {_NAMES.get(name, name): value for name, value in found.items()}
    if found.get("status") == "New":
        found["status"] = "Active"
    found["resourceIdentifiers"] = [
        _renamed(each) for each in found.get("resourceIdentifiers", ())
    ]
    return found
