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

from responders.sides import endpoints, orders
from responders.sides.orders import Order, Ordering
from shared.model.action import Kind
from shared.model.permission import Api, Permission
from shared.model.text import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.model.alert import AlertRow
    from shared.model.deed import Deed
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
    permissions: tuple[Permission, ...] = (*orders.FINDING, _COLLECT)
    on_windows = "packages are collected on Windows alone"

    async def plan(
        self,
        incident: Incident,
        alerts: Sequence[AlertRow],
        evidence: Sequence[Evidence] = (),  # noqa: ARG002  as the protocol
    ) -> Sequence[Deed]:
        """One deed for each machine that an alert is about."""
        if self.config is None:
            return ()
        mark = orders.mark_of(incident)
        return [
            self.planned(
                meant,
                f"Collect an investigation package of {plain(meant.name, _NAME)}",
                mark,
            )
            for meant in await endpoints.meant(self.azure, alerts)
        ]

    def order(self, deed: Deed) -> Order:  # noqa: ARG002  all are alike
        """To collect it."""
        return _ORDER
