"""Where Defender for Cloud keeps an alert (remote-apis-azure.md 15a)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from shared.model import resource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.model.alert import AlertRow

# Ids of alerts come from whoever sends them, and stand in a path here.
_NAME = re.compile(r"[A-Za-z0-9_-]{1,200}")


def places(row: AlertRow) -> Iterator[str]:
    """The ids that it may have: in the group of its resource, or beside groups.

    None for one that names no resource and no place, such as those of other products.
    """
    known = resource.canonical(row.resource) if row.resource else None
    if known is None or not row.location or not _NAME.fullmatch(row.id):
        return
    at = f"providers/Microsoft.Security/locations/{row.location}/alerts/{row.id}"
    subscription = f"/subscriptions/{resource.subscription(known)}"
    group = resource.group(known)
    if group:
        yield f"{subscription}/resourceGroups/{group}/{at}"
    yield f"{subscription}/{at}"
