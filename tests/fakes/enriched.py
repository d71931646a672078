"""The whole core over fake storage, with workspaces that answer from memory."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from shared.enrichment.enrichment import Enrichment
from shared.enrichment.runner import Runner
from shared.enrichment.tagging import ResourceTags
from shared.enrichment.tags import Tags
from shared.enrichment.verdicts import OwnVerdicts
from shared.enrichment.workspaces import WorkspacesOf
from shared.model.workspaces import Workspaces
from tests.fakes.clock import Clock
from tests.fakes.firewatch import World
from tests.fakes.logs import WORKSPACE, FakeLogs
from tests.fakes.tags import FakeGraph

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.enrichment.inquiries import Inquiry
    from shared.noise import Noise
    from shared.store.history import History
    from shared.store.ledger import Ledger


def enriched(logs: FakeLogs, **changes: Any) -> World:  # noqa: ANN401
    """An app that asks them, whatever an incident is about."""
    made: list[Enrichment] = []

    async def enrichment() -> Enrichment:
        if not made:
            runner = Runner(logs, clock=world.clock, draw=lambda _, most: most)
            of = WorkspacesOf(
                Workspaces(central=(WORKSPACE,)), discover=_nowhere, clock=world.clock
            )
            made.append(Enrichment(runner, of, is_on=True))
        return made[0]

    world = World(enrichment=enrichment, **changes)
    return world


def verdicts(ledger: Ledger, history: History) -> Sequence[Inquiry]:
    """What asks the store about earlier verdicts, as ``World`` takes it."""
    return [OwnVerdicts(partial(history.earlier, ledger))]


def tagging(_: Noise) -> ResourceTags:
    """What asks for a tag of every resource, none of which is to be seen."""

    async def names() -> frozenset[str]:
        return frozenset({"env"})

    tags = Tags(FakeGraph({}), clock=Clock())
    return ResourceTags(tags, critical=("env=prod",), names=names)


async def _nowhere(_: str) -> Sequence[str]:
    raise AssertionError("a central topology discovers nothing")
