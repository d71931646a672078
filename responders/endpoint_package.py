"""Keeps evidence: has Defender for Endpoint collect a machine's investigation package.

The package stays with Defender for Endpoint, and the deed says under which action: it
has tens of megabytes, and whoever fetches it must be let in there (remote-apis-azure.md
14b). Windows alone; a machine that is off collects when it is on again.

[unverified]: for how long Defender for Endpoint keeps packages, and the code of what it
answers while it collects one already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from responders.sides import endpoints, network, orders
from responders.sides.orders import Order, Ordering
from shared.model.action import Kind
from shared.model.deed import Deed
from shared.model.permission import Api, Permission
from shared.model.text import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from responders.base import Ports
    from responders.sides.endpoints import Meant
    from shared.model.alert import AlertRow
    from shared.model.evidence import Evidence
    from shared.model.incident import Incident

USE = "endpoint-package"

_NAME = 80
_COLLECT = Permission(
    Api.ENDPOINT, "Machine.CollectForensics", "collecting packages, and fetching them"
)
_ORDER = Order("collectInvestigationPackage", _COLLECT.action)


class EndpointPackage(Ordering):
    """A ``Doer``; a target is a machine of Defender for Endpoint."""

    class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """There is nothing to set."""

    use = USE
    kind = Kind.EVIDENCE
    permissions: tuple[Permission, ...] = (
        network.READ_MACHINES,
        endpoints.READ,
        _COLLECT,
    )

    def __init__(self, name: str, config: Config | None, ports: Ports) -> None:
        """Opens nothing."""
        super().__init__(ports)
        self.name = name
        self._config = config

    async def plan(
        self,
        incident: Incident,
        alerts: Sequence[AlertRow],
        evidence: Sequence[Evidence] = (),  # noqa: ARG002  as the protocol
    ) -> Sequence[Deed]:
        """One deed for each machine that an alert is about."""
        if self._config is None:
            return ()
        found = await endpoints.meant(self.azure, alerts)
        return [self._planned(incident, each) for each in found]

    def order(self, deed: Deed) -> Order:  # noqa: ARG002  all are alike
        """To collect it."""
        return _ORDER

    def _planned(self, incident: Incident, meant: Meant) -> Deed:
        machine, obstacle = meant.machine, meant.obstacle
        if machine and not obstacle and not machine.is_windows:
            obstacle = "packages are collected on Windows alone"
        name = plain(meant.name, _NAME)
        return Deed(
            responder=self.name,
            use=USE,
            kind=Kind.EVIDENCE,
            target=meant.target,
            says=f"Collect an investigation package of {name}; it cannot be taken back",
            alerts=meant.alerts,
            resources=(meant.resource,) if meant.resource else (),
            machines=(machine.id,) if machine else (),
            reversible=False,
            obstacle=obstacle,
            content={"mark": orders.mark_of(incident)},
        )
