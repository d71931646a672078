"""What an explanation is worked out from: rows, and the rules in force."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from shared import timeline
from shared.model.text import cut, one_line
from shared.store import reading

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from shared.actions.routing import Route
    from shared.model.action import ActionRow
    from shared.model.incident import Entry, Incident
    from shared.model.silence import Silence
    from shared.store.reading import Shelf

_LONGEST_SAID = 200


class Ruleset(NamedTuple):
    """The routes of the policy, every silence, and how long an incident may be quiet."""

    routes: Sequence[Route]
    silences: Sequence[Silence]
    quiet: timedelta | None = None


class Case(NamedTuple):
    """An incident and everything that says why it is so.

    ``lineage`` leads from the one that was asked for to the one that goes on, and
    ``timelines`` are theirs. ``actions`` are those of the latter and of all it absorbed.
    """

    now: datetime
    rules: Ruleset
    lineage: Sequence[Incident]
    timelines: dict[str, Sequence[Entry]]
    actions: Sequence[ActionRow]
    in_history: bool = False

    @property
    def head(self) -> Incident:
        """The incident that goes on."""
        return self.lineage[-1]

    @property
    def in_force(self) -> list[Silence]:
        """The silences whose time is now."""
        return [
            silence
            for silence in self.rules.silences
            if silence.has_begun(self.now) and not silence.is_over(self.now)
        ]


async def read(shelf: Shelf, incident_id: str, rules: Ruleset) -> Case | None:
    """The case of an incident; None where there is none of that id."""
    lineage = await reading.lineage(shelf, incident_id)
    if not lineage:
        return None
    timelines: dict[str, Sequence[Entry]] = {}
    for each in lineage:
        timelines[each.id] = timeline.readable(await reading.chain(shelf, each.id))
    head = lineage[-1]
    actions = await reading.actions_of(shelf, {head.id, *head.absorbed})
    return Case(
        shelf.now(), rules, lineage, timelines, actions, in_history=shelf.is_history
    )


def said(text: str) -> str:
    """Text of an alert inside a line: on one line, and not longer than it."""
    return cut(one_line(text), _LONGEST_SAID)


def listed(names: Sequence[str]) -> str:
    """Names in a sentence."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"
