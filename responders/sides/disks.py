"""Managed disks and snapshots of them, as Resource Manager shows them.

(remote-apis-azure.md 4a)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from responders.sides import network
from responders.sides.arm import at
from shared.model import resource
from shared.model.errors import (
    ActionRefused,
    FailureReason,
    PermanentFailure,
    TransientFailure,
)
from shared.model.permission import Api, Permission
from shared.model.rest import SUCCEEDED, inner, is_settled, provisioning_state

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from shared.model.rest import Rest

DISK = "microsoft.compute/disks"
SNAPSHOT = "microsoft.compute/snapshots"
LOCK = "fw-evidence"

READ_DISKS = Permission(Api.ARM, "Microsoft.Compute/disks/read", "their disks")
COPY_DISKS = Permission(
    Api.ARM, "Microsoft.Compute/disks/beginGetAccess/action", "the same"
)
READ_SNAPSHOTS = Permission(
    Api.ARM, "Microsoft.Compute/snapshots/read", "the group of `group`, or of the disks"
)
WRITE_SNAPSHOTS = Permission(Api.ARM, "Microsoft.Compute/snapshots/write", "the same")
READ_LOCKS = Permission(Api.ARM, "Microsoft.Authorization/locks/read", "the same")
WRITE_LOCKS = Permission(Api.ARM, "Microsoft.Authorization/locks/write", "the same")


class Disk(NamedTuple):
    """A disk; ``unique_id`` is what Azure calls the disk itself, whatever its name."""

    id: str
    location: str
    unique_id: str


class Snapshot(NamedTuple):
    """A snapshot, and the disk that it is of; ``has_failed`` says that it holds nothing."""

    source: str
    unique_id: str
    is_incremental: bool
    is_settled: bool
    has_failed: bool


async def disks_of(arm: Rest, machine: str) -> list[str]:
    """The ids of a machine's disks that can be copied, in order.

    One that lies on the machine's host (ephemeral) or in a storage account cannot.
    Raises ActionRefused where there is none, and what ``arm`` raises.
    """
    found = await arm.read(at(machine), permission=network.READ_MACHINES.action)
    profile = inner(inner(found.content, "properties"), "storageProfile")
    data = profile.get("dataDisks")
    listed = [profile.get("osDisk"), *(data if isinstance(data, list) else ())]
    ids = sorted(set(_managed(listed)))
    if not ids:
        raise ActionRefused(
            f"{resource.display_name(machine)} has no disk that can be copied"
        )
    return ids


async def disk(arm: Rest, disk_id: str) -> Disk:
    """A disk as it is now. Raises what ``arm`` raises."""
    found = await arm.read(at(disk_id), permission=READ_DISKS.action)
    return Disk(
        id=disk_id,
        location=str(found.content.get("location", "")),
        unique_id=str(inner(found.content, "properties").get("uniqueId") or ""),
    )


async def snapshot(arm: Rest, snapshot_id: str) -> Snapshot | None:
    """A snapshot as it is now; None where there is none."""
    found = await arm.find(at(snapshot_id), permission=READ_SNAPSHOTS.action)
    if found is None:
        return None
    properties = inner(found.content, "properties")
    creation = inner(properties, "creationData")
    return Snapshot(
        source=resource.whole_id(str(creation.get("sourceResourceId"))) or "",
        unique_id=str(creation.get("sourceUniqueId") or ""),
        is_incremental=properties.get("incremental") is True,
        is_settled=is_settled(found.content),
        has_failed=is_settled(found.content)
        and provisioning_state(found.content) not in {None, SUCCEEDED},
    )


async def is_locked(arm: Rest, snapshot_id: str) -> bool:
    """Whether it has our lock."""
    found = await arm.find(at(lock_of(snapshot_id)), permission=READ_LOCKS.action)
    level = inner(found.content, "properties").get("level") if found else None
    return level == "CanNotDelete"


async def copy(
    arm: Rest, disk_id: str, location: str, snapshot_id: str, tags: Mapping[str, str]
) -> None:
    """Have a snapshot made of a disk; nobody can export it. Raises what ``arm`` raises."""
    content = {
        "location": location,
        # Zones are not everywhere. [unverified]
        "sku": {"name": "Standard_LRS"},
        "tags": dict(tags),
        "properties": {
            "incremental": True,
            "creationData": {"createOption": "Copy", "sourceResourceId": disk_id},
            "networkAccessPolicy": "DenyAll",
            "publicNetworkAccess": "Disabled",
        },
    }
    place = at(snapshot_id)
    await arm.change("PUT", place, content, permission=WRITE_SNAPSHOTS.action)


async def lock(arm: Rest, snapshot_id: str, notes: str) -> None:
    """Keep it from being deleted. Raises what ``arm`` raises.

    Where it does not show yet, though it was asked for, that is a TransientFailure.
    """
    content = {"properties": {"level": "CanNotDelete", "notes": notes}}
    place = at(lock_of(snapshot_id))
    try:
        await arm.change("PUT", place, content, permission=WRITE_LOCKS.action)
    except PermanentFailure as failure:
        if failure.reason is not FailureReason.NOT_FOUND:
            raise
        said = "the snapshot is not there yet to be locked"
        raise TransientFailure(FailureReason.CONFLICT, said) from failure


def lock_of(snapshot_id: str) -> str:
    """The id of our lock of a snapshot."""
    return f"{snapshot_id}/providers/microsoft.authorization/locks/{LOCK}"


def _managed(listed: list[object]) -> Iterator[str]:
    for each in listed:
        entry = each if isinstance(each, dict) else {}
        text = inner(entry, "managedDisk").get("id")
        known = resource.whole_id(text) if isinstance(text, str) else None
        is_disk = known is not None and resource.type_of(known) == DISK
        if known is not None and is_disk and not entry.get("diffDiskSettings"):
            yield known
