"""One look at everything: what is read, heard and known, put together."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from shared.posture.estate import Part, Unread, path_of
from shared.posture.heartbeats import hear
from shared.posture.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.model.logs import Logs
    from shared.posture.asking import Graph, Reads
    from shared.posture.estate import Estate, Held
    from shared.posture.gate import Gate
    from shared.posture.wanted import Wanted


class Sides(NamedTuple):
    """Whom is asked: Resource Manager, Resource Graph and Log Analytics."""

    arm: Reads
    graph: Graph
    logs: Logs


async def look(
    sides: Sides,
    wanted: Wanted,
    *,
    gate: Gate,
    held: Sequence[Held] | None,
    deadline: float | None = None,
) -> tuple[Estate, Wanted]:
    """All that there is to know, and where this app is, as far as exports say.

    ``held`` is None where nobody knows of open incidents; ``deadline`` is by the loop's
    clock. Never raises for what a side says.
    """
    estate = await Reader(
        sides.arm, sides.graph, wanted=wanted, gate=gate, deadline=deadline
    )()
    await hear(estate, sides.logs, wanted.now, deadline)
    if held is None:
        estate.unread.append(
            Unread(Part.INCIDENTS, "", "no account of Firewatch was named")
        )
    else:
        estate.held = tuple(held)
    return estate, _at_home(estate, wanted)


def _at_home(estate: Estate, wanted: Wanted) -> Wanted:
    """What is wanted, with the subscription of the hub; what is not known is noted."""
    hubs = [e for found in estate.exports.values() for x in found for e in x.hubs]
    home = wanted.home or next((path_of(e) for e in hubs if wanted.is_hub(e)), "")
    if not wanted.hub:
        problem = "which event hub this app reads is not known: name it in the policy"
    elif not home:
        problem = "where its event hub is is not known: no export names it"
    elif home not in estate.subscriptions:
        problem = "its event hub is in a subscription that is not looked at"
    else:
        return wanted._replace(home=home)
    estate.unread.append(Unread(Part.HUB, "", problem))
    return wanted
