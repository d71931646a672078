"""When two entities of one alert are the same thing.

That is asked of one alert only, where a name is enough; over alerts, only strong
identifiers tell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.model import resource
from shared.model.entity import Account, AzureResource, Host, Named, Process

if TYPE_CHECKING:
    from shared.model.entity import Entity

Mark = tuple[str, ...]


def marks(entity: Entity) -> set[Mark]:
    """What tells that the thing is there."""
    if isinstance(entity, Account):
        name, domain = entity.name.lower(), entity.domain.lower()
        found = _ids(entity) | {("account", name), ("account in", domain, name)}
        return found - {("account", ""), ("account in", domain, "")}
    if isinstance(entity, Host):
        return _host_marks(entity.name, entity.resource)
    if isinstance(entity, AzureResource):
        return _host_marks("", entity.resource)
    return _other_marks(entity)


def sought(entity: Entity) -> set[Mark]:
    """What would tell, for a lifted one, that the thing is there already.

    A strong identifier that is not there is news, whatever the name.
    """
    if isinstance(entity, Account):
        name, domain = entity.name.lower(), entity.domain.lower()
        if ids := _ids(entity):
            return ids
        if domain:
            return {("account in", domain, name), ("account in", "", name)}
        return {("account", name)}
    if isinstance(entity, Host):
        return {("host", entity.name.lower()), ("host", _first_label(entity.name))}
    return _other_marks(entity)


def _ids(account: Account) -> set[Mark]:
    ids = (account.object_id, account.sid, account.upn)
    return {("account id", each) for each in ids if each}


def _host_marks(name: str, arm_id: str) -> set[Mark]:
    names = (name.lower(), _first_label(name), resource.display_name(arm_id))
    return {("host", each) for each in names if each}


def _first_label(name: str) -> str:
    return name.lower().partition(".")[0]


def _other_marks(entity: Entity) -> set[Mark]:
    # Which of several processes the properties mean, nobody can tell.
    if isinstance(entity, Process):
        return {("process",)}
    if isinstance(entity, Named):
        return {(entity.kind, entity.name.lower())}
    return {(type(entity).__name__, entity.identifier)}
