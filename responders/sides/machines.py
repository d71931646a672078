"""Machines of Defender for Endpoint: which one is meant, or that nobody can say.

(remote-apis-azure.md 14a)
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from shared.model.errors import ActionRefused, FailureReason, PermanentFailure

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from shared.model.rest import Rest

PERMISSION = "Machine.Read.All"

_MACHINE_ID = re.compile(r"[0-9a-f]{40}")
_GUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_NAME = re.compile(r"[a-z0-9_](?:[a-z0-9._-]{0,253}[a-z0-9_])?")


class Sought(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a machine; the first of these that is known decides.

    ``resource`` is its canonical ARM id and ``vm_id`` what Azure calls the machine
    itself; both only tell those of one name apart, and so do ``addresses``.
    """

    machine_id: str = ""
    entra_id: str = ""
    name: str = ""
    resource: str = ""
    vm_id: str = ""
    addresses: tuple[str, ...] = ()


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """A machine that is onboarded, and which it is beyond doubt."""

    id: str
    name: str
    platform: str
    is_active: bool
    last_seen: str
    tags: tuple[str, ...]

    @property
    def is_windows(self) -> bool:
        """Whether it can do what only Windows can."""
        return self.platform.lower().startswith("windows")


def machine(machine_id: str, *, act: str = "") -> str:
    """The path of a machine, or of what it is told to do.

    Raises PermanentFailure, INVALID, for what is no id of a machine.
    """
    lowered = machine_id.lower()
    if not _MACHINE_ID.fullmatch(lowered):
        raise PermanentFailure(FailureReason.INVALID, "not the id of a machine")
    return f"/machines/{lowered}{act and '/'}{act}"


async def one_machine(endpoint: Rest, sought: Sought) -> Machine:
    """The one machine that is meant.

    Raises ActionRefused where several may be meant or it is not onboarded,
    PermanentFailure, NOT_FOUND, where there is none, and what ``endpoint`` raises.
    Never is one taken whose name only begins alike.
    """
    if sought.machine_id:
        found = await endpoint.find(machine(sought.machine_id), permission=PERMISSION)
        return _one(_possible([found.content] if found else [], sought))
    entra_id = sought.entra_id.lower()
    if _GUID.fullmatch(entra_id):
        return _one(_possible(await _with_entra_id(endpoint, entra_id), sought))
    name = sought.name.lower()
    if not _NAME.fullmatch(name):
        raise ActionRefused("nothing is known by which one machine could be told")
    candidates = await _filtered(endpoint, f"computerDnsName eq '{name}'")
    return _one(_meant(candidates, sought))


async def _with_entra_id(endpoint: Rest, entra_id: str) -> list[dict[str, Any]]:
    try:
        return await _filtered(endpoint, f"aadDeviceId eq {entra_id}")
    except PermanentFailure as failure:
        # How the id is written in a filter is [unverified]: the other way, once.
        if failure.reason is not FailureReason.INVALID:
            raise
    return await _filtered(endpoint, f"aadDeviceId eq '{entra_id}'")


async def _filtered(endpoint: Rest, wanted: str) -> list[dict[str, Any]]:
    """The machines that a filter finds; that there are none is answered with 404."""
    path = f"/machines?$filter={quote(wanted)}"
    try:
        return await endpoint.list_all(path, permission=PERMISSION)
    except PermanentFailure as failure:
        if failure.reason is not FailureReason.NOT_FOUND:
            raise
        return []


def _meant(
    candidates: Iterable[dict[str, Any]], sought: Sought
) -> Sequence[dict[str, Any]]:
    """Those of one name that may be the machine that is known by more than that.

    What says that it is another virtual machine is. Where none says that it is this
    one, only an address that agrees does.
    """
    if not (sought.resource or sought.vm_id):
        return [*candidates]
    others = _possible(candidates, sought)
    surely = [each for each in others if _says(each, sought)]
    return surely or [
        each for each in others if each.get("lastIpAddress") in sought.addresses
    ]


def _possible(
    candidates: Iterable[dict[str, Any]], sought: Sought
) -> list[dict[str, Any]]:
    """Those that do not say that they are another virtual machine."""
    return [each for each in candidates if _says(each, sought) is not False]


def _says(candidate: dict[str, Any], sought: Sought) -> bool | None:
    """Whether it is that virtual machine; None where it does not say."""
    # On /machines itself it is [unverified], and empty where sensors are old.
    metadata = candidate.get("vmMetadata")
    if not isinstance(metadata, dict):
        return None
    pairs = (("resourceId", sought.resource), ("vmId", sought.vm_id))
    said = [
        str(metadata[name]).lower() == wanted.lower()
        for name, wanted in pairs
        if wanted and metadata.get(name)
    ]
    return all(said) if said else None


def _one(candidates: Sequence[dict[str, Any]]) -> Machine:
    """The one that is left of those that are onboarded."""
    if not candidates:
        raise PermanentFailure(
            FailureReason.NOT_FOUND, "Defender for Endpoint knows no such machine"
        )
    found = [_read(e) for e in candidates if e.get("onboardingStatus") == "Onboarded"]
    if not found:
        raise ActionRefused("the machine is not onboarded")
    if len(found) > 1:
        # Machines that were set up anew keep their old records.
        active = [each for each in found if each.is_active]
        newest = max((each.last_seen for each in active), default="")
        found = [each for each in active if each.last_seen == newest]
    if len(found) != 1:
        raise ActionRefused("several machines have that name: which is not certain")
    return found[0]


def _read(content: dict[str, Any]) -> Machine:
    machine_id = str(content.get("id", "")).lower()
    if not _MACHINE_ID.fullmatch(machine_id):
        raise PermanentFailure(
            FailureReason.INVALID, "Defender for Endpoint sent a machine without an id"
        )
    tags = content.get("machineTags")
    return Machine(
        id=machine_id,
        name=str(content.get("computerDnsName") or ""),
        platform=str(content.get("osPlatform") or ""),
        is_active=content.get("healthStatus") == "Active",
        last_seen=str(content.get("lastSeen") or ""),
        tags=tuple(str(tag) for tag in tags) if isinstance(tags, list) else (),
    )
