"""What is asked about an incident, and how long its page may wait for the answers."""

from __future__ import annotations

from datetime import timedelta

import msgspec


class Enrich(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which queries of the pack are asked, how many of an incident, and for how long.

    Without ``queries`` it is all of the pack, the most telling first.
    """

    queries: tuple[str, ...] = ()
    most: int = 12
    deadline: timedelta = timedelta(seconds=20)
