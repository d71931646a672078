"""Has Defender for Endpoint scan machines for malware (remote-apis-azure.md 14b).

What it finds is an alert of its own. Windows alone; a machine that is off scans when it
is on again.

[unverified]: the code of what Defender for Endpoint answers while it scans already.
"""

from __future__ import annotations

from enum import StrEnum
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

USE = "endpoint-scan"

_NAME = 80
_SCAN = Permission(Api.ENDPOINT, "Machine.Scan", "scanning")


class Scan(StrEnum):
    """How much is scanned: where malware usually is, or everything."""

    QUICK = "quick"
    FULL = "full"


class EndpointScan(Ordering):
    """A ``Doer``; a target is a machine of Defender for Endpoint."""

    class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """``scan`` is how much is scanned; all of it takes hours."""

        scan: Scan = Scan.QUICK

    use = USE
    kind = Kind.CONTAIN
    permissions: tuple[Permission, ...] = (
        network.READ_MACHINES,
        endpoints.READ,
        _SCAN,
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
        scan = self._config.scan
        found = await endpoints.meant(self.azure, alerts)
        return [self._planned(incident, each, scan) for each in found]

    def order(self, deed: Deed) -> Order:
        """To scan so much."""
        scan = str(deed.content["scan"]).capitalize()
        return Order("runAntiVirusScan", _SCAN.action, {"ScanType": scan})

    def _planned(self, incident: Incident, meant: Meant, scan: Scan) -> Deed:
        machine, obstacle = meant.machine, meant.obstacle
        if machine and not obstacle and not machine.is_windows:
            obstacle = "Defender for Endpoint scans Windows alone when it is told"
        name = plain(meant.name, _NAME)
        return Deed(
            responder=self.name,
            use=USE,
            kind=Kind.CONTAIN,
            target=meant.target,
            says=f"Scan {name} for malware ({scan}); it cannot be taken back",
            alerts=meant.alerts,
            resources=(meant.resource,) if meant.resource else (),
            machines=(machine.id,) if machine else (),
            reversible=False,
            obstacle=obstacle,
            content={"mark": orders.mark_of(incident), "scan": scan.value},
        )
