"""Has Defender for Endpoint scan machines for malware (remote-apis-azure.md 14b).

What it finds is an alert of its own. Windows alone; a machine that is off scans when it
is on again.

[unverified]: the code of what Defender for Endpoint answers while it scans already.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from responders.sides import endpoints, orders
from responders.sides.orders import Order, Ordering
from shared.model.permission import Api, Permission
from shared.model.text import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.model.alert import AlertRow
    from shared.model.deed import Deed
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
    permissions: tuple[Permission, ...] = (*orders.FINDING, _SCAN)
    on_windows = "Defender for Endpoint scans Windows alone when it is told"

    async def plan(
        self,
        incident: Incident,
        alerts: Sequence[AlertRow],
        evidence: Sequence[Evidence] = (),  # noqa: ARG002  as the protocol
    ) -> Sequence[Deed]:
        """One deed for each machine that an alert is about."""
        if self.config is None:
            return ()
        mark, scan = orders.mark_of(incident), self.config.scan.value
        return [
            self.planned(
                meant,
                f"Scan {plain(meant.name, _NAME)} for malware ({scan})",
                mark,
                scan=scan,
            )
            for meant in await endpoints.meant(self.azure, alerts)
        ]

    def order(self, deed: Deed) -> Order:
        """To scan so much."""
        scan = str(deed.content["scan"]).capitalize()
        return Order("runAntiVirusScan", _SCAN.action, {"ScanType": scan})
