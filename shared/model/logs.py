"""Logs that can be asked by query, as everybody but their client sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

if TYPE_CHECKING:
    from datetime import datetime, timedelta

# Between the ids of workspaces that one query is asked of at once.
TOGETHER = ","


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a workspace gave: cells as texts, times in ISO 8601, nothing as ``""``.

    ``is_partial`` says that the workspace could not give all there is.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    is_partial: bool = False


class Logs(Protocol):
    """The workspaces of Log Analytics."""

    async def query(
        self,
        workspace: str,
        kql: str,
        *,
        since: datetime,
        until: datetime,
        within: timedelta,
    ) -> Answer:
        """Ask once, for rows between two times, and wait no longer than ``within``.

        ``workspace`` is a workspace's id (a GUID), several with ``TOGETHER`` between
        them, or the ARM id of a resource: then what the caller may read of that
        resource's logs, in whichever workspace they are. Raises LogsUnavailable.
        """
        ...


def is_resource(workspace: str) -> bool:
    """Whether it names a resource instead of workspaces."""
    return workspace.startswith("/")
