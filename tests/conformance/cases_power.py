"""What doers that stop machines and apps are measured with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.conformance.doer_case import DoerCase, alert
from tests.fakes.azure import SITE, WORKERS, Azure

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shared.model.deed import Deed

INSTANCE = f"{WORKERS}/virtualMachines/0"
HOST = {"HostName": "web01", "Type": "host"}


def _becomes(**properties: str) -> Callable[[Azure, Deed], None]:
    """Somebody has the target be so."""

    def drift(side: Azure, deed: Deed) -> None:
        found = side.outside.manager.resources.find(deed.target)
        assert found is not None
        changed = {**found["properties"], **properties}
        side.outside.manager.resources.write({**found, "properties": changed})

    return drift


POWER: Mapping[str, DoerCase] = {
    "app-stop": DoerCase(
        settings={},
        alerts=lambda: [alert(SITE)],
        unclear=lambda: [alert(None, HOST), alert(f"{SITE}/slots/staging"), alert()],
        method="POST",
        resource="/stop",
        drift=_becomes(state="Limited"),
    ),
    "scale-set-deallocate": DoerCase(
        settings={},
        alerts=lambda: [alert(INSTANCE)],
        unclear=lambda: [alert(None, HOST), alert(WORKERS), alert()],
        method="POST",
        resource="/deallocate",
        drift=_becomes(powerState="PowerState/stopped"),
    ),
    "vm-deallocate": DoerCase(
        settings={},
        alerts=lambda: [alert()],
        unclear=lambda: [alert(None, HOST), alert(INSTANCE)],
        method="POST",
        resource="/deallocate",
        drift=_becomes(powerState="PowerState/stopped"),
    ),
}
