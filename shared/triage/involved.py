"""Who and what an alert is about, named so that people know them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from shared.model import resource
from shared.model.entity import Account, Host, Ip
from shared.model.text import cut

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.model.entity import Entity

LONGEST = 200


class Involved(NamedTuple):
    """The accounts, addresses and hosts among entities, each by its name for people."""

    accounts: tuple[str, ...]
    addresses: tuple[str, ...]
    hosts: tuple[str, ...]


def involved(entities: Iterable[Entity]) -> Involved:
    """All of them, in the order given; the texts are the alert's, cut and no more."""
    accounts: list[str] = []
    addresses: list[str] = []
    hosts: list[str] = []
    for entity in entities:
        match entity:
            case Account():
                accounts.append(cut(account(entity), LONGEST))
            case Ip():
                addresses.append(entity.address)
            case Host():
                hosts.append(cut(host(entity), LONGEST))
            case _:
                pass
    return Involved(tuple(accounts), tuple(addresses), tuple(hosts))


def account(account: Account) -> str:
    """The UPN; else the name with its domain; else an id."""
    local = f"{account.domain}\\{account.name}" if account.domain else account.name
    return account.upn or (local if account.name else "") or account.identifier


def host(host: Host) -> str:
    """The full name; else the name of the resource; else an id."""
    full = f"{host.name}.{host.domain}" if host.domain else host.name
    shown = resource.display_name(host.resource) if host.resource else ""
    return (full if host.name else "") or shown or host.identifier
