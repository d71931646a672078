"""Accounts of Entra that alerts name, by object id and by nothing else."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from responders.sides import graph
from shared.model.action import Kind
from shared.model.deed import Deed
from shared.model.entity import Account
from shared.model.errors import ActionRefused, PermanentFailure

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from responders.base import Ports
    from shared.model.alert import AlertRow
    from shared.model.evidence import Evidence
    from shared.model.incident import Incident
    from shared.model.rest import Rest

SEVERAL = "an alert names several accounts: which one is meant is not certain"


class Named(NamedTuple):
    """The alerts that name an account, and why it may not be the one that is meant."""

    alerts: tuple[str, ...]
    obstacle: str


def named(alerts: Iterable[AlertRow], *, several: bool) -> dict[str, Named]:
    """The accounts that alerts name by object id; whoever has none is not named.

    Alerts that name more than one do not say which one is meant, unless ``several``.
    """
    speaking: dict[str, list[str]] = {}
    certain: set[str] = set()
    for alert in alerts:
        found = {
            entity.object_id.lower()
            for entity in alert.entities
            if isinstance(entity, Account) and graph.is_object_id(entity.object_id)
        }
        for account in found:
            speaking.setdefault(account, []).append(alert.id)
        if several or len(found) == 1:
            certain |= found
    return {
        account: Named(tuple(sorted(ids)), "" if account in certain else SEVERAL)
        for account, ids in sorted(speaking.items())
    }


class OfAccounts(ABC):
    """The half of a ``Doer`` that plans, for those whose targets are accounts."""

    class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """An alert that names several accounts is about none of them, unless ``several``."""

        several: bool = False

    use: str
    # With a place for the name.
    says: str
    reversible = True
    kind = Kind.CONTAIN

    def __init__(self, name: str, config: Config | None, ports: Ports) -> None:
        self.name = name
        self._graph: Rest = ports.azure.graph
        self._several = config is not None and config.several
        self._is_asked = config is not None

    async def plan(
        self,
        incident: Incident,  # noqa: ARG002  as the protocol
        alerts: Sequence[AlertRow],
        evidence: Sequence[Evidence] = (),  # noqa: ARG002  as the protocol
    ) -> Sequence[Deed]:
        """One deed for each account that an alert names by its object id."""
        if not self._is_asked:
            return ()
        found = named(alerts, several=self._several)
        return await asyncio.gather(
            *(self._planned(account, said) for account, said in found.items())
        )

    @abstractmethod
    async def checked(self, object_id: str) -> str:
        """The name of the account, for people.

        Raises ActionRefused where it would be no use, and what the directory raises.
        """

    async def _planned(self, account: str, said: Named) -> Deed:
        name, obstacle = account, said.obstacle
        try:
            name = await self.checked(account)
        except (ActionRefused, PermanentFailure) as error:
            # Another account's may do.
            obstacle = obstacle or str(error)
        return Deed(
            responder=self.name,
            use=self.use,
            kind=self.kind,
            target=account,
            says=self.says.format(name),
            alerts=said.alerts,
            accounts=(account,),
            reversible=self.reversible,
            obstacle=obstacle,
        )
