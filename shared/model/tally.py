"""Groups of machines, and which of their machines count: what shares go by."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import msgspec


class Group(NamedTuple):
    """A scale set or a subnet, by its id, that ``machines`` of a deed are in.

    ``size`` is how many machines there are in it; None where that cannot be read. What
    kept one of the machines' groups from being read stands for them, without a size.
    """

    id: str
    size: int | None
    machines: tuple[str, ...]


class Counted(msgspec.Struct, frozen=True, array_like=True):
    """A machine that a deed contains, or was about to at ``at``.

    ``machine`` is a hash of its id, and ``incident`` where the row of the deed lies.
    """

    key: str
    incident: str
    machine: str
    at: datetime


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """The machines of one group that count; one may do so for several deeds."""

    counted: tuple[Counted, ...] = ()
