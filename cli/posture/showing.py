"""A report as tables for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cli import tables
from shared.model.alert import Severity
from shared.model.resource import display_name
from shared.model.text import minute
from shared.posture.finding import NO_FIX

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from shared.posture.audited import Report
    from shared.posture.finding import Finding

MOST_WORKSPACES = 10
SHOWN_OF_ID = 8


def show(found: Report, console: Console, *, with_fixes: bool) -> None:
    """The open findings, what is let be, and how logs are kept."""
    opened = [each for each in found.findings if each.is_open]
    counts = ", ".join(f"{found.open[s]} {s}" for s in reversed(Severity))
    subscriptions = tables.counted(len(found.subscriptions), "subscription")
    looked = f"{tables.counted(found.resources, 'resource')} in {subscriptions}"
    console.print(
        tables.table(
            f"{tables.counted(len(opened), 'finding')} ({counts}) at {looked}",
            ("severity", "check", "at", "since", "what"),
            (_row(each) for each in opened),
        )
    )
    if with_fixes:
        _fixes(opened, console)
    others = {
        "let be by the policy": sum(
            bool(e.excused) and e.closed_at is None for e in found.findings
        ),
        "mended": sum(each.closed_at is not None for each in found.findings),
        "could not be read": found.unknown,
    }
    said = [f"{count} {what}" for what, count in others.items() if count]
    if said:
        _say(f"Also: {', '.join(said)}.", console)
    _layout(found, console)


def _row(found: Finding) -> tuple[object, ...]:
    mark = "" if found.is_seen else " (not looked at again since)"
    return (
        found.severity.value,
        found.check.value,
        _where(found.resource),
        f"{found.first_seen:%Y-%m-%d}",
        f"{found.title}{mark}",
    )


def _where(resource: str) -> str:
    """The resource by its name; of a subscription so much of its id as tells it apart."""
    name = display_name(resource)
    if resource.count("/") == 2:
        return f"subscription {name[:SHOWN_OF_ID]}"
    return name or "the estate"


def _fixes(found: Sequence[Finding], console: Console) -> None:
    for each in found:
        if each.fix != NO_FIX:
            _say(f"# {each.check}: {each.title}", console)
            _say(each.fix.cli, console)
    console.print()


def _layout(found: Report, console: Console) -> None:
    fed = [*found.layout.workspaces.items()]
    if fed:
        console.print(
            tables.table(
                f"Logs are kept in a way that is {found.layout.model}",
                (">fed by", "workspace"),
                ((count, name) for name, count in fed[:MOST_WORKSPACES]),
            )
        )
    more = len(fed) - MOST_WORKSPACES
    if more > 0:
        _say(f"And {tables.counted(more, 'workspace')} more.", console)
    _say(found.layout.costs, console)
    _say(f"As of {minute(found.at)}; --markdown and --json have every fix.", console)


def _say(text: str, console: Console) -> None:
    console.print(tables.plain(text), markup=False, highlight=False, soft_wrap=True)
