"""How long to wait before an action is tried again, and when to stop."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# Full jitter over 1, 2, 4 .. 300 s (remote-apis-sinks.md 20). The first wait keeps a
# floor, so that a side which fails at once is not hammered.
SHORTEST = 0.5
LONGEST = 300.0

# A notice that could not be delivered for a day is news of yesterday.
GIVE_UP_AFTER = timedelta(hours=24)

# An incident that breaks its worker is looked at after 1, 2, 4 .. 60 minutes, and
# somebody is told after this many times (review F16).
STUCK_AFTER = 5
LONGEST_REST = timedelta(minutes=60)


def retry_in(
    attempt: int,
    asked: timedelta | None,
    draw: Callable[[float, float], float] = random.uniform,
) -> timedelta:
    """The wait after the ``attempt``-th try failed; at least what the side asked for."""
    ceiling = min(LONGEST, 2.0 ** min(attempt - 1, 20))
    wait = timedelta(seconds=max(SHORTEST, draw(0, ceiling)))
    return max(wait, asked) if asked else wait


def rest_for(failures: int) -> timedelta:
    """The rest of an incident whose worker failed that often in a row."""
    return min(LONGEST_REST, timedelta(minutes=2 ** min(max(failures - 1, 0), 10)))
