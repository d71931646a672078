"""What to do about each table, query and alert type, and by what. Pure."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from shared.actions.matchers import Matcher, Operator
from shared.model.evidence import Lack
from shared.model.text import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cli.value.figures import Asked, Table
    from cli.value.kinds import Kind

# Of fewer nobody can say whether it is chance.
FEW = 5
# From here on a rule wakes people for nothing.
MOSTLY = 0.9

# Whoever asked for a table, where the workspace keeps that.
_ASKED_BY = "LAQueryLogs | where QueryText has '{}' | summarize count() by AADEmail"

_LACKS = {
    Lack.FORBIDDEN: "give the app's identity Log Analytics Reader there",
    Lack.NO_WORKSPACE: "name its workspace in workspaces of the policy",
    Lack.MISSING_TABLE: (
        "send one of its tables to the workspace, or leave it out of enrich.queries of the policy"
    ),
}


class Advice(NamedTuple):
    """A sentence, and the commands or lines that do what it says."""

    to_do: str = ""
    by: tuple[str, ...] = ()


def of_table(table: Table) -> Table:
    """The table with what to do about it; nothing where it is worth what it costs."""
    advice = _of_table(table)
    return replace(table, to_do=advice.to_do, by=advice.by)


def _of_table(table: Table) -> Advice:
    if not table.billable_gb or table.rules:
        return Advice()
    shorter = f"retention: {{tables: {{{table.table}: {{interactive_days: 30, total_days: 365}}}}}}"
    if not table.queries:
        looked = "no rule does" if table.rules is not None else "rules are not known"
        return Advice(
            f"no query of the pack reads it, and {looked}. See who does; if nobody, send"
            " it no longer, or keep it shorter",
            (
                _ASKED_BY.format(table.table),
                shorter,
            ),
        )
    if not table.questions:
        return Advice(
            f"no incident was about what {_named(table.queries)} look for in it. If none"
            " is to be, send less of it, and keep it shorter",
            (f"firewatch queries {table.queries[0]}", shorter),
        )
    if table.questions >= FEW and not table.found:
        return Advice(
            f"asked {table.questions} times, and never a row about an incident: see that"
            f" it holds what {_named(table.queries)} look for",
            (f"firewatch queries {table.queries[0]}",),
        )
    return Advice()


def _named(queries: Sequence[str]) -> str:
    more = len(queries) - 2
    return ", ".join(queries[:2]) + (f" and {more} more" if more > 0 else "")


def of_query(asked: Asked) -> Asked:
    """The query with what to do about it."""
    advice = _of_query(asked)
    return replace(asked, to_do=advice.to_do, by=advice.by)


def _of_query(asked: Asked) -> Advice:
    if asked.questions < FEW:
        return Advice()
    if not asked.answered:
        why = next(iter(asked.lacks), "no reason")
        mend = next((said for lack, said in _LACKS.items() if lack == why), "")
        mend = mend or "docs/operations.md says what that means"
        return Advice(f"never answered ({why}): {mend}")
    if asked.answered >= FEW and not asked.found:
        return Advice(
            f"{asked.answered} answers without a row: leave it out of enrich.queries of the policy"
        )
    if asked.factors and asked.found >= FEW and not asked.decided:
        zero = ", ".join(f"{name}: 0" for name in asked.factors)
        return Advice(
            f"had rows {asked.found} times and never changed a score. It tells people"
            " all the same; if they do without, leave it out of enrich.queries, else"
            " nothing is lost without its points",
            (f"risk: {{{zero}}}",),
        )
    return Advice()


def without_useless(asked: Sequence[Asked]) -> str:
    """The policy's line that leaves out what never had a row; empty if all stay."""
    useless = {each.query for each in asked if each.answered >= FEW and not each.found}
    rest = sorted(each.query for each in asked if each.query not in useless)
    return f"enrich: {{queries: [{', '.join(rest)}]}}" if useless else ""


def of_kind(kind: Kind) -> Kind:
    """The alert type with what to do about it."""
    advice = _of_kind(kind)
    return replace(kind, to_do=advice.to_do, by=advice.by)


def _of_kind(kind: Kind) -> Advice:
    judged = sum(kind.verdicts.values())
    if judged >= FEW and kind.benign is not None and kind.benign >= MOSTLY:
        harmless = round(kind.benign * judged)
        return Advice(
            f"{harmless} of {judged} were benign or false: have the rule corrected where"
            " it is made, and hold it back until then",
            (_silence(kind),),
        )
    if kind.ended >= FEW and not judged:
        return Advice(
            f"{kind.ended} ended and nobody said what they were: close with a verdict",
            ("firewatch incidents close ID --classification benign_positive",),
        )
    return Advice()


def _silence(kind: Kind) -> str:
    """The command, its texts quoted: a type may be anybody's words."""
    matchers = [Matcher("alert_type", Operator.EQUAL, one_line(kind.alert_type))]
    if kind.is_by_title:
        matchers.append(Matcher("title", Operator.EQUAL, one_line(kind.name)))
    given = " ".join(f"--match {shlex.quote(str(each))}" for each in matchers)
    return (
        f"firewatch silences add noisy-rule {given} --break-through 'severity>=high'"
        ' --for 7d --reason "mostly benign, being corrected" --owner YOU'
    )
