"""Questions to Resource Graph: each that is understood, by its text.

(remote-apis-azure.md 19.7 and 19.12)
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from devhost.outside.azure.resources import type_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from devhost.outside.azure.resources import Document, Resources
    from devhost.outside.azure.rights import Rights

_TYPES = r"\((?P<types>'[^']+'(?:, '[^']+')*)\)"
_THINGS = re.compile(
    rf"resources \| where type in~ {_TYPES} \| project id = tolower\(id\),"
    r" type = tolower\(type\), kind = tostring\(kind\),"
    r" os = tostring\(coalesce\(properties\.storageProfile\.osDisk\.osType,"
    r" properties\.osType\)\),"
    r" power = tostring\(properties\.extended\.instanceView\.powerState\.code\),"
    r" status = tostring\(properties\.status\) \| order by id asc"
)
_AGENTS = re.compile(
    rf"resources \| where type in~ {_TYPES} \| project id = tolower\(id\),"
    r" kind = tostring\(properties\.type\),"
    r" state = tostring\(properties\.provisioningState\) \| order by id asc"
)
_ASSOCIATIONS = re.compile(
    r"insightsresources"
    r" \| where type =~ '(?P<types>microsoft\.insights/datacollectionruleassociations)'"
    r" \| project id = tolower\(id\),"
    r" rule = tostring\(properties\.dataCollectionRuleId\) \| order by id asc"
)


def answer(
    query: str, resources: Resources, rights: Rights, scopes: Collection[str]
) -> list[dict[str, str]] | None:
    """The rows of a question about some subscriptions; None where it is not understood.

    What the caller may not read is left out, and nothing says so.
    """
    for question, row in _ROWS.items():
        found = question.fullmatch(query)
        if found is not None:
            types = [each.strip("'").lower() for each in found["types"].split(", ")]
            rows = [row(each) for each in _of(types, resources, rights, scopes)]
            return sorted(rows, key=lambda each: each["id"])
    return None


def _of(
    types: Collection[str],
    resources: Resources,
    rights: Rights,
    scopes: Collection[str],
) -> Iterator[Document]:
    for kind in types:
        if rights.allows(f"{kind}/read"):
            for each in resources.of_type(kind):
                if str(each["id"]).split("/")[2].lower() in scopes:
                    yield each


def _thing(document: Document) -> dict[str, str]:
    found = document.get("properties") or {}
    disk = (found.get("storageProfile") or {}).get("osDisk") or {}
    return {
        "id": str(document["id"]).lower(),
        "type": type_of(str(document["id"])),
        "kind": _text(document.get("kind")),
        "os": _text(disk.get("osType") or found.get("osType")),
        "power": _text(found.get("powerState")),
        "status": _text(found.get("status")),
    }


def _agent(document: Document) -> dict[str, str]:
    found = document.get("properties") or {}
    return {
        "id": str(document["id"]).lower(),
        "kind": _text(found.get("type")),
        "state": _text(found.get("provisioningState")),
    }


def _association(document: Document) -> dict[str, str]:
    found = document.get("properties") or {}
    return {
        "id": str(document["id"]).lower(),
        "rule": _text(found.get("dataCollectionRuleId")),
    }


def _text(value: Any) -> str:  # noqa: ANN401  JSON
    return value if isinstance(value, str) else ""


_ROWS: Mapping[re.Pattern[str], Callable[[Document], dict[str, str]]] = {
    _THINGS: _thing,
    _AGENTS: _agent,
    _ASSOCIATIONS: _association,
}
