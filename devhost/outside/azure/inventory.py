"""What there is to act on: read from a file, as Azure's own commands write it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from devhost.outside.azure.resources import EMBEDDED, Document, name_of, type_of
from devhost.outside.azure.rights import Identity

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from devhost.outside.azure.resources import Resources

# What the attack that `firewatch run` plays is about.
STORY = Path(__file__).with_name("inventory.json")

# What a resource has beside its properties; whatever else a listing shows is left out.
_FIELDS = (
    "id",
    "name",
    "type",
    "location",
    "tags",
    "kind",
    "sku",
    "identity",
    "zones",
    "managedBy",
    "plan",
    "extendedLocation",
    "properties",
)
_MACHINES = frozenset(
    {
        "microsoft.compute/virtualmachines",
        "microsoft.compute/virtualmachinescalesets/virtualmachines",
    }
)
_MACHINE_ID = re.compile(r"[0-9a-fA-F]{40}")
_GUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")


class InventoryError(Exception):
    """The file is no inventory; the message says why."""


class Inventory(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All there is, in each section as a GET of the API shows it, and who the app is.

    Groups and roles have ``members`` besides: object ids. Names are the API's own.
    """

    resources: tuple[Document, ...] = ()
    users: tuple[Document, ...] = ()
    groups: tuple[Document, ...] = ()
    directoryRoles: tuple[Document, ...] = ()  # noqa: N815
    servicePrincipals: tuple[Document, ...] = ()  # noqa: N815
    machines: tuple[Document, ...] = ()
    secrets: tuple[Document, ...] = ()
    keys: tuple[Document, ...] = ()
    blobs: tuple[Document, ...] = ()
    identity: Identity = Identity()


def read(content: bytes) -> Inventory:
    """The inventory of a file: an object of sections, or resources alone.

    Resources may come as a list (`az resource list`), or as `data` (`az graph query`).
    Raises InventoryError.
    """
    try:
        raw = msgspec.json.decode(content)
    except msgspec.DecodeError as error:
        raise InventoryError(f"not JSON: {error}") from None
    if isinstance(raw, list):
        raw = {"resources": raw}
    elif isinstance(raw, dict) and isinstance(raw.get("data"), list):
        raw = {"resources": raw["data"]}
    try:
        found = msgspec.convert(raw, Inventory)
    except msgspec.ValidationError as error:
        raise InventoryError(str(error)) from None
    for section, problem_of in _PROBLEMS.items():
        for number, each in enumerate(getattr(found, section)):
            problem = problem_of(each)
            if problem:
                raise InventoryError(f"$.{section}[{number}]: {problem}")
    return found


def fill(resources: Resources, inventory: Inventory) -> None:
    """Let there be what the inventory tells of, each in its subscription and group."""
    for each in inventory.resources:
        resources.write(_whole(each))
    for each in inventory.resources:
        for scope in _scopes(each["id"]):
            if resources.find(scope) is None:
                resources.write(_whole({"id": scope}))


def _problem(document: Mapping[str, Any]) -> str:
    resource_id = document.get("id")
    if not isinstance(resource_id, str) or not resource_id.lower().startswith(
        "/subscriptions/"
    ):
        return "id is not that of a resource"
    if not isinstance(document.get("properties"), dict | None):
        return "properties is no object"
    tags = document.get("tags")
    if tags is None:
        return ""
    if not isinstance(tags, dict) or not all(isinstance(v, str) for v in tags.values()):
        return "tags are no texts"
    return ""


def _problem_of_account(document: Mapping[str, Any]) -> str:
    account = document.get("id")
    if not isinstance(account, str) or not _GUID.fullmatch(account):
        return "id is no object id"
    return ""


def _problem_of_user(document: Mapping[str, Any]) -> str:
    if not isinstance(document.get("userPrincipalName"), str):
        return "userPrincipalName is missing"
    return _problem_of_account(document)


def _problem_of_group(document: Mapping[str, Any]) -> str:
    members = document.get("members")
    if not isinstance(members, list) or not all(isinstance(m, str) for m in members):
        return "members is no list of object ids"
    return _problem_of_account(document)


def _problem_of_machine(document: Mapping[str, Any]) -> str:
    machine = document.get("id")
    if not isinstance(machine, str) or not _MACHINE_ID.fullmatch(machine):
        return "id is not the id of a machine: 40 hex digits"
    if not isinstance(document.get("osPlatform"), str):
        return "osPlatform is missing"
    return ""


def _problem_of_version(document: Mapping[str, Any], id_name: str) -> str:
    found = document.get(id_name)
    parts = urlsplit(found).path.split("/") if isinstance(found, str) else []
    if len(parts) != 4 or not all(parts[1:]):
        return f"{id_name} is not the address of a version"
    if not isinstance(document.get("attributes"), dict | None):
        return "attributes is no object"
    return ""


def _problem_of_blob(document: Mapping[str, Any]) -> str:
    url, size = document.get("url"), document.get("size")
    path = urlsplit(url).path if isinstance(url, str) else ""
    if path.count("/") < 2 or path.endswith("/"):
        return "url is not the address of a blob"
    if not isinstance(size, int) or size < 0:
        return "size is no number of bytes"
    return ""


_PROBLEMS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "resources": _problem,
    "users": _problem_of_user,
    "groups": _problem_of_group,
    "directoryRoles": _problem_of_group,
    "servicePrincipals": _problem_of_account,
    "machines": _problem_of_machine,
    "secrets": lambda each: _problem_of_version(each, "id"),
    "keys": lambda each: _problem_of_version(each, "kid"),
    "blobs": _problem_of_blob,
}


def _whole(given: Mapping[str, Any]) -> Document:
    """A resource with all that a GET shows, where the file has only what matters."""
    document = {name: given[name] for name in _FIELDS if given.get(name)}
    resource_id = document["id"] = given["id"].rstrip("/")
    kind = type_of(resource_id)
    document.setdefault("name", name_of(resource_id))
    document.setdefault("type", _type(resource_id))
    properties = {
        k: v for k, v in (given.get("properties") or {}).items() if v is not None
    }
    if _is_tracked(resource_id):
        document["location"] = str(given.get("location") or "westeurope").lower()
        document["tags"] = given.get("tags") or {}
        properties = {"provisioningState": "Succeeded", **properties}
    document["properties"] = properties
    if kind in _MACHINES:
        document["properties"]["powerState"] = _power(document["properties"])
    for child, name in EMBEDDED.items():
        if child.rpartition("/")[0] == kind:
            entries = document["properties"].get(name) or []
            document["properties"][name] = [
                _part(resource_id, document["type"], name, each) for each in entries
            ]
    return document


def _type(resource_id: str) -> str:
    """The type of an id, in the case that it is written in."""
    _, found, rest = resource_id.rpartition("/providers/")
    provider, *parts = rest.split("/")
    written = "/".join([provider, *parts[::2]])
    return written if found else "Microsoft.Resources/resourceGroups"


def _is_tracked(resource_id: str) -> bool:
    """Whether it has a place, tags and a state of its own.

    What is part of another or hangs on one has not, but for machines of a scale set.
    """
    kind = type_of(resource_id)
    is_part = kind.count("/") > 1 or resource_id.lower().count("/providers/") > 1
    return not is_part or kind in _MACHINES


def _part(parent: str, kind: str, name: str, given: Mapping[str, Any]) -> Document:
    """A resource that stands in another's list, by its name there."""
    properties = given.get("properties") or {}
    return {
        "name": given["name"],
        "id": given.get("id") or f"{parent}/{name}/{given['name']}",
        "type": f"{kind}/{name}",
        "properties": {
            "provisioningState": "Succeeded",
            **{k: v for k, v in properties.items() if v is not None},
        },
    }


def _power(properties: dict[str, Any]) -> str:
    """How a machine runs, where the file says it; running where it does not."""
    view = properties.pop("instanceView", None) or {}
    more = properties.pop("extended", None) or {}
    shown = (more.get("instanceView") or {}).get("powerState") or {}
    codes = [each.get("code", "") for each in view.get("statuses") or []]
    codes += [shown.get("code", ""), properties.pop("powerState", "")]
    powers = (code for code in codes if code.startswith("PowerState/"))
    return next(powers, "PowerState/running")


def _scopes(resource_id: str) -> list[str]:
    """The subscription of a resource, and its group."""
    parts = resource_id.split("/")
    scopes = ["/".join(parts[:3])]
    if len(parts) > 4 and parts[3].lower() == "resourcegroups":
        scopes.append("/".join(parts[:5]))
    return scopes
