"""Making one Alert of what the readers of all formats found; bounds and digests."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec

from shared.model import resource
from shared.model.alert import ROAD_RANK, Alert, Road, Version
from shared.model.entity import Entity
from shared.model.errors import AlertRejected
from shared.model.text import clean, cut, one_line
from shared.sources import terms
from shared.sources.entities import entities_of, with_lifted
from shared.sources.entities.problems import Problems

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST_ID = 256
LONGEST_TYPE = 256
LONGEST_TITLE = 300
LONGEST_DESCRIPTION = 4_000
LONGEST_NAME = 300
LONGEST_SHORT_NAME = 100
LONGEST_LINK = 2_000
MOST_MEMBERS = 500

# A detector's clock is believed this far from our receipt (review F7).
OLDEST_POINT = timedelta(days=7)
NEWEST_POINT = timedelta(minutes=5)

# An alert id begins with the .NET ticks that remain until the year 10000
# (wire-formats.md 1.2), so it carries the alert's start.
_LAST_TICK = 3_155_378_975_999_999_999
_FIRST_DAY = datetime(1, 1, 1, tzinfo=UTC)

# Only what the detector itself sets makes a sample (review F15): names and addresses
# can be chosen by whoever would like to be overlooked.
SAMPLE_TYPE = "simulated_"
SAMPLE_TITLE = "[sample alert]"
# One of these two is in each of the hints, and in few alerts.
_SAMPLE, _SIMULATOR = "sample", "alertsimulator"
_HINTS = (
    ("this is a sample alert", "says that it is a sample"),
    ("sample-vm", "names Sample-VM"),
    ("sample-rg", "names Sample-RG"),
    (_SIMULATOR, "names AlertSimulator"),
)


_ENCODER = msgspec.json.Encoder(order="deterministic")


class Found(msgspec.Struct, kw_only=True, gc=False):
    """What the reader of a format found; only the first three must be there.

    Texts are as they came. ``resource_ids`` are tried in order; the first that is an
    ARM id is the alert's resource. ``at`` orders versions: the processing end where
    there is one. ``entities`` and ``extended`` are JSON values as they came; where the
    entities are read already and nothing about them was odd, they are ``listed``.
    """

    kind: str
    id: str
    alert_type: str
    road: Road
    title: str = ""
    description: str = ""
    severity: str = ""
    status: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    at: datetime | None = None
    resource_ids: tuple[str, ...] = ()
    subscription: str = ""
    compromised_entity: str = ""
    product: str = ""
    tactics: object = None
    techniques: object = None
    uri: str = ""
    entities: object = None
    listed: list[Entity] | None = None
    extended: object = None
    members: tuple[str, ...] = ()
    is_part: bool = False


def build(found: Found, *, received_at: datetime, path: str) -> Alert:
    """The alert, every text cleaned and bounded.

    Raises AlertRejected where id or type is empty or too long. Everything else that is
    missing or malformed gets the most cautious reading: an alert that is half
    understood must still page.
    """
    alert_id = _bounded(found.id, LONGEST_ID, path, "id")
    alert_type = _bounded(found.alert_type, LONGEST_TYPE, path, "type")
    alert_type = one_line(alert_type) or "unnamed"
    arm_id, unreadable = _resource(found.resource_ids)
    started_at = found.started_at or _ticks(alert_id) or found.at or received_at
    ended_at = max(found.ended_at or started_at, started_at)
    latest = received_at + NEWEST_POINT
    # Cut before cleaning: normal forms of a text cost the square of its length.
    said = one_line(found.title[: 4 * LONGEST_TITLE])
    title = said or one_line(alert_type)
    description = clean(found.description[: 4 * LONGEST_DESCRIPTION])
    if found.listed is None:
        entities, warnings = entities_of(found.entities, found.extended)
    else:
        entities, warnings = with_lifted(found.listed, found.extended, Problems())
    status = terms.status(found.status)
    severity = terms.severity(found.severity)
    tactics, techniques = (
        terms.tactics(found.tactics),
        terms.techniques(found.techniques),
    )
    digest = _digest(
        entities,
        alert_type.lower(),
        title,
        description,
        severity,
        status,
        started_at,
        ended_at,
        found.at,
        arm_id,
        tactics,
        techniques,
        sorted(member.lower() for member in found.members),
    )
    return Alert(
        id=alert_id,
        version=Version(
            at=min(found.at or received_at, latest),
            rank=ROAD_RANK[found.road],
            digest=digest,
        ),
        scope=_scope(arm_id, found),
        alert_type=alert_type,
        title=cut(title, LONGEST_TITLE),
        description=cut(description, LONGEST_DESCRIPTION),
        severity=severity,
        status=status,
        started_at=started_at,
        ended_at=ended_at,
        point=min(max(started_at, received_at - OLDEST_POINT), latest),
        resource=arm_id,
        compromised_entity=_name(found.compromised_entity),
        product=_name(found.product),
        tactics=tactics,
        uri=_https(found.uri),
        is_sample=_is_sample(alert_type, title),
        kind=found.kind,
        techniques=techniques,
        entities=entities,
        members=tuple(member[:LONGEST_ID] for member in found.members[:MOST_MEMBERS]),
        is_part=found.is_part,
        reported_severity=_name(found.severity),
        reported_status=_name(found.status),
        resource_text=unreadable,
        sample_hints=_sample_hints(found),
        warnings=warnings,
    )


def _bounded(text: str, longest: int, path: str, what: str) -> str:
    text = text.strip()
    if not text:
        problem = "is missing or empty; expected a text"
        raise AlertRejected(f"{path}: its {what}", problem)
    if len(text) > longest:
        problem = f"is longer than {longest} characters"
        raise AlertRejected(f"{path}: its {what}", problem)
    return text


def _resource(candidates: Iterable[str]) -> tuple[str | None, str]:
    """The first whole ARM id; else the first text that was given for one."""
    unreadable = ""
    for candidate in candidates:
        if (known := resource.whole_id(candidate)) is not None:
            return known, ""
        unreadable = unreadable or _name(candidate)
    return None, unreadable


def _scope(arm_id: str | None, found: Found) -> str:
    """The subscription: of the resource, or of an id that lacks a part, or as named."""
    if arm_id is not None:
        return resource.subscription(arm_id)
    for candidate in found.resource_ids:
        if (partial := resource.canonical(candidate)) is not None:
            return resource.subscription(partial)
    named = found.subscription.strip().lower()
    return resource.subscription(f"/subscriptions/{named}")


def _is_sample(alert_type: str, title: str) -> bool:
    return alert_type.lower().startswith(SAMPLE_TYPE) or title.lower().startswith(
        SAMPLE_TITLE
    )


def _sample_hints(found: Found) -> tuple[str, ...]:
    said = " ".join(
        (
            found.title,
            found.description[:LONGEST_DESCRIPTION],
            found.compromised_entity,
            *found.resource_ids,
        )
    ).lower()
    if _SAMPLE not in said and _SIMULATOR not in said:
        return ()
    return tuple(hint for text, hint in _HINTS if text in said)


def _https(uri: str) -> str:
    return uri if uri.startswith("https://") and len(uri) <= LONGEST_LINK else ""


def _ticks(alert_id: str) -> datetime | None:
    prefix = alert_id.partition("_")[0]
    if not (prefix.isascii() and prefix.isdigit() and len(prefix) == 19):
        return None
    try:
        return _FIRST_DAY + timedelta(microseconds=(_LAST_TICK - int(prefix)) // 10)
    except OverflowError:
        return None


def _name(text: str) -> str:
    # Words for severity, products and machines come again and again; few are long.
    read = _short_name if len(text) <= LONGEST_SHORT_NAME else _short_name.__wrapped__
    return read(text)


@lru_cache(maxsize=4096)
def _short_name(text: str) -> str:
    return cut(one_line(text[: 4 * LONGEST_NAME]), LONGEST_NAME)


def _digest(entities: Iterable[Entity], *said: object) -> str:
    """The same for the same alert, whatever order its entities came in."""
    lines = sorted(map(_ENCODER.encode, entities))
    return hashlib.sha256(b"".join((_ENCODER.encode(said), *lines))).hexdigest()[:32]
