"""What the alerts of an incident name, and which of it to look at first."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from shared.enrichment.naming import kind_of, of_entity, of_resource
from shared.enrichment.subjects import SUBJECTS, Subject, whole
from shared.model import resource
from shared.model.entity import Host
from shared.model.text import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from shared.enrichment.kql import Value
    from shared.model.alert import AlertRow
    from shared.model.entity import Entity
    from shared.model.incident import Incident

MOST_LISTED = 50

# Of a flood, so many different entities are looked at; the rest names nobody new soon.
MOST_ENTITIES = 5_000

_Known: TypeAlias = "dict[tuple[Entity, str, frozenset[str | None]], list[Subject]]"


class Seen:
    """A subject, and what is to be known of the alerts that name it."""

    def __init__(self, subject: Subject, row: AlertRow) -> None:
        self.subject = subject
        self.is_asset = False
        self.alerts: dict[str, AlertRow] = {row.id: row}

    @property
    def plans(self) -> set[str]:
        """The Defender plans of its alerts; empty for those that have none."""
        return {row.plan for row in self.alerts.values()}

    @property
    def first(self) -> datetime:
        """When the earliest of its alerts began."""
        return min(min(r.started_at, r.ended_at) for r in self.alerts.values())

    @property
    def last(self) -> datetime:
        """When the latest of its alerts ended."""
        return max(max(r.started_at, r.ended_at) for r in self.alerts.values())


def seen(incident: Incident, alerts: Sequence[AlertRow]) -> list[Seen]:
    """The incident, then what its alerts name: of each kind the 50 to look at first.

    That is the attacked before the rest, and what more alerts name before what fewer
    do. One that says less of itself than another of its kind is that other.
    """
    if not alerts:
        return []
    found: dict[tuple[str, frozenset[tuple[str, Value]]], Seen] = {}
    known: _Known = {}
    for row in alerts:
        for subject, is_asset in _of_alert(row, known):
            key = (subject.kind, frozenset(subject.values.items()))
            each = found.setdefault(key, Seen(subject, row))
            each.alerts[row.id] = row
            each.is_asset |= is_asset
    kinds: dict[str, list[Seen]] = {}
    for each in sorted(found.values(), key=_fullest):
        _settle(kinds.setdefault(each.subject.kind, []), each)
    listed = [
        each
        for kind in sorted(kinds)
        for each in sorted(kinds[kind], key=_foremost)[:MOST_LISTED]
    ]
    of_all = Seen(_incident(incident, alerts, listed), alerts[0])
    of_all.alerts = {row.id: row for row in alerts}
    return [of_all, *listed]


def _settle(others: list[Seen], each: Seen) -> None:
    """Add it to those of its kind, or to the one that it is."""
    # Fuller ones came first. Who names five hundred accounts is not asked who is whose.
    for other in others[:MOST_LISTED]:
        if other.subject.holds(each.subject):
            other.alerts.update(each.alerts)
            other.is_asset |= each.is_asset
            return
    others.append(each)


def _fullest(each: Seen) -> tuple[int, int, str]:
    return -len(each.subject.values), -len(each.alerts), each.subject.label


def _foremost(each: Seen) -> tuple[bool, int, str]:
    return not each.is_asset, -len(each.alerts), each.subject.label


def _of_alert(row: AlertRow, known: _Known) -> Iterator[tuple[Subject, bool]]:
    """What one alert names, each with whether it is the attacked.

    ``known`` are the subjects of entities so far: alerts name the same ones.
    """
    cluster = ""
    # The machine of a host is that host, by the name that the logs have it under.
    hosts = frozenset(
        resource.whole(entity.resource)
        for entity in row.entities
        if isinstance(entity, Host) and entity.resource
    )
    if row.resource:
        for subject in of_resource(row.resource, hosts):
            yield subject, True
        if kind_of(row.resource) == "kubernetes-cluster":
            cluster = resource.whole(row.resource) or ""
    for entity in row.entities:
        key = (entity, cluster, hosts)
        if key not in known:
            if len(known) == MOST_ENTITIES:
                continue
            known[key] = [*of_entity(entity, cluster, hosts)]
        for subject in known[key]:
            yield subject, entity.is_asset


def _incident(
    incident: Incident, alerts: Sequence[AlertRow], listed: Iterable[Seen]
) -> Subject:
    """All of it in lists, each of at most 50 values."""
    lists: dict[str, dict[str, None]] = {name: {} for name in SUBJECTS["incident"]}
    for row in alerts:
        lists["TheAlerts"][whole(row.id)] = None
        lists["TheAlertTypes"][whole(row.alert_type)] = None
    for each in listed:
        for name, value in each.subject.values.items():
            if (into := _LISTS.get(name)) is not None and isinstance(value, str):
                lists[into][value] = None
                if name in _NAMES:
                    lists["TheNames"][value] = None
    values: dict[str, Value] = {
        name: tuple([value for value in found if value][:MOST_LISTED])
        for name, found in lists.items()
    }
    given = {name: value for name, value in values.items() if value}
    return Subject("incident", f"incident {plain(incident.id, 40)}", given)


# The list of an incident that a value of a subject is in, and those that name it.
_LISTS = {
    "TheAccount": "TheAccounts",
    "TheAccountId": "TheAccountIds",
    "TheAddress": "TheAddresses",
    "TheDomain": "TheDomains",
    "TheHash": "TheHashes",
    "TheHost": "TheHosts",
    "TheResource": "TheResources",
    "TheUrl": "TheUrls",
}
_NAMES = frozenset(
    {"TheAccount", "TheAddress", "TheDomain", "TheHash", "TheHost", "TheResource"}
)
