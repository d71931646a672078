"""What a notice says of its incident, as far as a later one may say more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.model.action import Occasion, Told
from shared.model.alert import Severity

if TYPE_CHECKING:
    from shared.model.deed_status import Gist
    from shared.model.incident import Incident


def told_of(incident: Incident, occasion: Occasion = Occasion.OPENED) -> Told:
    """What a notice on that occasion says of the incident as it is.

    One that evidence came late says nothing else, so that nothing else is taken for
    told by it.
    """
    known = incident.evidence
    answered, found = (known.answered, known.found) if known else (0, 0)
    if occasion is Occasion.EVIDENCE:
        return Told(
            severity=Severity.INFORMATIONAL,
            tactics=(),
            resources=(),
            answered=answered,
            found=found,
        )
    return Told(
        severity=incident.severity,
        tactics=incident.tactics,
        resources=incident.resources,
        answered=answered,
        found=found,
        deeds=tuple(deeds_of(incident)),
    )


def deeds_of(incident: Incident) -> dict[str, Gist]:
    """The deeds that people want to hear of, each by a name of it as it stands."""
    return {
        f"{key[:12]} {gist.status} {_asked(gist)}".rstrip(): gist
        for key, gist in sorted(incident.deeds.items())
        if gist.status.is_told
    }


def _asked(gist: Gist) -> str:
    """What is asked, and until when: asked for again, it is news again."""
    if not gist.plan or gist.next_at is None:
        return ""
    return f"{gist.plan[:8]} {gist.next_at:%Y%m%d%H%M}"
