"""`firewatch measures`: how long first pages, answers, containment and ends took."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated

import typer

from cli import tables
from cli.incidents import Account, Json, ask, print_json
from shared.api.bodies import MOST_DAYS
from shared.measures import By, Measures, Since, measured
from shared.store import history

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.clouds.storage import Storage
    from shared.measures import Group

_FROM = {Since.DETECTOR: "the detector", Since.FIREWATCH: "Firewatch"}
_UNITS = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))

# Below it a tenth of a second says something.
_SHORT_S = 10

console = tables.console()


def measures(
    days: Annotated[
        int,
        typer.Option(
            min=1, max=MOST_DAYS, help="Of what was opened in so many days until now."
        ),
    ] = 30,
    by: Annotated[By, typer.Option(help="What to put together.")] = By.SEVERITY,
    account: Account = None,
    as_json: Json = False,
) -> None:
    """Show how long first pages, acknowledgements, containment and ends took."""

    async def question(storage: Storage) -> Measures:
        now = storage.ledger.now()
        since = now - timedelta(days=days)
        found = await history.opened_since(storage.ledger, storage.history, since)
        return measured(found.heads, by, since=since, until=now)

    found = ask(account, question)
    if as_json:
        print_json(found)
        return
    opened = f"{tables.counted(found.total.incidents, 'incident')} opened"
    console.print(
        tables.table(
            f"{opened} in {tables.counted(days, 'day')}",
            (
                by.value,
                "until",
                "from the time of",
                ">count",
                ">unknown",
                ">median",
                ">p90",
                ">max",
            ),
            (
                line
                for name, group in [
                    *((group.name or "not known", group) for group in found.groups),
                    ("all", found.total),
                ]
                for line in _lines(name, group)
            ),
        )
    )


def lasting(seconds: float | None) -> str:
    """A duration for people, in its two largest units: 2m 10s, 3d 4h; - where none."""
    if seconds is None:
        return "-"
    if seconds < _SHORT_S:
        return f"{seconds:.1f}s"
    left = round(seconds)
    for (unit, size), (less, smaller) in pairwise(_UNITS):
        if left >= size:
            return f"{left // size}{unit} {left % size // smaller}{less}"
    return f"{left}s"


def _lines(name: str, group: Group) -> Iterator[tuple[object, ...]]:
    for place, each in enumerate(group.measures):
        yield (
            "" if place else name,
            each.until.value.replace("_", " "),
            _FROM[each.since],
            each.count,
            each.unknown,
            lasting(each.median),
            lasting(each.p90),
            lasting(each.longest),
        )
