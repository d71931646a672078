"""Disks, and snapshots of them.

(remote-apis-azure.md 4a)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, uuid5

from devhost.outside.azure.answers import Refused
from devhost.outside.azure.kinds import (
    Asked,
    Change,
    How,
    Kind,
    bad,
    properties_of,
    retagged,
    tags_of,
)
from devhost.outside.azure.resources import name_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from devhost.outside.azure.resources import Document

VERSION = "2023-10-02"
LONGEST_NAME = 80  # [unverified]

_ENUMS = {
    "networkAccessPolicy": ("AllowAll", "AllowPrivate", "DenyAll"),
    "publicNetworkAccess": ("Enabled", "Disabled"),
}


class Disk(Kind):
    """A managed disk, to be read."""

    type = "Microsoft.Compute/disks"
    version = VERSION


class Snapshot(Kind):
    """A snapshot: what it was made of never changes."""

    type = "Microsoft.Compute/snapshots"
    version = VERSION

    def links(self, asked: Asked) -> Iterator[str]:
        if asked.old is None and asked.body:
            yield "Microsoft.Compute/disks/beginGetAccess/action"

    def put(self, asked: Asked) -> Change:
        given = properties_of(asked.body)
        creation = given.get("creationData")
        if not isinstance(creation, dict):
            raise bad("creationData is missing", "InvalidParameter")
        for name, words in _ENUMS.items():
            if given.get(name, words[0]) not in words:
                raise bad(f"{name} is none of {words}", "InvalidParameter")
        if len(name_of(asked.id)) > LONGEST_NAME:
            raise bad("the name is too long", "InvalidResourceName")
        if asked.old is not None:
            return Change(
                _rewritten(asked.old, asked.body, given), How.BY_OPERATION, 200
            )
        source = _source(asked, creation)
        document = {
            "id": asked.id,
            "name": name_of(asked.id),
            "type": self.type,
            "location": asked.body["location"],
            "tags": tags_of(asked.body),
            "sku": asked.body.get("sku") or {"name": "Standard_LRS"},
            "properties": {**given, **_facts(asked, creation, source)},
        }
        return Change(document, How.BY_OPERATION, 202)

    def patch(self, asked: Asked) -> Change:
        return retagged(asked, How.BY_OPERATION)

    def delete(self, asked: Asked) -> Change:  # noqa: ARG002  all are alike
        return Change(None, How.BY_LOCATION, 202)


def _source(asked: Asked, creation: Mapping[str, Any]) -> Document:
    """The disk that is to be copied; within a region, unless it is begun as a copy."""
    source = asked.resources.find(str(creation.get("sourceResourceId", "")))
    if source is None or str(source["type"]).lower() != Disk.type.lower():
        raise Refused(404, "ResourceNotFound", "the disk is not there")
    how, location = creation.get("createOption"), asked.body.get("location")
    if how not in {"Copy", "CopyStart"}:
        raise bad("createOption is none of Copy, CopyStart", "InvalidParameter")
    if not isinstance(location, str) or not location:
        raise bad("location is missing", "LocationRequired")
    if how == "Copy" and location != source["location"]:
        raise bad("a copy stays in its region", "InvalidParameter")
    return source


def _facts(
    asked: Asked, creation: Mapping[str, Any], source: Document
) -> dict[str, Any]:
    """What Azure says of a snapshot, whoever made it."""
    disk = source["properties"]
    found = {
        "creationData": {**creation, "sourceUniqueId": disk.get("uniqueId")},
        "diskSizeGB": disk.get("diskSizeGB"),
        "diskSizeBytes": disk.get("diskSizeBytes"),
        "osType": disk.get("osType"),
        "uniqueId": str(uuid5(NAMESPACE_URL, asked.id.lower())),
        "timeCreated": f"{asked.now:%Y-%m-%dT%H:%M:%S.%f}+00:00",
        "diskState": "Unattached",
        "completionPercent": 100.0,
        "provisioningState": "Succeeded",
    }
    return {name: value for name, value in found.items() if value is not None}


def _rewritten(
    old: Document, body: Mapping[str, Any], given: Mapping[str, Any]
) -> Document:
    """A snapshot that is there, with what of it may change changed."""
    known = old["properties"]["creationData"]
    if any(known.get(k) != v for k, v in given["creationData"].items()):
        # [unverified status and code]
        raise Refused(409, "PropertyChangeNotAllowed", "creationData never changes")
    kept = {k: v for k, v in given.items() if k in _ENUMS}
    # One that had failed is made anew. [unverified]
    state = {"provisioningState": "Succeeded"}
    properties = {**old["properties"], **kept, **state}
    return {**old, "tags": tags_of(body), "properties": properties}
