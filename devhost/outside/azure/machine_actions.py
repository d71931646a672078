"""What machines were told to do, and how far each is with it.

(remote-apis-azure.md 14b)
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import uuid4

import msgspec

from devhost.outside.azure.answers import Refused
from devhost.outside.azure.upsets import Upset, Upsets, Way

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

# Minutes at least in the real world.
LASTS = timedelta(seconds=3)

GOING_ON = ("Pending", "InProgress")


class Act(NamedTuple):
    """One thing that machines can be told: its name, who may, and what it takes."""

    type: str
    role: str
    choices: Mapping[str, tuple[str, ...]] = {}
    texts: tuple[str, ...] = ()
    is_for_windows: bool = False


ACTS: Mapping[str, Act] = {
    "isolate": Act(
        "Isolate",
        "Machine.Isolate",
        {"IsolationType": ("Full", "Selective", "UnManagedDevice")},
    ),
    "unisolate": Act("Unisolate", "Machine.Isolate"),
    "runAntiVirusScan": Act(
        "RunAntiVirusScan",
        "Machine.Scan",
        {"ScanType": ("Quick", "Full")},
        is_for_windows=True,
    ),
    "collectInvestigationPackage": Act(
        "CollectInvestigationPackage", "Machine.CollectForensics", is_for_windows=True
    ),
    "restrictCodeExecution": Act(
        "RestrictCodeExecution", "Machine.RestrictExecution", is_for_windows=True
    ),
    "unrestrictCodeExecution": Act(
        "UnrestrictCodeExecution", "Machine.RestrictExecution", is_for_windows=True
    ),
    "StopAndQuarantineFile": Act(
        "StopAndQuarantineFile",
        "Machine.StopAndQuarantine",
        texts=("Sha1",),
        is_for_windows=True,
    ),
}
# What takes back what: a machine is held while the newest that succeeded is not one.
_RELEASES = {"Unisolate": "Isolate", "UnrestrictCodeExecution": "RestrictCodeExecution"}
_HOLDS = frozenset(_RELEASES.values())


class MachineAction(msgspec.Struct, kw_only=True):
    """One thing that a machine was told. Without ``ends_at`` it is pending for ever."""

    id: str
    type: str
    machine: str
    dns_name: str
    comment: str
    scope: str
    begun_at: datetime
    ends_at: datetime | None
    ends_as: str
    secret: str
    unseen: int = 0


class MachineActions:
    """Everything that machines were told, in order."""

    def __init__(
        self, clock: Callable[[], datetime], upsets: Upsets, *, side: str
    ) -> None:
        self._clock = clock
        self._upsets = upsets
        self._side = side
        self.lasts = LASTS
        # What a second request gets while one goes on: 400, or that one. People have
        # seen both (MicrosoftDocs/microsoft-365-docs issue 5903).
        self.gives_pending = False
        self._actions: list[MachineAction] = []

    def begin(
        self, machine: Mapping[str, Any], act: Act, body: Mapping[str, Any], path: str
    ) -> MachineAction:
        """Tell a machine something; refused while it is at the same already."""
        for each in self._of(machine["id"]):
            if each.type == act.type and self._status(each) in GOING_ON:
                if self.gives_pending:
                    return each
                # The message is documented; the code is [unverified].
                raise Refused(
                    400, "ActiveRequestAlreadyExists", "Action is already in progress"
                )
        upset = self._upsets.next(self._side, "POST", path)
        is_endless = machine["healthStatus"] != "Active" or _is(upset, Way.NEVER_ENDS)
        now = self._clock()
        action = MachineAction(
            id=str(uuid4()),
            type=act.type,
            machine=machine["id"].lower(),
            dns_name=machine.get("computerDnsName", ""),
            comment=body["Comment"],
            scope=next((str(body[name]) for name in act.choices), ""),
            begun_at=now,
            ends_at=None if is_endless else now + self.lasts,
            ends_as=_end(upset),
            secret=secrets.token_urlsafe(16),
            unseen=upset.reads if upset and upset.way is Way.IS_STALE else 0,
        )
        self._actions.append(action)
        return action

    def cancel(self, action: MachineAction, comment: str) -> None:
        """Let one that goes on be cancelled."""
        if self._status(action) not in GOING_ON:
            raise Refused(400, "InvalidInput", "it is over")
        action.ends_at, action.ends_as = self._clock(), "Cancelled"
        action.comment = f"{action.comment} | {comment}"

    def find(self, action_id: str) -> MachineAction | None:
        """One by its id."""
        return next((e for e in self._actions if e.id == action_id.lower()), None)

    def all(self) -> list[MachineAction]:
        """All there are, the newest first."""
        return self._actions[::-1]

    def seen(self) -> Iterator[MachineAction]:
        """Those that a list shows by now, the newest first."""
        for action in self.all():
            if action.unseen:
                action.unseen -= 1
            else:
                yield action

    def held(self) -> dict[str, Any]:
        """Each machine that is held, by what, and how."""
        held: dict[str, dict[str, str]] = {}
        for action in self._actions:
            if self._status(action) != "Succeeded":
                continue
            holds = held.setdefault(action.machine, {})
            if action.type in _HOLDS:
                holds[action.type] = action.scope
            holds.pop(_RELEASES.get(action.type, ""), None)
        return {machine: holds for machine, holds in held.items() if holds}

    def shown(self, action: MachineAction) -> dict[str, Any]:
        """As the API shows it."""
        return {
            "id": action.id,
            "type": action.type,
            "scope": action.scope or None,
            "requestor": "firewatch",
            "requestorComment": action.comment,
            "status": self._status(action),
            "machineId": action.machine,
            "computerDnsName": action.dns_name,
            # Seven digits, as the service writes them.
            "creationDateTimeUtc": f"{action.begun_at:%Y-%m-%dT%H:%M:%S.%f}0Z",
            "lastUpdateDateTimeUtc": f"{self._clock():%Y-%m-%dT%H:%M:%S.%f}0Z",
            "cancellationRequestor": None,
            "errorHResult": 0,
            "externalID": None,
        }

    def _of(self, machine: str) -> Iterator[MachineAction]:
        return (each for each in self._actions if each.machine == machine.lower())

    def _status(self, action: MachineAction) -> str:
        now = self._clock()
        if action.ends_at is None:
            return "Pending"
        if action.ends_at <= now:
            return action.ends_as
        is_begun = now - action.begun_at >= self.lasts / 3
        return "InProgress" if is_begun else "Pending"


def demand_body(act: Act, body: Mapping[str, Any]) -> None:
    """Refuse a body that is not what this act takes; names have their case."""
    wanted = {"Comment", *act.choices, *act.texts}
    missing = [n for n in sorted(wanted) if not isinstance(body.get(n), str)]
    if missing or set(body) - wanted:
        raise Refused(
            400, "InvalidRequestBody", f"wanted are {', '.join(sorted(wanted))}"
        )
    for name, choices in act.choices.items():
        if body[name] not in choices:
            raise Refused(400, "InvalidInput", f"{name} is none of {choices}")
    if not body["Comment"].strip():
        raise Refused(400, "MissingRequiredParameter", "Comment is empty")


def _is(upset: Upset | None, way: Way) -> bool:
    return upset is not None and upset.way is way


def _end(upset: Upset | None) -> str:
    """How an action ends; one that is lost is one that the machine never answered."""
    if _is(upset, Way.FAILS):
        return "Failed"
    return "TimeOut" if _is(upset, Way.IS_LOST) else "Succeeded"
