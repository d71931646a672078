"""Incidents, alerts and silences made into what goes out."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from shared.actions import deed_words
from shared.api.views import (
    ActionView,
    AlertView,
    ApprovalView,
    DeedView,
    EvidenceList,
    EvidenceView,
    IncidentView,
    SilenceView,
    TimelineView,
)
from shared.model.alert import ROAD_RANK
from shared.model.deed import Deed, DeedRow

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from shared.model.action import ActionRow
    from shared.model.alert import AlertRow
    from shared.model.evidence import EvidenceRow
    from shared.model.incident import Entry, Incident
    from shared.silences import Hidden
    from shared.timeline import Proof

_ROADS = {rank: road.value for road, rank in ROAD_RANK.items()}


def incident(
    head: Incident, asked: str = "", *, in_history: bool = False
) -> IncidentView:
    """The view of an incident that was asked for by that id."""
    problems = sorted(
        head.problems.items(),
        key=lambda item: (-item[1].severity.rank, item[1].first_seen, item[0]),
    )
    same = {
        name: getattr(head, name)
        for name in IncidentView.__struct_fields__
        if name not in {"problems", "merged_from", "in_history"}
    }
    return IncidentView(
        **same,
        problems=tuple(problem for _, problem in problems),
        merged_from=asked if asked and asked != head.id else None,
        in_history=in_history,
    )


def alert(row: AlertRow, on: str) -> AlertView:
    """The view of an alert that is on that incident now."""
    same = {
        name: getattr(row, name)
        for name in AlertView.__struct_fields__
        if name not in {"incident", "put_on", "version_at", "road", "format"}
    }
    return AlertView(
        **same,
        incident=on,
        put_on=row.incident,
        version_at=row.version.at,
        road=_ROADS.get(row.version.rank, ""),
        format=row.kind,
    )


def action(row: ActionRow) -> ActionView:
    """The view of an action; its target is nobody's business but the responder's."""
    return ActionView(**{n: getattr(row, n) for n in ActionView.__struct_fields__})


def deed(row: DeedRow) -> DeedView:
    """The view of a deed; what the doer goes by, and what was before, stay inside."""
    of_row = {
        name: getattr(row, name)
        for name in DeedView.__struct_fields__
        if name in DeedRow.__struct_fields__ and name != "approval"
    }
    of_deed = {
        name: getattr(row.deed, name)
        for name in DeedView.__struct_fields__
        if name in Deed.__struct_fields__
    }
    given = row.approval
    return DeedView(
        **of_row | of_deed,
        stands=deed_words.gist(row).stands,
        plan=row.deed.digest,
        approval=ApprovalView(by=given.by, at=given.at, until=given.until)
        if given
        else None,
    )


def evidence(head: Incident, found: Sequence[EvidenceRow]) -> EvidenceList:
    """The view of an incident's evidence; cells are as harmless as JSON makes them."""
    known = head.evidence
    return EvidenceList(
        incident=head.id,
        gathered_at=known.at if known else None,
        again_at=known.again if known else None,
        evidence=tuple(
            EvidenceView(
                incident=row.incident,
                **{
                    name: getattr(row.evidence, name)
                    for name in EvidenceView.__struct_fields__
                    if name != "incident"
                },
            )
            for row in sorted(found, key=lambda row: row.place)
        ),
    )


def timeline(
    incident_id: str, entries: tuple[Entry, ...], proof: Proof | None
) -> TimelineView:
    """The view of a timeline, with its proof where that was asked for."""
    if proof is None:
        return TimelineView(
            incident=incident_id, timeline=entries, entries=len(entries)
        )
    return TimelineView(
        incident=incident_id, timeline=entries, **msgspec.structs.asdict(proof)
    )


def silence(found: Hidden, now: datetime) -> SilenceView:
    """The view of a silence and of what it hid."""
    said = found.silence
    return SilenceView(
        name=said.name,
        match=said.match,
        reason=said.reason,
        owner=said.owner,
        starts=said.starts,
        until=said.until,
        break_through=said.break_through,
        mode=said.mode,
        warn=said.warn // timedelta(seconds=1),
        made=found.made,
        is_in_force=said.has_begun(now) and not said.is_over(now),
        incidents=tuple(head.id for head in found.incidents),
    )
