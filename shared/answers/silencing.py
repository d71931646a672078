"""What to silence so that one incident is: its kinds of alerts on its resources."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from shared.actions import matchers
from shared.actions.matchers import Matcher, Operator

if TYPE_CHECKING:
    from collections.abc import Collection

    from shared.model.incident import Incident


def matching(incident: Incident) -> tuple[str, ...]:
    """Matchers that hold for all of the incident, as texts; none where none can.

    Whatever comes of the same kinds on the same resources is silenced with it, and
    nothing else: an incident that also has another kind is told.
    """
    kinds = {problem.alert_type for problem in incident.problems.values()}
    found = (
        Matcher("subscription", Operator.EQUAL, incident.scope),
        _any_of("resource", incident.resources),
        _any_of("alert_type", kinds),
    )
    texts = tuple(map(str, found))
    try:
        covers = matchers.all_cover(map(matchers.parse_of_silence, texts), incident)
    except ValueError:
        # More or longer names than a matcher may have.
        return ()
    return texts if covers else ()


def _any_of(field: str, values: Collection[str]) -> Matcher:
    named = sorted(filter(None, values)) or [""]
    if len(named) == 1:
        return Matcher(field, Operator.EQUAL, named[0])
    return Matcher(field, Operator.LIKE, "|".join(map(re.escape, named)))
