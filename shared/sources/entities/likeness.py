"""When two entities of one alert are the same thing.

That is asked of one alert only, where a name is enough; over alerts, only strong
identifiers tell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.model import resource
from shared.model.entity import Account, AzureResource, Host, Ip, Named, Process

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from shared.model.entity import Entity

Mark = tuple[str, ...]

# Which of several processes the properties mean, nobody can tell.
ANY_PROCESS: Mark = ("process",)


def marks(entities: Iterable[Entity]) -> set[Mark]:
    """What tells that the things are there."""
    found: set[Mark] = set()
    for entity in entities:
        find = _MARKS.get(type(entity))
        if find is None:
            found.add((type(entity).__name__, entity.identifier))
        else:
            find(entity, found)
    return found


def sought(entity: Entity) -> Sequence[Mark]:
    """What would tell, for a lifted one, that the thing is there already.

    A strong identifier that is not there is news, whatever the name.
    """
    if isinstance(entity, Account):
        return _sought_account(entity)
    if isinstance(entity, Host):
        name = entity.name.lower()
        return (("host", name), ("host", name.partition(".")[0]))
    if isinstance(entity, Ip):
        return (("Ip", entity.address),)
    return tuple(marks((entity,)))


def _sought_account(account: Account) -> Sequence[Mark]:
    if account.object_id or account.sid or account.upn:
        ids = (account.object_id, account.sid, account.upn)
        return [("account id", each) for each in ids if each]
    name, domain = account.name.lower(), account.domain.lower()
    if domain:
        return (("account in", domain, name), ("account in", "", name))
    return (("account", name),)


def _mark_account(account: Account, found: set[Mark]) -> None:
    for each in (account.object_id, account.sid, account.upn):
        if each:
            found.add(("account id", each))
    name, domain = account.name.lower(), account.domain.lower()
    if name:
        found.add(("account", name))
    if name or domain:
        found.add(("account in", domain, name))


def _mark_host(host: Host, found: set[Mark]) -> None:
    if host.name:
        name = host.name.lower()
        found.add(("host", name))
        if "." in name:
            found.add(("host", name.partition(".")[0]))
    if host.resource:
        found.add(("host", resource.display_name(host.resource)))


def _mark_ip(ip: Ip, found: set[Mark]) -> None:
    found.add(("Ip", ip.address))


def _mark_named(named: Named, found: set[Mark]) -> None:
    found.add((named.kind, named.name.lower()))


def _mark_process(process: Process, found: set[Mark]) -> None:
    del process
    found.add(ANY_PROCESS)


def _mark_resource(named: AzureResource, found: set[Mark]) -> None:
    found.add(("host", resource.display_name(named.resource)))


_MARKS: Mapping[type, Callable[[Any, set[Mark]], None]] = {
    Account: _mark_account,
    AzureResource: _mark_resource,
    Host: _mark_host,
    Ip: _mark_ip,
    Named: _mark_named,
    Process: _mark_process,
}
