"""What an alert names that ties it to others: accounts, hosts, addresses, files.

Where in the alert it stands does not matter, nor whose side it is on: these are for
grouping, never for containment (review F3, F15).
"""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from itertools import zip_longest
from typing import TYPE_CHECKING, NamedTuple

from shared.model import resource
from shared.model.entity import Account, FileHash, Host, Ip, Named
from shared.triage import involved
from shared.triage.fingerprint import Strategy

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from shared.model.correlation import NeverGroup
    from shared.model.entity import Entity

# Key rows an alert may have for what it names: a flood of entities must not become a
# flood of rows.
MOST = 8

# Public addresses that half the internet talks to: Azure's platform, and resolvers.
_WELL_KNOWN = frozenset(
    {
        "168.63.129.16",
        *("1.1.1.1", "1.0.0.1", "8.8.8.8", "8.8.4.4", "9.9.9.9", "149.112.112.112"),
        *("208.67.222.222", "208.67.220.220"),
        *("2606:4700:4700::1111", "2606:4700:4700::1001"),
        *("2001:4860:4860::8888", "2001:4860:4860::8844", "2620:fe::fe"),
    }
)

# Programs of the system are on every machine, so their digests tie nothing together.
_SYSTEM = re.compile(
    r"(?:^|[\\:%])windows\\(?:system32|syswow64|winsxs)(?:\\|$)"
    r"|^/(?:usr/)?(?:s?bin|lib(?:exec|64)?)(?:/|$)"
)

# Of several digests of one file the strongest is enough.
_ALGORITHMS = ("sha256", "sha1", "md5")


class Thing(NamedTuple):
    """Something strong that an alert names; equal kinds and values are one thing.

    ``resource`` is the ARM id of a host that is a resource of Azure.
    """

    strategy: Strategy
    kind: str
    value: str
    text: str
    resource: str = ""


class Excluded:
    """What the policy says never groups, made ready to be asked of each alert."""

    def __init__(self, never: NeverGroup) -> None:
        self._accounts = _folded(never.accounts)
        self._hosts = _folded(never.hosts)
        self._hashes = _folded(never.hashes)
        self._networks = tuple(
            ipaddress.ip_network(text.strip(), strict=False) for text in never.addresses
        )

    def holds(self, entity: Entity) -> bool:
        """Whether any of the entity's identifiers is on the list."""
        match entity:
            case Account():
                ids = {entity.object_id, entity.sid, entity.upn}
                return not self._accounts.isdisjoint(_folded(ids))
            case Host():
                ids = {entity.resource, entity.device_id, entity.entra_device_id}
                return not self._hosts.isdisjoint(_folded(ids))
            case FileHash():
                return entity.digest.casefold() in self._hashes
            case Ip():
                return bool(self._networks) and self._is_within(entity.address)
        return False

    def _is_within(self, text: str) -> bool:
        address = ipaddress.ip_address(text)
        return any(address in network for network in self._networks)


@lru_cache(maxsize=8)
def excluded(never: NeverGroup) -> Excluded:
    """The list of a policy; networks are parsed once."""
    return Excluded(never)


def things(
    entities: tuple[Entity, ...], never: NeverGroup, *, own: str | None
) -> list[Thing]:
    """At most ``MOST`` things that tie, always the same ones of the same entities.

    ``own`` is the alert's own resource: a host that is it says nothing new. Kinds take
    turns, so that many of one do not push out the others.
    """
    if not entities:
        return []
    known = excluded(never)
    strong = [e for e in entities if e.is_strong and not known.holds(e)]
    kinds = (
        {t for e in strong if isinstance(e, Account) for t in _account(e)},
        {t for e in strong if isinstance(e, Host) for t in _host(e, own)},
        {_address(e) for e in strong if isinstance(e, Ip)} - {None},
        set(_files(strong, entities)),
    )
    # Two spellings of a name may stand beside one value; the first of them is shown.
    ranked = [_one_each(sorted(t for t in kind if t is not None)) for kind in kinds]
    turns = zip_longest(*ranked)
    chosen = [thing for turn in turns for thing in turn if thing is not None][:MOST]
    order = tuple(Strategy)
    return sorted(chosen, key=lambda thing: (order.index(thing.strategy), thing))


def _one_each(things: list[Thing]) -> list[Thing]:
    return list({(t.kind, t.value): t for t in reversed(things)}.values())[::-1]


def _account(account: Account) -> Iterator[Thing]:
    """By each of its strong names: products know the same account by different ones."""
    text = f"account {involved.account(account)}"
    sid = account.sid if Account(sid=account.sid).is_strong else ""
    for kind, value in (
        ("object id", account.object_id),
        ("sid", sid),
        ("upn", account.upn),
    ):
        if value:
            yield Thing(Strategy.ACCOUNT, kind, value.casefold(), text)


def _host(host: Host, own: str | None) -> Iterator[Thing]:
    text = f"host {involved.host(host)}"
    if host.resource:
        one = resource.whole(host.resource)
        if one is not None and one != own:
            yield Thing(Strategy.HOST, "resource", one, text, resource=one)
        return
    for kind, value in (
        ("device id", host.device_id),
        ("entra device id", host.entra_device_id),
    ):
        if value:
            yield Thing(Strategy.HOST, kind, value.casefold(), text)


def _address(ip: Ip) -> Thing | None:
    if ip.address in _WELL_KNOWN:
        return None
    return Thing(Strategy.ADDRESS, "ip", ip.address, f"address {ip.address}")


def _files(strong: list[Entity], entities: Iterable[Entity]) -> Iterator[Thing]:
    hashes = [e for e in strong if isinstance(e, FileHash)]
    best = next((a for a in _ALGORITHMS if any(h.algorithm == a for h in hashes)), "")
    of_system = " ".join(_system_digests(entities)) if hashes else ""
    for found in hashes:
        if found.algorithm == best and found.digest not in of_system:
            text = f"file {found.algorithm} {found.digest}"
            yield Thing(Strategy.FILE, best, found.digest.casefold(), text)


def _system_digests(entities: Iterable[Entity]) -> Iterator[str]:
    for entity in entities:
        if isinstance(entity, Named) and entity.kind == "file":
            place = entity.attributes.get("directory", "") or entity.name
            if _SYSTEM.search(place.casefold()):
                yield entity.attributes.get("filehashes", "")


def _folded(texts: Iterable[str]) -> frozenset[str]:
    return frozenset(text.strip().casefold() for text in texts if text.strip())
