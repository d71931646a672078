"""When two entities of one alert are the same thing.

That is asked of one alert only, where a name is enough; over alerts, only strong
identifiers tell.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from shared.model import resource
from shared.model.entity import Account, AzureResource, Host, Named, Process

if TYPE_CHECKING:
    from shared.model.entity import Entity

Mark = tuple[str, ...]

# Which of several processes the properties mean, nobody can tell.
ANY_PROCESS: Mark = ("process",)


def key(entity: Entity) -> object:
    """Equal for equal entities, also for those that hold a dictionary."""
    if type(entity) is not Named:
        return entity
    attributes = tuple(entity.attributes.items())
    return (entity.kind, entity.name, attributes, entity.strong, entity.is_asset)


def marks(entity: Entity) -> Sequence[Mark]:
    """What tells that the thing is there."""
    return _MARKS.get(type(entity), _identifier)(entity)


def sought(entity: Entity) -> Sequence[Mark]:
    """What would tell, for a lifted one, that the thing is there already.

    A strong identifier that is not there is news, whatever the name.
    """
    return _SOUGHT.get(type(entity), _identifier)(entity)


def _account_marks(account: Account) -> Sequence[Mark]:
    name, domain = account.name.lower(), account.domain.lower()
    found = _ids(account)
    if name:
        found.append(("account", name))
    if name or domain:
        found.append(("account in", domain, name))
    return found


def _sought_account(account: Account) -> Sequence[Mark]:
    if ids := _ids(account):
        return ids
    name, domain = account.name.lower(), account.domain.lower()
    if domain:
        return (("account in", domain, name), ("account in", "", name))
    return (("account", name),)


def _ids(account: Account) -> list[Mark]:
    ids = (account.object_id, account.sid, account.upn)
    return [("account id", each) for each in ids if each]


def _host_marks(host: Host) -> Sequence[Mark]:
    names = (*_sought_host(host), ("host", resource.display_name(host.resource)))
    return [mark for mark in names if mark[1]]


def _sought_host(host: Host) -> Sequence[Mark]:
    name = host.name.lower()
    return (("host", name), ("host", name.partition(".")[0]))


def _resource_marks(named: AzureResource) -> Sequence[Mark]:
    return (("host", resource.display_name(named.resource)),)


def _named(entity: Named) -> Sequence[Mark]:
    return ((entity.kind, entity.name.lower()),)


def _process(process: Process) -> Sequence[Mark]:
    del process
    return (ANY_PROCESS,)


def _identifier(entity: Entity) -> Sequence[Mark]:
    return ((type(entity).__name__, entity.identifier),)


_Marks = Callable[[Any], Sequence[Mark]]
_SOUGHT: Mapping[type, _Marks] = {
    Account: _sought_account,
    Host: _sought_host,
    Named: _named,
    Process: _process,
}
_MARKS: Mapping[type, _Marks] = {
    **_SOUGHT,
    Account: _account_marks,
    AzureResource: _resource_marks,
    Host: _host_marks,
}
