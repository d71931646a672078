"""Bytes to alerts: pure, one module per wire format and the table that tells them apart.

``read`` is the only door. A new format is a module and a row of ``FORMATS``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from shared.model.errors import AlertRejected
from shared.sources import defender, posture
from shared.sources.fields import Fields
from shared.sources.framing import units

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime

    from shared.model.alert import Alert, Road


class Ignored(msgspec.Struct, frozen=True, kw_only=True):
    """A unit that is understood and is not an alert."""

    path: str
    reason: str


class Rejected(msgspec.Struct, frozen=True, kw_only=True):
    """A unit that cannot become an alert: where in the body, and what is wrong.

    ``is_malformed`` says that the body itself is no JSON.
    """

    path: str
    problem: str
    is_malformed: bool = False


class Format(NamedTuple):
    """A row of the table: how to tell a format, and how to read it."""

    name: str
    recognises: Callable[[Fields], bool]
    read: Callable[..., Alert | str]


# The first row that recognises a unit reads it (wire-formats.md 0).
FORMATS = (
    Format("posture", posture.recognises, posture.read),
    Format("defender", defender.recognises, defender.read),
)


def read(
    body: bytes,
    *,
    road: Road,
    received_at: datetime,
    formats: Collection[str] | None = None,
) -> list[Alert | Ignored | Rejected]:
    """Everything one body holds, a result per unit, in order; never raises.

    ``received_at`` is when the platform took the event (enqueued time), or we the
    request. ``formats`` are the names the sender may send; None is any.
    """
    found: list[Alert | Ignored | Rejected] = []
    for unit in units(body):
        if unit.fields is not None:
            found.append(_read_unit(unit.fields, unit.path, road, received_at, formats))
        elif unit.rejected is not None:
            found.append(
                Rejected(
                    path=unit.path,
                    problem=unit.rejected.problem,
                    is_malformed=unit.is_malformed,
                )
            )
    return found


def _read_unit(
    raw: dict[str, Any],
    path: str,
    road: Road,
    received_at: datetime,
    allowed: Collection[str] | None,
) -> Alert | Ignored | Rejected:
    fields = defender.unwrap(Fields(raw, path))
    for row in FORMATS:
        if not row.recognises(fields):
            continue
        if allowed is not None and row.name not in allowed:
            problem = f"this sender may not send {row.name} units"
            return Rejected(path=path, problem=problem)
        try:
            found = row.read(fields, road=road, received_at=received_at)
        except AlertRejected as error:
            return Rejected(path=error.path, problem=error.problem)
        return Ignored(path=path, reason=found) if isinstance(found, str) else found
    return Rejected(path=path, problem="no known alert format")
