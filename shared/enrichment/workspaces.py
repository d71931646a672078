"""Whose logs are asked about an incident: the three topologies of the policy."""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from shared import telemetry
from shared.model import resource
from shared.model.errors import PermanentFailure, TransientFailure
from shared.model.logs import TOGETHER, is_resource
from shared.model.workspaces import Access, Topology

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from shared.model.workspaces import Workspaces

# An incident may name fifty; each is one more of every query.
MOST_RESOURCES = 5

# Where a resource sends its logs changes when somebody changes it, in a deployment.
KNOWN_FOR = timedelta(hours=24)
NOWHERE_FOR = timedelta(hours=1)
FAILED_FOR = timedelta(minutes=5)

# The central workspaces are asked only when this is over, and a page may wait five
# seconds in all.
FIND_LIMIT = timedelta(seconds=3)

MOST_KNOWN = 5_000

# An alert says which resource it is about, and its sender may say anything.
_SEGMENT = re.compile(r"[a-z0-9._()-]{1,260}")


class _Known(NamedTuple):
    """Where a resource sends its logs, and until when that is believed."""

    workspaces: tuple[str, ...]
    until: datetime


class WorkspacesOf:
    """The workspaces to ask about some resources, as ``Logs`` takes them.

    ``discover`` finds where a resource sends its logs: ids of workspaces, of which there
    may be none. It raises TransientFailure and PermanentFailure, and is asked about a
    resource once in a day.
    """

    def __init__(
        self,
        policy: Workspaces,
        *,
        discover: Callable[[str], Awaitable[Sequence[str]]],
        clock: Callable[[], datetime],
    ) -> None:
        self._policy = policy
        self._discover = discover
        self._clock = clock
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._overrides = {
            (resource.canonical(each.resource) or ""): each.workspaces
            for each in policy.overrides
        }

    async def __call__(self, resources: Iterable[str]) -> list[str]:
        """Each once, the central ones first; none where there is nobody to ask.

        ``resources`` are ARM ids. Of those that are one resource, the first few count.
        """
        found: list[str] = []
        if self._policy.topology is not Topology.PER_RESOURCE:
            found += self._policy.central
        if self._policy.topology is not Topology.CENTRAL:
            own = await asyncio.gather(
                *(self._own(each) for each in wholes(resources)[:MOST_RESOURCES])
            )
            found += [workspace for each in own for workspace in each]
        found = list(dict.fromkeys(_lowered(each) for each in found))
        return self._together(found) if self._policy.cross_workspace else found

    async def _own(self, canonical_id: str) -> Sequence[str]:
        """Whom to ask for the logs of one resource."""
        for scope in _upwards(canonical_id):
            if scope in self._overrides:
                return self._overrides[scope]
        if self._policy.access is Access.RESOURCE:
            return [canonical_id]
        return await self._discovered(canonical_id)

    async def _discovered(self, canonical_id: str) -> Sequence[str]:
        known = self._known.get(canonical_id)
        if known is not None and self._clock() < known.until:
            self._known.move_to_end(canonical_id)
            return known.workspaces
        try:
            found = tuple(
                await asyncio.wait_for(
                    self._discover(canonical_id), FIND_LIMIT.total_seconds()
                )
            )
            lasts = KNOWN_FOR if found else NOWHERE_FOR
        except (PermanentFailure, TransientFailure, TimeoutError) as error:
            telemetry.emit(
                telemetry.WORKSPACE_UNKNOWN,
                resource=canonical_id,
                reason="timeout"
                if isinstance(error, TimeoutError)
                else f"{error.reason}: {error}",
            )
            # Yesterday's answer is most likely still right.
            found, lasts = known.workspaces if known else (), FAILED_FOR
        self._known[canonical_id] = _Known(found, self._clock() + lasts)
        self._known.move_to_end(canonical_id)
        while len(self._known) > MOST_KNOWN:
            self._known.popitem(last=False)
        return found

    @staticmethod
    def _together(found: Sequence[str]) -> list[str]:
        """One query for all workspaces; resources can only be asked one by one."""
        workspaces = [each for each in found if not is_resource(each)]
        resources = [each for each in found if is_resource(each)]
        return [*([TOGETHER.join(workspaces)] if workspaces else []), *resources]


def wholes(resources: Iterable[str]) -> list[str]:
    """The resources that people mean, each once: no subscriptions, no groups.

    What may lead elsewhere as part of a URL is left out.
    """
    known = (resource.canonical(each) for each in resources)
    found = (resource.whole(each) for each in known if each is not None)
    return list(dict.fromkeys(each for each in found if each and _is_path(each)))


def _is_path(canonical_id: str) -> bool:
    """Whether it can be part of a URL as it stands, and lead nowhere else."""
    segments = canonical_id.split("/")[1:]
    return all(_SEGMENT.fullmatch(each) and each.strip(".") for each in segments)


def _upwards(canonical_id: str) -> list[str]:
    """The id and everything that it is inside of, down to the subscription."""
    parts = canonical_id.split("/")
    return ["/".join(parts[:end]) for end in range(len(parts), 2, -1)]


def _lowered(workspace: str) -> str:
    return workspace.lower()
