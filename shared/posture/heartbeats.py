"""When machines were last heard of, by the workspaces that their logs go to."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from shared.model.errors import LogsUnavailable
from shared.model.evidence import Lack
from shared.posture.asking import TIME_OVER
from shared.posture.checks.machines import LOOKED_BACK, expected_in
from shared.posture.documents import arm_id
from shared.posture.estate import Part, Unread, path_of

if TYPE_CHECKING:
    from shared.model.logs import Answer, Logs
    from shared.posture.estate import Estate, Workspace

# A workspace lets one identity put five questions at once: the rest is for pages.
AT_ONCE = 2
WITHIN = timedelta(seconds=30)

# What is asked about has no name of an alert in it: the machines are the workspace's.
KQL = """\
// Firewatch: posture-heartbeat
Heartbeat
| where isnotempty(_ResourceId)
| summarize Last = max(TimeGenerated) by Machine = tolower(_ResourceId)
"""


async def hear(
    estate: Estate, logs: Logs, now: datetime, deadline: float | None = None
) -> None:
    """Add to what was read when machines were heard of; what cannot be asked, too."""
    wanted = expected_in(estate)
    known = [each for each in estate.all_workspaces if each.id in wanted]
    room = asyncio.Semaphore(AT_ONCE)

    async def ask(workspace: Workspace) -> None:
        try:
            async with asyncio.timeout_at(deadline), room:
                found = await logs.query(
                    workspace.customer,
                    KQL,
                    since=now - LOOKED_BACK,
                    until=now,
                    within=WITHIN,
                )
        except TimeoutError:
            scope = path_of(workspace.id)
            estate.unread.append(Unread(Part.HEARTBEATS, scope, TIME_OVER))
        except LogsUnavailable as error:
            if error.lack is Lack.MISSING_TABLE:
                # No machine has ever said anything there.
                estate.beats[workspace.id] = {}
                return
            # Not its message: that may repeat what a workspace says of the query.
            scope, said = path_of(workspace.id), f"{workspace.id}: {error.lack}"
            estate.unread.append(Unread(Part.HEARTBEATS, scope, said))
        else:
            estate.beats[workspace.id] = _read(found)

    async with asyncio.TaskGroup() as group:
        for each in known:
            group.create_task(ask(each))


def _read(answer: Answer) -> dict[str, datetime]:
    found: dict[str, datetime] = {}
    places = {name: place for place, name in enumerate(answer.columns)}
    if not {"Machine", "Last"} <= places.keys():
        return found
    for row in answer.rows:
        machine = arm_id(row[places["Machine"]])
        try:
            last = datetime.fromisoformat(row[places["Last"]])
        except ValueError:
            continue
        if machine and last.tzinfo is not None:
            found[machine] = last.astimezone(UTC)
    return found
