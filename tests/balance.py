"""Which tests each of several workers begins with, so that all end at the same time.

xdist's worksteal gives each worker a stretch of the list, and who is done takes half of
what another has left, from its end. So the long tests stand first in every stretch, and
those that share a world in the same one; what is left for the end is short.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeVar

    _T = TypeVar("_T")

# Modules that one worker should have, and about how many seconds they take; only the
# balance hangs on it.
LONG: tuple[tuple[int, tuple[str, ...]], ...] = (
    # The story, told once.
    (130, ("acceptance/test_kills.py", "acceptance/test_story.py")),
    # A running Firewatch.
    (
        95,
        (
            "acceptance/test_outage.py",
            "acceptance/test_commands.py",
            "acceptance/test_copies.py",
            "acceptance/test_api.py",
            "acceptance/test_webhook_http.py",
            "acceptance/test_page_test.py",
        ),
    ),
    (40, ("contract/test_devhost_hub.py",)),
    (40, ("acceptance/test_feed.py",)),
    (25, ("conformance/test_responders.py",)),
    (25, ("conformance/test_doers.py",)),
    (32, ("acceptance/test_tickets.py",)),
    (32, ("acceptance/test_evidence.py",)),
    (28, ("acceptance/test_on_call.py",)),
    (15, ("crash/test_law4_converges.py",)),
    (18, ("contract/test_eventhub_sdk.py",)),
    (16, ("acceptance/test_two_runs.py",)),
    (16, ("acceptance/test_answers.py",)),
    # One parser of KQL.
    (
        8,
        (
            "unit/enrichment/test_pack.py",
            "property/test_kql.py",
            "infra/test_watch.py",
            "unit/cli/test_value_figures.py",
        ),
    ),
    (7, ("acceptance/test_crowd.py",)),
    (6, ("acceptance/test_containment.py",)),
    (6, ("contract/test_devhost_queue.py",)),
)


def spread(
    items: Sequence[_T], workers: int, module_of: Callable[[_T], str]
) -> list[_T]:
    """The same items in the order in which ``workers`` do them soonest.

    ``module_of`` is the path of an item's module. Items that are not long keep their
    order.
    """
    names = [name for _, group in LONG for name in group]
    found: dict[str, list[_T]] = {name: [] for name in names}
    short: list[_T] = []
    for item in items:
        path = module_of(item)
        name = next((name for name in names if path.endswith(f"/{name}")), None)
        (short if name is None else found[name]).append(item)

    stretches: list[list[_T]] = [[] for _ in range(workers)]
    busy = [0] * workers
    for seconds, group in LONG:
        idlest = busy.index(min(busy))
        members = [item for name in group for item in found[name]]
        stretches[idlest] += members
        busy[idlest] += seconds if members else 0

    ordered: list[_T] = []
    left = len(items)
    for number, stretch in enumerate(stretches):
        # As many as xdist gives to this worker.
        size = left // (workers - number)
        left -= size
        room = max(0, size - len(stretch))
        ordered += [*stretch, *short[:room]]
        short = short[room:]
    return ordered + short
