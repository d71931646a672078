"""Keeps evidence: a snapshot of each disk of the virtual machines that alerts are about.

Named after the incident and the disk, so that making it twice makes one, and no earlier
one is written over; with a lock that keeps it from being deleted, and a tag that says
until when it is to be kept (remote-apis-azure.md 4a). Nothing here deletes any.
A snapshot is what a disk holds after a power cut; each is of its own moment.

[unverified]: that names may have 80 characters, that a group in another subscription
takes snapshots where the identity has these rights in both, and that disks with keys of
one's own need no more than this and read on their encryption set.
"""

from __future__ import annotations

import asyncio
import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from responders.sides import disks, network
from shared.model import resource
from shared.model.action import Kind, Outcome
from shared.model.deed import Before, Deed, Sight, State
from shared.model.errors import ActionRefused, PermanentFailure, SettingsError
from shared.model.text import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from responders.base import Ports
    from shared.model.alert import AlertRow
    from shared.model.evidence import Evidence
    from shared.model.incident import Incident
    from shared.model.permission import Permission
    from shared.model.rest import Rest

USE = "disk-snapshot"

_NAME = 80


class DiskSnapshot:
    """A ``Doer``; a target is a machine, with all of its disks."""

    class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """``group`` is the id of the resource group for snapshots, else each disk's own.

        They are to be kept for ``keep``, which a tag says; a machine with more than
        ``most`` disks is left alone.
        """

        group: str = ""
        keep: timedelta = timedelta(days=90)
        most: int = 8

    use = USE
    kind = Kind.EVIDENCE
    permissions: tuple[Permission, ...] = (
        network.READ_MACHINES,
        disks.READ_DISKS,
        disks.COPY_DISKS,
        disks.READ_SNAPSHOTS,
        disks.WRITE_SNAPSHOTS,
        disks.READ_LOCKS,
        disks.WRITE_LOCKS,
    )

    def __init__(self, name: str, config: Config | None, ports: Ports) -> None:
        """Raises SettingsError for a group that is none, and for a time that is over."""
        self.name = name
        self._arm: Rest = ports.azure.arm
        self._clock = ports.clock
        self._config = config
        self._group = _checked(config) if config else ""

    async def plan(
        self,
        incident: Incident,
        alerts: Sequence[AlertRow],
        evidence: Sequence[Evidence] = (),  # noqa: ARG002  as the protocol
    ) -> Sequence[Deed]:
        """One deed for each machine that an alert is about."""
        if self._config is None:
            return ()
        found = network.machines(alerts)
        return await asyncio.gather(
            *(
                self._planned(incident, machine, [alert.id for alert in about])
                for machine, about in found.items()
            )
        )

    async def before(self, deed: Deed) -> Before:
        """What each disk is, and until when to keep what it holds.

        Raises ActionRefused as ``Doer`` says, and where a name is taken.
        """
        copies: dict[str, str] = deed.content["snapshots"]
        if await disks.disks_of(self._arm, deed.target) != sorted(copies):
            raise ActionRefused("the machine has other disks than planned")
        kept = 0
        for disk_id, snapshot_id in copies.items():
            found = await disks.snapshot(self._arm, snapshot_id)
            if found is not None and found.source != disk_id:
                name = resource.display_name(snapshot_id)
                raise ActionRefused(f"{name} is a snapshot of something else")
            kept += found is not None and not found.has_failed
        if kept == len(copies):
            raise ActionRefused("snapshots for this incident were made already")
        known = [await disks.disk(self._arm, each) for each in copies]
        until = self._clock() + timedelta(days=deed.content["keep"])
        state = {
            "keep_until": f"{until:%Y-%m-%d}",
            "disks": {each.id: [each.location, each.unique_id] for each in known},
        }
        return Before(state=state, by_hand=())

    async def apply(self, deed: Deed, before: Before) -> Outcome:
        """Make the snapshots that are not there, and lock each."""
        incident: str = deed.content["incident"]
        copies: dict[str, str] = deed.content["snapshots"]
        for disk_id, snapshot_id in copies.items():
            found = await disks.snapshot(self._arm, snapshot_id)
            if found is None or found.has_failed:
                location, _ = before.state["disks"][disk_id]
                tags = {
                    "firewatch:incident": incident,
                    "firewatch:keep-until": before.state["keep_until"],
                }
                await disks.copy(self._arm, disk_id, location, snapshot_id, tags)
        for snapshot_id in copies.values():
            if not await disks.is_locked(self._arm, snapshot_id):
                notes = f"Firewatch keeps this as evidence of incident {incident}"
                await disks.lock(self._arm, snapshot_id, notes)
        return Outcome(reference=", ".join(map(resource.display_name, copies.values())))

    async def verify(self, deed: Deed, before: Before) -> Sight:
        """Whether each snapshot is whole, of its disk, and locked."""
        seen = [
            await self._seen(disk_id, snapshot_id, before)
            for disk_id, snapshot_id in deed.content["snapshots"].items()
        ]
        for state in (State.OTHERWISE, State.UNDER_WAY):
            found = next((each for each in seen if each.state is state), None)
            if found is not None:
                return found
        states = {each.state for each in seen}
        return Sight(state=states.pop() if len(states) == 1 else State.PARTLY)

    async def undo(self, deed: Deed, before: Before) -> Outcome:  # noqa: ARG002
        """Raises ActionRefused: evidence stays."""
        raise ActionRefused("a snapshot is kept, and never taken back")

    async def _planned(
        self, incident: Incident, machine: str, alerts: Sequence[str]
    ) -> Deed:
        assert self._config is not None  # noqa: S101  plan looked
        ids: list[str] = []
        obstacle = ""
        try:
            ids = await disks.disks_of(self._arm, machine)
            if len(ids) > self._config.most:
                obstacle = f"it has {len(ids)} disks, and {self._config.most} may be"
        except (ActionRefused, PermanentFailure) as error:
            # Another machine's may do.
            obstacle = str(error)
        name = plain(resource.display_name(machine), _NAME)
        return Deed(
            responder=self.name,
            use=USE,
            kind=Kind.EVIDENCE,
            target=machine,
            says=f"Keep a snapshot of each disk of {name}; it cannot be taken back",
            alerts=tuple(sorted(alerts)),
            resources=(machine, *ids),
            reversible=False,
            obstacle=obstacle,
            content={
                "incident": incident.id,
                "snapshots": {each: self._place(incident, each) for each in ids},
                "keep": self._config.keep // timedelta(days=1),
            },
        )

    def _place(self, incident: Incident, disk_id: str) -> str:
        """Where the snapshot of a disk is for this incident, each time that it is open."""
        own = disk_id.partition("/providers/")[0]
        digest = hashlib.sha256(disk_id.encode()).hexdigest()[:12]
        name = f"fw-{incident.id}-{incident.epoch}-{digest}"
        return f"{self._group or own}/providers/{disks.SNAPSHOT}/{name}"

    async def _seen(self, disk_id: str, snapshot_id: str, before: Before) -> Sight:
        """How one snapshot stands; PARTLY where it is there, and not locked."""
        found = await disks.snapshot(self._arm, snapshot_id)
        if found is None or found.has_failed:
            return Sight(state=State.AS_BEFORE)
        name = resource.display_name(snapshot_id)
        _, unique_id = before.state["disks"][disk_id]
        is_of_it = found.source == disk_id and found.unique_id in {unique_id, ""}
        if not is_of_it or not found.is_incremental:
            return Sight(
                state=State.OTHERWISE, difference=f"{name} is not of the disk it was"
            )
        if not found.is_settled:
            return Sight(state=State.UNDER_WAY)
        is_locked = await disks.is_locked(self._arm, snapshot_id)
        return Sight(state=State.IN_FORCE if is_locked else State.PARTLY)


def _checked(config: DiskSnapshot.Config) -> str:
    wrong = []
    known = resource.whole_id(config.group) if config.group else ""
    if known is None or (known and not _is_group(known)):
        wrong.append("group: expected the id of a resource group")
    if config.keep < timedelta(days=1):
        wrong.append("keep: expected a day or more")
    if config.most < 1:
        wrong.append("most: expected 1 or more")
    if wrong:
        raise SettingsError(wrong)
    return known or ""


def _is_group(known: str) -> bool:
    return bool(resource.group(known)) and known.count("/") == 4
