"""Bytes to alerts: pure, one module per wire format and the table that tells them apart.

``read`` is the only door. A new format is a module and a row of ``FORMATS``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from shared.model.alert import Alert
from shared.model.errors import AlertRejected
from shared.sources import (
    activity_log,
    arm,
    azure_monitor,
    azure_monitor_legacy,
    cloud_events,
    continuous_export,
    defender,
    diagnostics,
    entra_risk,
    event_grid,
    graph,
    graph_legacy,
    log_analytics,
    posture,
    sentinel,
    xdr,
)
from shared.sources.fields import Fields
from shared.sources.framing import units

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime


class Ignored(msgspec.Struct, frozen=True, kw_only=True):
    """A unit that is understood and is not an alert."""

    path: str
    kind: str
    reason: str


class Rejected(msgspec.Struct, frozen=True, kw_only=True):
    """A unit that cannot become an alert: where in the body, and what is wrong.

    ``kind`` is empty where no format recognises it. ``is_malformed`` says that the body
    itself is no JSON.
    """

    path: str
    problem: str
    kind: str = ""
    is_malformed: bool = False


Unit = Alert | Ignored | Rejected


class Format(NamedTuple):
    """A row of the table: a name, how to tell the format, and how to read it.

    ``read`` takes ``received_at`` and gives an alert, the reason why the unit is none,
    or the unit inside an envelope, to be looked up again.
    """

    name: str
    recognises: Callable[[Fields], bool]
    read: Callable[..., Alert | Fields | str]


# The first row that recognises a unit reads it (wire-formats.md 0).
FORMATS = (
    Format("posture", posture.recognises, posture.read),
    Format(arm.KIND, arm.recognises, arm.read),
    Format(log_analytics.KIND, log_analytics.recognises, log_analytics.read),
    Format(sentinel.ALERT_KIND, sentinel.recognises_alert, sentinel.read_alert),
    Format(defender.KIND, defender.recognises, defender.read),
    Format(azure_monitor.KIND, azure_monitor.recognises, azure_monitor.read),
    Format(
        azure_monitor_legacy.KIND,
        azure_monitor_legacy.recognises,
        azure_monitor_legacy.read,
    ),
    Format(
        sentinel.INCIDENT_KIND, sentinel.recognises_incident, sentinel.read_incident
    ),
    Format(xdr.KIND, xdr.recognises, xdr.read),
    Format(graph.KIND, graph.recognises, graph.read),
    Format(graph_legacy.KIND, graph_legacy.recognises, graph_legacy.read),
    Format(entra_risk.KIND, entra_risk.recognises, entra_risk.read),
    Format(cloud_events.KIND, cloud_events.recognises, cloud_events.read),
    Format(event_grid.KIND, event_grid.recognises, event_grid.read),
    Format(diagnostics.KIND, diagnostics.recognises, diagnostics.read),
    Format(activity_log.KIND, activity_log.recognises, activity_log.read),
)
NAMES = tuple(row.name for row in FORMATS)

# Envelopes inside envelopes: a Logic App's body around an event around an alert.
DEEPEST_ENVELOPE = 4


def read(
    body: bytes, *, received_at: datetime, formats: Collection[str] | None = None
) -> list[Unit]:
    """Everything one body holds, a result per unit, in order; never raises.

    ``received_at`` is when the platform took the event (enqueued time), or we the
    request. ``formats`` are the names that the sender may send, envelopes included;
    None is any.
    """
    if formats is None or defender.KIND in formats:
        alert = continuous_export.read(body, received_at=received_at)
        if alert is not None:
            return [alert]
    return read_generally(body, received_at=received_at, formats=formats)


def read_generally(
    body: bytes, *, received_at: datetime, formats: Collection[str] | None = None
) -> list[Unit]:
    """Like ``read``, and gives the same, without the straight road for some bytes."""
    return [
        _read_unit(Fields(unit.fields, unit.path), received_at, formats)
        if unit.fields is not None
        else Rejected(
            path=unit.path,
            problem=unit.rejected.problem if unit.rejected else "",
            is_malformed=unit.is_malformed,
        )
        for unit in units(body)
    ]


def _read_unit(
    fields: Fields, received_at: datetime, allowed: Collection[str] | None
) -> Unit:
    """One unit, through its envelopes, each format asked whether the sender may."""
    kind = ""
    try:
        # The last turn is for what the innermost envelope holds.
        for _ in range(DEEPEST_ENVELOPE + 1):
            row, fields = _recognised(fields)
            kind = row.name
            if allowed is not None and kind not in allowed:
                return Rejected(
                    path=fields.path,
                    problem=f"this sender may not send {kind}",
                    kind=kind,
                )
            found = row.read(fields, received_at=received_at)
            if isinstance(found, str):
                return Ignored(path=fields.path, kind=kind, reason=found)
            if isinstance(found, Alert):
                return found
            fields = found
    except AlertRejected as error:
        return Rejected(path=error.path, problem=error.problem, kind=kind)
    problem = f"more than {DEEPEST_ENVELOPE} envelopes around it"
    return Rejected(path=fields.path, problem=problem, kind=kind)


def _recognised(fields: Fields) -> tuple[Format, Fields]:
    """The format of a unit, or of what a Logic App wrapped in ``body``."""
    for candidate in (fields, _wrapped(fields)):
        if candidate is None:
            continue
        for row in FORMATS:
            if row.recognises(candidate):
                return row, candidate
    raise AlertRejected(fields.path, "no known alert format")


def _wrapped(fields: Fields) -> Fields | None:
    body: Any = fields.get("body")
    return Fields(body, f"{fields.path}.body") if isinstance(body, dict) else None
