"""What doers that tell machines of Defender for Endpoint are measured with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from devhost.outside.azure.machine_actions import ACTS
from shared.model.entity import FileHash, Host
from tests.conformance.doer_case import DoerCase, alert
from tests.fakes.azure import MDE_LAPTOP, MDE_WEB01, MDE_WEB10, Azure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.model.alert import AlertRow
    from shared.model.deed import Deed


MALWARE = "5" * 40
# The digest of no bytes at all.
EMPTY = "da39a3ee5e6b4b0d3255bfef95601890afd80709"


def host(**fields: Any) -> dict[str, Any]:  # noqa: ANN401
    """A machine, as an alert names it."""
    return {"Type": "host", **fields}


def laptop() -> AlertRow:
    """An alert about a machine that is no resource of Azure."""
    named = host(HostName="lap-weber", MdatpDeviceId=MDE_LAPTOP)
    return alert(None, named)


def infected(*digests: str) -> AlertRow:
    """An alert about a machine that names files by their SHA-1."""
    files = (FileHash(algorithm="sha1", digest=d) for d in digests or (MALWARE,))
    machine = Host(name="lap-weber", device_id=MDE_LAPTOP)
    return replace(alert(None), entities=(machine, *files))


def _nowhere(row: AlertRow) -> AlertRow:
    """The alert, about a machine that there is not."""
    gone = Host(name="lap-gone", device_id="d" * 40)
    others = (each for each in row.entities if not isinstance(each, Host))
    return replace(row, entities=(gone, *others))


def _again(side: Azure, deed: Deed) -> None:
    """Somebody else isolates the machine anew."""
    endpoint = side.outside.endpoint
    machine = endpoint.machines[deed.machines[0]]
    path = f"/machines/{machine['id']}/isolate"
    body = {"Comment": "the SOC's own", "IsolationType": "Full"}
    endpoint.actions.begin(machine, ACTS["isolate"], body, path)


def _lets_pass(side: Azure, deed: Deed) -> None:
    """Somebody has the thing pass, whatever is blocked."""
    body = {
        "indicatorValue": deed.content["value"],
        "indicatorType": deed.content["type"],
        "action": "Allowed",
        "title": "ours",
        "description": "the SOC's own",
    }
    side.outside.endpoint.indicators.put(body)


# Names are no identity, nor is one of two machines the attacked one.
UNCLEAR = (
    alert(None, host(HostName="web01")),
    alert(None, host(HostName="kiosk", DnsDomain="contoso.com")),
    alert(
        None,
        host(HostName="web01", MdatpDeviceId=MDE_WEB01),
        host(HostName="web10", MdatpDeviceId=MDE_WEB10),
    ),
)

ENDPOINT: Mapping[str, DoerCase] = {
    "endpoint-isolate": DoerCase(
        settings={},
        alerts=lambda: [alert()],
        unclear=lambda: UNCLEAR,
        side="defender-endpoint",
        method="POST",
        resource="/isolate",
        drift=_again,
        waits=True,
    ),
    "endpoint-package": DoerCase(
        settings={},
        alerts=lambda: [laptop()],
        unclear=lambda: UNCLEAR,
        gone=_nowhere,
        side="defender-endpoint",
        method="POST",
        resource="collectInvestigationPackage",
        reversible=False,
        waits=True,
    ),
    "endpoint-quarantine-file": DoerCase(
        settings={},
        alerts=lambda: [infected()],
        unclear=lambda: [
            *UNCLEAR,
            laptop(),
            infected(EMPTY),
            infected("not a digest"),
            replace(infected(), entities=infected().entities[1:]),
        ],
        gone=_nowhere,
        side="defender-endpoint",
        method="POST",
        resource="StopAndQuarantineFile",
        reversible=False,
        waits=True,
    ),
    "indicator": DoerCase(
        settings={"of": ["file"]},
        alerts=lambda: [infected()],
        unclear=lambda: [
            *UNCLEAR,
            infected(EMPTY),
            replace(
                alert(),
                entities=(FileHash(algorithm="sha1", digest=MALWARE, is_asset=True),),
            ),
        ],
        gone=lambda row: replace(infected("5" * 39), id=row.id),
        side="defender-endpoint",
        method="POST",
        resource="/indicators",
        drift=_lets_pass,
    ),
    "endpoint-scan": DoerCase(
        settings={"scan": "full"},
        alerts=lambda: [laptop()],
        unclear=lambda: UNCLEAR,
        gone=_nowhere,
        side="defender-endpoint",
        method="POST",
        resource="runAntiVirusScan",
        reversible=False,
        waits=True,
    ),
}
