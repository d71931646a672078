"""Evidence about the resources of an incident: whom to ask, and asking."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from shared.enrichment.cache import MOST_AGE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from shared.enrichment.asking import Ask
    from shared.enrichment.runner import Runner
    from shared.enrichment.started import Started
    from shared.enrichment.workspaces import WorkspacesOf


class Enrichment(NamedTuple):
    """The runner, and what knows the workspaces of the policy.

    ``is_on`` says that the policy names anybody to ask. Where it does not, every ask
    ends as evidence that says so.
    """

    runner: Runner
    workspaces_of: WorkspacesOf
    is_on: bool

    def start(
        self,
        asks: Sequence[Ask],
        resources: Sequence[str],
        *,
        deadline: timedelta,
        most_age: timedelta = MOST_AGE,
    ) -> Started:
        """Ask the workspaces of these resources; see ``Runner.start``.

        To find out which they are is part of the deadline.
        """
        return self.runner.start(
            asks,
            lambda: self.workspaces_of(resources),
            deadline=deadline,
            most_age=most_age,
        )
