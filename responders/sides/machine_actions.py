"""What machines of Defender for Endpoint were told to do, and how far each is.

(remote-apis-azure.md 14b)
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from responders.sides.machines import PERMISSION, machine
from shared.model.errors import FailureReason, PermanentFailure, TransientFailure
from shared.model.rest import Done, Pending

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.model.rest import Rest

# What a POST to a machine is called in the list of what it was told.
TYPES: Mapping[str, str] = {
    "isolate": "Isolate",
    "unisolate": "Unisolate",
    "runAntiVirusScan": "RunAntiVirusScan",
    "collectInvestigationPackage": "CollectInvestigationPackage",
    "restrictCodeExecution": "RestrictCodeExecution",
    "unrestrictCodeExecution": "UnrestrictCodeExecution",
    "StopAndQuarantineFile": "StopAndQuarantineFile",
}
SUCCEEDED = "Succeeded"
GOING_ON = frozenset({"Pending", "InProgress"})

# A machine that is off is told when it is on again, which may take days.
FIRST_LOOK, SLOWEST_LOOK = timedelta(minutes=1), timedelta(minutes=30)

_ID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")


class MachineAction(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a machine was told, by whomever; ``comment`` is theirs."""

    id: str
    type: str
    machine: str
    status: str
    comment: str
    begun_at: datetime

    @property
    def is_going_on(self) -> bool:
        """Whether the machine has yet to do it."""
        return self.status in GOING_ON

    @property
    def counts(self) -> bool:
        """Whether it was done, or goes on."""
        return self.is_going_on or self.status == SUCCEEDED


async def newest(endpoint: Rest, machine_id: str, act: str) -> MachineAction | None:
    """The last time that a machine was told this; None where it never was.

    There is no other word on whether a machine is isolated. Raises what ``endpoint``
    raises.
    """
    path = machine(machine_id)
    wanted = f"machineId eq '{path.rpartition('/')[2]}' and type eq '{TYPES[act]}'"
    listed = await endpoint.list_all(
        f"/machineactions?$filter={quote(wanted)}", permission=PERMISSION
    )
    actions = [_read(each) for each in listed]
    return max(actions, key=lambda each: each.begun_at, default=None)


async def in_effect(
    endpoint: Rest, machine_id: str, *acts: str, mark: str = ""
) -> MachineAction | None:
    """The last of these that a machine was told and that was done or goes on.

    With a ``mark`` only those count whose comments hold it. Raises what ``endpoint``
    raises.
    """
    path = machine(machine_id)
    wanted = f"machineId eq '{path.rpartition('/')[2]}'"
    listed = await endpoint.list_all(
        f"/machineactions?$filter={quote(wanted)}", permission=PERMISSION
    )
    types = {TYPES[act] for act in acts}
    counted = [
        action
        for action in (_read(each) for each in listed if each.get("type") in types)
        if action.counts and mark in action.comment
    ]
    return max(counted, key=lambda each: each.begun_at, default=None)


async def cancel(
    endpoint: Rest, action_id: str, comment: str, *, permission: str
) -> None:
    """Call off what a machine has not done yet. Raises what ``endpoint`` raises.

    Where it came to an end meanwhile, that is a TransientFailure: look again.
    """
    if not _ID.fullmatch(action_id.lower()):
        raise _invalid()
    path = f"/machineactions/{action_id.lower()}/cancel"
    try:
        await endpoint.change("POST", path, {"Comment": comment}, permission=permission)
    except PermanentFailure as failure:
        if failure.reason is not FailureReason.INVALID:
            raise
        said = "what was to be called off came to an end meanwhile"
        raise TransientFailure(FailureReason.CONFLICT, said) from failure


async def tell(
    endpoint: Rest,
    machine_id: str,
    act: str,
    body: Mapping[str, str],
    *,
    permission: str,
) -> MachineAction:
    """Tell a machine something, and return what came of it so far.

    What it is at already is taken for it: the comment says whose that is. Raises what
    ``endpoint`` raises.
    """
    path = machine(machine_id, act=act)
    try:
        done = await endpoint.change("POST", path, body, permission=permission)
    except PermanentFailure as failure:
        if failure.reason is not FailureReason.INVALID:
            raise
        # "Action is already in progress" is a 400 whose code is [unverified].
        going_on = await newest(endpoint, machine_id, act)
        if going_on is None or going_on.status not in GOING_ON:
            raise
        return going_on
    return _read(done.content if isinstance(done, Done) else {})


async def look(endpoint: Rest, action_id: str, *, now: datetime) -> Done | Pending:
    """How far one is; the longer it takes, the less often one looks.

    One that failed, timed out or was cancelled is a PermanentFailure.
    """
    return progress(await read(endpoint, action_id), now=now)


async def read(endpoint: Rest, action_id: str) -> MachineAction:
    """One by its id. Raises what ``endpoint`` raises."""
    if not _ID.fullmatch(action_id.lower()):
        raise _invalid()
    found = await endpoint.read(
        f"/machineactions/{action_id.lower()}", permission=PERMISSION
    )
    return _read(found.content)


def progress(action: MachineAction, *, now: datetime) -> Done | Pending:
    """What its status means; ``Pending.poll`` is its id."""
    if action.status == SUCCEEDED:
        return Done()
    if action.is_going_on:
        return Pending(poll=action.id, retry_after=wait(action, now=now))
    ended = action.status if action.status.isalpha() else "something else"
    raise PermanentFailure(
        FailureReason.SERVER, f"Defender for Endpoint: the action ended as {ended}"
    )


def wait(action: MachineAction, *, now: datetime) -> timedelta:
    """When to look again: the longer it takes, the less often."""
    return min(max((now - action.begun_at) / 4, FIRST_LOOK), SLOWEST_LOOK)


async def package_url(endpoint: Rest, action_id: str) -> str:
    """Where an investigation package can be fetched for a short while: a secret.

    Two a minute may be asked for. Raises what ``endpoint`` raises; NOT_FOUND while the
    package is not there yet.
    """
    if not _ID.fullmatch(action_id.lower()):
        raise _invalid()
    found = await endpoint.read(
        f"/machineactions/{action_id.lower()}/getPackageUri",
        permission="Machine.CollectForensics",
    )
    url = found.content.get("value")
    if not isinstance(url, str):
        raise _invalid()
    # The documentation's example has it in quotes inside the text.
    return url.strip('"')


def _read(found: dict[str, Any]) -> MachineAction:
    try:
        begun_at = datetime.fromisoformat(str(found.get("creationDateTimeUtc")))
    except ValueError:
        raise _invalid() from None
    action_id = str(found.get("id", "")).lower()
    if not _ID.fullmatch(action_id):
        raise _invalid()
    return MachineAction(
        id=action_id,
        type=str(found.get("type") or ""),
        machine=str(found.get("machineId") or "").lower(),
        status=str(found.get("status") or ""),
        comment=str(found.get("requestorComment") or ""),
        begun_at=begun_at if begun_at.tzinfo else begun_at.replace(tzinfo=UTC),
    )


def _invalid() -> PermanentFailure:
    return PermanentFailure(
        FailureReason.INVALID, "Defender for Endpoint sent no action of a machine"
    )
