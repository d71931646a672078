"""What a policy says that is no mistake, but hardly meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.actions.matchers import TAG
from shared.model.text import instant
from shared.model.workspaces import Topology

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from shared.model.workspaces import Workspaces
    from shared.triage.policy.schema import Policy


def warnings(policy: Policy, now: datetime) -> list[str]:
    """Each with its path: silences that are over, and what can never have an effect."""
    return [
        *_of_silences(policy, now),
        *_of_routes(policy),
        *_of_responders(policy),
        *_of_workspaces(policy.workspaces),
    ]


def _of_silences(policy: Policy, now: datetime) -> Iterator[str]:
    for place, silence in enumerate(policy.suppress):
        path = f"$.suppress[{place}] ({silence.name})"
        if silence.is_over(now):
            yield f"{path}: is over since {instant(silence.until)}; take it out"
        for matcher in silence.match:
            if matcher.lstrip().startswith(TAG):
                yield f"{path}: never holds, since tags are not known in this version"
                break


def _of_routes(policy: Policy) -> Iterator[str]:
    taken: int | None = None
    for place, route in enumerate(policy.routes):
        path = f"$.routes[{place}]"
        if taken is not None:
            yield f"{path}: is never reached, since routes[{taken}] takes everything"
        elif any(matcher.lstrip().startswith(TAG) for matcher in route.match):
            yield f"{path}: never fits, since tags are not known in this version"
        elif not route.match and not route.goes_on:
            taken = place


def _of_responders(policy: Policy) -> Iterator[str]:
    named = {name for route in policy.routes for name in route.to}
    for name in policy.responders:
        if name not in named:
            yield f"$.responders.{name}: no route names it"


def _of_workspaces(found: Workspaces) -> Iterator[str]:
    if found.topology is Topology.CENTRAL and found.overrides:
        yield "$.workspaces.overrides: is not used where the topology is central"
    if found.topology is Topology.PER_RESOURCE and found.central:
        yield "$.workspaces.central: is not used where the topology is per_resource"
