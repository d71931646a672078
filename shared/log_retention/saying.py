"""What a change of retention comes to, in words: money, and what is lost by it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.log_retention.table import Kept

# What is in the price of ingestion.
INCLUDED = 31
# Where rows can be had back after the days in all were made fewer.
GRACE = 30
# Interactive days that suffice to look into an incident; longer is what archives are for.
ENOUGH = 90


def cost(before: Kept, after: Kept, *, in_place: bool) -> str:
    """What becomes dearer or cheaper, and how much that matters.

    ``in_place``: whether the interactive days of the table are paid for as such.
    """
    return "; ".join(_costs(before, after, in_place=in_place))


def _costs(before: Kept, after: Kept, *, in_place: bool) -> Iterator[str]:
    if not in_place:
        yield _archived(after.total - before.total, "days in all")
        return
    more = after.interactive - before.interactive
    if more and max(after.interactive, before.interactive) <= INCLUDED:
        yield f"{more:+} interactive days: in the price of ingestion"
    elif more:
        word = "expensive" if more > 0 else "what saves most"
        yield f"{more:+} interactive days: {word}"
    more = (after.total - after.interactive) - (before.total - before.interactive)
    if more:
        yield _archived(more, "archived days")


def _archived(more: int, what: str) -> str:
    return f"{more:+} {what}: {'cheap' if more > 0 else 'saves little'}"


def warnings(before: Kept, after: Kept, reach: int) -> tuple[str, ...]:
    """What is lost, or no longer found by queries; ``reach`` is how far ours look back."""
    return tuple(_warnings(before, after, reach))


def _warnings(before: Kept, after: Kept, reach: int) -> Iterator[str]:
    if after.total < before.total:
        yield (
            f"rows older than {after.total} days are deleted for good {GRACE} days after"
            " the change; until then undo keeps them"
        )
    if after.interactive < before.interactive and after.total > after.interactive:
        yield (
            f"rows older than {after.interactive} days are found by no query at once,"
            " only by a search job or after a restore"
        )
    if after.interactive < reach:
        yield f"queries of the pack look back {reach} days here"
    if after.interactive > ENOUGH and after.interactive > before.interactive:
        yield (
            f"interactive_days {ENOUGH} with total_days {max(after.total, after.interactive)}"
            " keeps the rows as long for much less"
        )
