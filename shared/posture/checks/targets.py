"""Where a fix sends logs: to what others use already."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.posture.estate import Estate


def targets(estate: Estate) -> tuple[str, str]:
    """The workspace and the account that most settings send to; empty where none does.

    A workspace with Sentinel goes first.
    """
    settings = estate.settings_of_all
    workspaces = Counter(each.workspace for each in settings if each.workspace)
    for each, connectors in estate.sentinel.items():
        if connectors is not None:
            workspaces[each] += len(settings) + 1
    accounts = Counter(each.account for each in settings if each.account)
    return _most(workspaces), _most(accounts)


def _most(counted: Counter[str]) -> str:
    return min(counted, key=lambda each: (-counted[each], each), default="")
