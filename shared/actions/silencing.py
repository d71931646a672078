"""Whether an incident's notices are held back by silences. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from shared.actions import matchers
from shared.model.incident import OWN, Hold
from shared.model.silence import Mode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.model.incident import Incident
    from shared.model.silence import Silence


class Ruling(NamedTuple):
    """What silences say of an incident at a moment.

    ``hidden_by`` names those that hold it back, the first of them in ``hold``;
    ``broken`` those that would, were it not that it breaks through; ``watched_by``
    those that only count.
    """

    hold: Hold | None = None
    hidden_by: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()
    watched_by: tuple[str, ...] = ()


def ruling(incident: Incident, silences: Sequence[Silence]) -> Ruling:
    """What the silences, all of them in force, say of the incident.

    A silence must cover all of an incident: one that half of its alerts fit hides
    nothing, for nobody silenced the other half. What Firewatch says of itself is never
    hidden, or a silence could hide its own end.
    """
    if OWN in incident.sources:
        return Ruling()
    covering = [s for s in silences if _covers(s, incident)]
    broken = [s for s in covering if _breaks_through(s, incident)]
    hiding = [s for s in covering if s.mode is Mode.ACTIVE and s not in broken]
    hold = None
    if hiding:
        # Until the last of them is over nothing changes.
        hold = Hold(by=hiding[0].name, until=max(s.until for s in hiding))
    return Ruling(
        hold,
        tuple(s.name for s in hiding),
        tuple(s.name for s in broken if s.mode is Mode.ACTIVE),
        tuple(s.name for s in covering if s.mode is Mode.MONITOR and s not in broken),
    )


def _covers(silence: Silence, incident: Incident) -> bool:
    return matchers.all_cover(map(matchers.parse, silence.match), incident)


def _breaks_through(silence: Silence, incident: Incident) -> bool:
    if not silence.break_through:
        return False
    return matchers.all_may_fit(map(matchers.parse, silence.break_through), incident)
