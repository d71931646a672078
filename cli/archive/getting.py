"""The event that an alert came in, by what the alert's row says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared import sources
from shared.model.alert import Alert
from shared.model.errors import ArchiveBroken

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.model.alert import AlertRow
    from shared.store.archive import Archive
    from shared.store.batches import Line


async def kept(archive: Archive, row: AlertRow) -> Line:
    """The event that an alert came in. Raises ArchiveBroken, StoreUnavailable."""
    if not row.archived:
        raise ArchiveBroken(f"alert {row.id} is Firewatch's own: it came from nowhere")
    if row.spot is not None:
        return await archive.line(row.archived, row.spot)
    lines = await archive.lines(row.archived)
    if lines is None:
        raise ArchiveBroken(f"{row.archived} is not there")
    found = holding(lines, row.id, row.version.digest)
    if found is None:
        raise ArchiveBroken(f"{row.archived} does not hold alert {row.id}")
    return found


def holding(lines: Sequence[Line], alert: str, version: str) -> Line | None:
    """The line that an alert came in: of this very version, else the last of that id.

    For rows of up to 0.1, which do not say where in the blob it is.
    """
    last = None
    for line in lines:
        for unit in sources.read(line.raw, received_at=line.received_at):
            if not isinstance(unit, Alert) or unit.id.lower() != alert.lower():
                continue
            last = line
            if unit.version.digest == version:
                return line
    return last
