"""Defender's alerts, each at its place, and the status that people give them.

(remote-apis-azure.md 15a)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from devhost.outside.azure.kinds import Asked, Change, How, Kind, changed, existing

if TYPE_CHECKING:
    from collections.abc import Callable

# What a POST makes of an alert. A custom role cannot name `inProgress`. [unverified]
STATUSES = {
    "dismiss": "Dismissed",
    "resolve": "Resolved",
    "inProgress": "InProgress",
    "activate": "Active",
}


class Alert(Kind):
    """An alert, where it is stored; in a list it shows as it is here."""

    type = "Microsoft.Security/locations/alerts"
    version = "2022-01-01"


def _become(status: str) -> Callable[[Asked], Change]:
    def change(asked: Asked) -> Change:
        after = changed(existing(asked), status=status)
        return Change(after, How.AT_ONCE, 204)

    return change


Alert.acts = {act: _become(status) for act, status in STATUSES.items()}
