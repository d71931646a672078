"""What is said of a doer in the kit, and alerts that name what it acts on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from shared.model.entity import Ip
from shared.triage.alert_rows import row_of
from tests.alerts import read_alert
from tests.fakes.azure import WEB01

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from shared.model.alert import AlertRow
    from shared.model.deed import Deed
    from tests.fakes.azure import Azure

ATTACKER = "203.0.113.77"


@dataclass(frozen=True, kw_only=True)
class DoerCase:
    """One doer of the table: how it is set, and what alerts it acts on.

    ``drift`` is what somebody else does to the target meanwhile: a resource, and its
    properties then. ``resource`` is the one that the change shows at, as a part of paths,
    ``side`` the API that is asked for it, and ``method`` how. ``unclear`` are alerts that
    name the target in no exact way, and ``gone`` makes one name what is not there.

    ``arrange`` is what is so beforehand, beside what there is for the story.

    Where it ``heals``, a person can force it back after that drift; else it is left.
    What is not ``reversible`` is never taken back, and nobody looks at it again. One that
    ``keeps`` changes nothing at its side: it reads there, and has what it read kept. One
    that ``waits`` has a machine do it, which may be off.
    """

    settings: Mapping[str, Any]
    alerts: Callable[[], Sequence[AlertRow]]
    unclear: Callable[[], Sequence[AlertRow]]
    resource: str
    side: str = "arm"
    method: str = "PUT"
    gone: Callable[[AlertRow], AlertRow] = field(
        default=lambda alert: replace(alert, resource=f"{alert.resource}-gone")
    )
    arrange: Callable[[Azure], None] = field(default=lambda _: None)
    drift: Callable[[Azure, Deed], None] = field(default=lambda *_: None)
    heals: bool = True
    reversible: bool = True
    keeps: bool = False
    waits: bool = False


def alert(resource_id: str | None = WEB01, *entities: Any, **changes: Any) -> AlertRow:  # noqa: ANN401
    """An alert about a resource, and what it names."""
    found = read_alert(
        AzureResourceId=resource_id or "",
        ResourceIdentifiers=[],
        Entities=[*entities],
        **changes,
    )
    return row_of(found, "0a" * 8, "fp", None)


def attack(resource_id: str | None = WEB01, address: str = ATTACKER) -> AlertRow:
    """An alert that names who attacks."""
    return replace(alert(resource_id), entities=(Ip(address=address, is_public=True),))
