"""What queries can be asked about: the things an incident's alerts name, as values.

Only what is a name goes in. What was cut, is too long, holds half a character or names
everything and nothing (`localhost`, `SYSTEM`, a link-local address) is no value, so no
query is asked with it.
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, NamedTuple, TypeAlias
from urllib.parse import urlsplit

from shared.enrichment.query import Kind
from shared.model import resource
from shared.model.entity import (
    Account,
    AzureResource,
    Dns,
    FileHash,
    Host,
    Ip,
    Mailbox,
    Named,
    Url,
)
from shared.model.text import CUT_MARK, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from shared.enrichment.kql import Value
    from shared.model.alert import AlertRow
    from shared.model.entity import Entity
    from shared.model.incident import Incident

LONGEST_VALUE = 1_000
LONGEST_LABEL = 120
MOST_LISTED = 50

# Of a flood, so many different entities are looked at; the rest names nobody new soon.
MOST_ENTITIES = 5_000

_TEXT, _TEXTS = Kind.STRING, Kind.STRINGS
_RESOURCE = {"TheResource": _TEXT, "TheResourceName": _TEXT, "TheSubscription": _TEXT}

# Each kind of subject, and the values it may give to parameters of these names. Every
# one of them also gives TheFirstAlert, the hour of its first alert.
SUBJECTS: Mapping[str, Mapping[str, Kind]] = {
    "account": {
        "TheAccount": _TEXT,
        "TheAccountId": _TEXT,
        "TheAccountName": _TEXT,
        "TheAccountSid": _TEXT,
        "TheMailbox": _TEXT,
    },
    "address": {"TheAddress": _TEXT},
    "application": {"TheApplication": _TEXT},
    "container-image": {"TheRepository": _TEXT, "TheTag": _TEXT, "TheDigest": _TEXT},
    "container-registry": _RESOURCE,
    "cosmos-account": _RESOURCE,
    "domain": {"TheDomain": _TEXT},
    "file": {"TheHash": _TEXT},
    "host": {"TheHost": _TEXT, "TheMachine": _TEXT, "TheDevice": _TEXT},
    "incident": {
        "TheAlerts": _TEXTS,
        "TheAlertTypes": _TEXTS,
        "TheAccounts": _TEXTS,
        "TheAccountIds": _TEXTS,
        "TheAddresses": _TEXTS,
        "TheDomains": _TEXTS,
        "TheHashes": _TEXTS,
        "TheHosts": _TEXTS,
        "TheNames": _TEXTS,
        "TheResources": _TEXTS,
        "TheUrls": _TEXTS,
    },
    "kubernetes-cluster": _RESOURCE,
    "kubernetes-pod": {"ThePod": _TEXT, "TheNamespace": _TEXT, "TheResource": _TEXT},
    "mailbox": {"TheMailbox": _TEXT},
    "resource": _RESOURCE,
    "sql-server": _RESOURCE,
    "storage-account": _RESOURCE,
    "url": {"TheUrl": _TEXT},
    "vault": _RESOURCE,
    "web-app": _RESOURCE,
}
FIRST_ALERT = "TheFirstAlert"

# What tells an answer apart and says nothing of what is asked about.
CONTEXT = frozenset({FIRST_ALERT, "TheAlerts"})

_KINDS_OF_TYPES = {
    "microsoft.containerregistry/registries": "container-registry",
    "microsoft.containerservice/managedclusters": "kubernetes-cluster",
    "microsoft.documentdb/databaseaccounts": "cosmos-account",
    "microsoft.keyvault/managedhsms": "vault",
    "microsoft.keyvault/vaults": "vault",
    "microsoft.kubernetes/connectedclusters": "kubernetes-cluster",
    "microsoft.sql/managedinstances": "sql-server",
    "microsoft.sql/servers": "sql-server",
    "microsoft.storage/storageaccounts": "storage-account",
    "microsoft.synapse/workspaces": "sql-server",
    "microsoft.web/sites": "web-app",
}
_MACHINES = frozenset(
    {"microsoft.compute/virtualmachines", "microsoft.hybridcompute/machines"}
)

# Names that every machine and every log has; what they did is what everybody did.
_NOBODY = frozenset(
    {
        "",
        "-",
        "anonymous",
        "anonymous logon",
        "everyone",
        "local service",
        "localhost",
        "n/a",
        "network service",
        "none",
        "null",
        "root",
        "system",
        "unknown",
        "www-data",
    }
)

# Azure's own, the same in every network: health probes and DHCP, instance metadata.
_EVERYWHERE = frozenset({"168.63.129.16", "169.254.169.254"})

_SURROGATE = re.compile("[\ud800-\udfff]")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class Subject(NamedTuple):
    """One thing to ask about: its kind, its name for people, and its values."""

    kind: str
    label: str
    values: Mapping[str, Value]

    def holds(self, other: Subject) -> bool:
        """Whether it says of itself all that the other does."""
        return self.kind == other.kind and other.values.items() <= self.values.items()


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
    whole = Seen(_incident(incident, alerts, listed), alerts[0])
    whole.alerts = {row.id: row for row in alerts}
    return [whole, *listed]


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
        for subject in _resource(row.resource, hosts):
            yield subject, True
        if _kind_of(row.resource) == "kubernetes-cluster":
            cluster = resource.whole(row.resource) or ""
    for entity in row.entities:
        key = (entity, cluster, hosts)
        if key not in known:
            if len(known) == MOST_ENTITIES:
                continue
            known[key] = [*_of_entity(entity, cluster, hosts)]
        for subject in known[key]:
            yield subject, entity.is_asset


def _of_entity(
    entity: Entity, cluster: str, hosts: frozenset[str | None]
) -> Iterator[Subject]:
    match entity:
        case Account():
            yield from _account(entity)
        case AzureResource():
            yield from _resource(entity.resource, hosts)
        case Dns():
            yield from _subject("domain", entity.domain, TheDomain=entity.domain)
        case FileHash() if entity.is_strong:
            yield from _subject("file", entity.digest, TheHash=entity.digest)
        case Host():
            yield from _host(entity)
        case Ip():
            yield from _address(entity.address)
        case Mailbox():
            address = entity.address or entity.upn
            yield from _subject("mailbox", address, TheMailbox=address)
        case Url():
            yield from _url(entity.url)
        case Named():
            yield from _named(entity, cluster)
        case _:
            pass


def _account(account: Account) -> Iterator[Subject]:
    name = "" if account.name.lower() in _NOBODY else account.name
    sid = account.sid if account.is_strong else ""
    local = f"{account.domain}\\{name}" if account.domain and name else name
    yield from _subject(
        "account",
        account.upn or local or account.object_id or sid,
        TheAccount=account.upn,
        TheAccountId=account.object_id,
        TheAccountName=name,
        TheAccountSid=sid,
        TheMailbox=account.upn,
    )
    if account.object_id and not account.upn:
        # Whether it is a user or a service, an object id does not say.
        yield from _subject(
            "application", name or account.object_id, TheApplication=account.object_id
        )


def _host(host: Host) -> Iterator[Subject]:
    machine = resource.whole(host.resource) if host.resource else None
    shown = resource.display_name(machine) if machine else ""
    yield from _machine(host.name or shown, machine or "", host.device_id)


def _machine(name: str, arm_id: str, device: str = "") -> Iterator[Subject]:
    # Logs have the short name, the full one or both.
    short = name if _is_address(name) else name.partition(".")[0]
    short = "" if short.lower() in _NOBODY else short.lower()
    yield from _subject(
        "host",
        short or arm_id or device,
        TheHost=short,
        TheMachine=arm_id,
        TheDevice=device,
    )


def _resource(arm_id: str, hosts: frozenset[str | None]) -> Iterator[Subject]:
    whole = resource.whole(arm_id)
    if whole is None:
        return
    name = resource.display_name(whole)
    values = {
        "TheResource": whole,
        "TheResourceName": name,
        "TheSubscription": resource.subscription(whole),
    }
    yield from _subject("resource", name, **values)
    if (kind := _kind_of(whole)) is not None:
        yield from _subject(kind, name, **values)
    if resource.type_of(whole) in _MACHINES and whole not in hosts:
        yield from _machine(name, whole)


def _kind_of(arm_id: str) -> str | None:
    whole = resource.whole(arm_id)
    return _KINDS_OF_TYPES.get(resource.type_of(whole)) if whole else None


def _address(address: str) -> Iterator[Subject]:
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return
    if address in _EVERYWHERE or known.is_loopback or known.is_unspecified:
        return
    if not (known.is_multicast or known.is_link_local):
        yield from _subject("address", address, TheAddress=address)


def _url(url: str) -> Iterator[Subject]:
    yield from _subject("url", url, TheUrl=url)
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return
    if _is_address(host):
        yield from _address(host)
    elif "." in host:
        yield from _subject("domain", host, TheDomain=host)


def _named(entity: Named, cluster: str) -> Iterator[Subject]:
    match entity.kind:
        case "k8s-pod":
            yield from _subject(
                "kubernetes-pod",
                entity.name,
                ThePod=entity.name,
                TheNamespace=entity.attributes.get("namespace", ""),
                TheResource=cluster,
            )
        case "container-image":
            yield from _image(entity.name)
        case "oauth-application":
            yield from _subject("application", entity.name, TheApplication=entity.name)
        case _:
            pass


def _image(name: str) -> Iterator[Subject]:
    """The parts of `registry/repository:tag@sha256:digest`, as far as they are there."""
    rest, _, digest = name.partition("@")
    registry, slash, path = rest.partition("/")
    # The first part is a registry if it could be a host.
    if not (slash and ("." in registry or ":" in registry)):
        path = rest
    repository, _, tag = path.partition(":")
    yield from _subject(
        "container-image",
        name,
        TheRepository=repository.lower(),
        TheTag=tag,
        TheDigest=digest if _DIGEST.fullmatch(digest) else "",
    )


def _incident(
    incident: Incident, alerts: Sequence[AlertRow], listed: Iterable[Seen]
) -> Subject:
    """All of it in lists, each of at most 50 values."""
    lists: dict[str, dict[str, None]] = {name: {} for name in SUBJECTS["incident"]}
    for row in alerts:
        lists["TheAlerts"][_known(row.id)] = None
        lists["TheAlertTypes"][_known(row.alert_type)] = None
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


def _subject(kind: str, label: str, **values: str) -> Iterator[Subject]:
    """The subject, if anything of it is a name."""
    known = {name: known for name, text in values.items() if (known := _known(text))}
    if known:
        noun = kind.replace("-", " ")
        yield Subject(kind, f"{noun} {plain(label, LONGEST_LABEL)}", known)


def _known(text: str) -> str:
    """The text if it is the whole of a name, else nothing."""
    text = text.strip()
    is_whole = len(text) <= LONGEST_VALUE and not text.endswith(CUT_MARK)
    return text if is_whole and not _SURROGATE.search(text) else ""


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
