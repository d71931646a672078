"""What a forward is made of."""

from __future__ import annotations

import msgspec

from shared.model.action import ActionRow
from shared.model.deed import DeedRow
from shared.model.evidence import Evidence
from shared.model.incident import Entry, Incident


class Dossier(msgspec.Struct, frozen=True, kw_only=True):
    """An incident as it is, and what is on record of it.

    ``entries`` are those of its timeline that were not forwarded yet, ``actions``,
    ``deeds`` and ``evidence`` what is new or changed since; some may be there again.
    ``through`` is the last entry.
    """

    incident: Incident
    entries: tuple[Entry, ...] = ()
    actions: tuple[ActionRow, ...] = ()
    deeds: tuple[DeedRow, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    through: int = 0

    @property
    def is_first(self) -> bool:
        """Whether nothing of the incident was forwarded before."""
        return bool(self.entries) and self.entries[0].sequence == 1
