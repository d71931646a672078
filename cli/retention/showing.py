"""What `firewatch retention` shows people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cli import tables

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from cli.retention.image import Image
    from shared.log_retention.plan import Line, Plan

console = tables.console()


def plans(found: Sequence[Plan]) -> None:
    """A table for each workspace, then what is worth a second look."""
    for plan in found:
        name = plan.workspace.rpartition("/")[2]
        changes = tables.counted(len(plan.changes), "change")
        console.print(
            tables.table(
                f"{name}: {changes} in {tables.counted(len(plan.lines), 'table')}",
                ("table", "plan", ">keeps", ">is to keep", "what it comes to"),
                (_row(line) for line in plan.lines),
            )
        )
        for remark in _remarks(plan):
            say(remark)
    inherits = any(line.before.of_workspace for plan in found for line in plan.lines)
    mark = " * goes by the workspace, or by its plan." if inherits else ""
    say(f"Days: interactive / in all.{mark}")


def undoing(was: Image) -> None:
    """What would be put back."""
    for plan in was.plans:
        name = plan.workspace.rpartition("/")[2]
        console.print(
            tables.table(
                f"{name}: as it was at {was.made_at:%Y-%m-%d %H:%M}Z",
                ("table", ">was changed to", ">back to"),
                (
                    (line.table, line.after.said, line.before.said)
                    for line in plan.lines
                ),
            )
        )


def undo_by(file: Path, *, url: str, rehearse: bool) -> None:
    """How to take back what is about to be done."""
    where = f" --url {url}" if url else " --rehearse" if rehearse else ""
    say(f"What was before is in {file}.")
    say(f"To put it back: firewatch retention undo {file}{where}")


def say(line: str) -> None:
    """A line that is not wrapped: paths and ids are copied from it."""
    console.print(tables.plain(line), markup=False, highlight=False, soft_wrap=True)


def _row(line: Line) -> tuple[object, ...]:
    if line.properties:
        return line.table, line.plan, line.before.said, line.after.said, line.cost
    word = "cannot be set" if line.refused else "as it should be"
    return line.table, line.plan, line.before.said, "", word


def _remarks(plan: Plan) -> Iterator[str]:
    for line in plan.lines:
        if line.refused:
            yield f"not settable: {line.table}: {line.refused}"
        for warning in line.warnings:
            yield f"warning: {line.table}: {warning}"
    for name in plan.absent:
        yield (
            f"not there: {name}: the workspace shows no such table with a retention;"
            " some appear with their first row, and names are case-sensitive"
        )
