"""Plans of what tables of logs are to keep, over every table and every policy."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cli.retention import image
from shared.log_retention.plan import FLOORS, Line, planned
from shared.log_retention.table import (
    INHERITED,
    INTERACTIVE,
    TOTAL,
    Kept,
    Table,
    TablePlan,
)
from shared.model.retention import (
    LEAST_DAYS,
    MOST_INTERACTIVE,
    YEARS,
    Keep,
    Retention,
)

# What the workspace says where a table says nothing.
OF_WORKSPACE = 30

in_place = st.integers(LEAST_DAYS, MOST_INTERACTIVE)
in_all = in_place | st.sampled_from(YEARS)


@st.composite
def owns(draw: st.DrawFn) -> tuple[str, TablePlan, dict[str, int]]:
    """A table by its name and plan, and what it says itself."""
    name = draw(st.sampled_from(["SecurityEvent", *FLOORS]))
    plan = draw(st.sampled_from(TablePlan))
    own: dict[str, int] = {}
    if plan is TablePlan.ANALYTICS and draw(st.booleans()):
        own[INTERACTIVE] = draw(st.integers(FLOORS.get(name, 4), MOST_INTERACTIVE))
    if draw(st.booleans()):
        least = own.get(INTERACTIVE, max(OF_WORKSPACE, FLOORS.get(name, 0)))
        own[TOTAL] = draw(in_all.filter(lambda days: days >= least))
    return name, plan, own


@st.composite
def wants(draw: st.DrawFn) -> Keep:
    """Days that a policy may hold."""
    interactive, total = draw(st.none() | in_place), draw(st.none() | in_all)
    if interactive and total and total < interactive:
        total = interactive
    return Keep(interactive_days=interactive, total_days=total)


def shown(name: str, plan: TablePlan, own: dict[str, int]) -> Table:
    """The table as Azure would show it."""
    usual = max(OF_WORKSPACE, FLOORS.get(name, 0))
    interactive = own.get(INTERACTIVE, usual)
    if plan is not TablePlan.ANALYTICS:
        interactive = own.get(TOTAL, usual) if plan is TablePlan.AUXILIARY else usual
    kept = Kept(
        interactive=interactive,
        total=own.get(TOTAL, interactive),
        of_workspace=INTERACTIVE not in own,
        as_interactive=TOTAL not in own,
    )
    return Table(name=name, plan=plan, kept=kept)


def changed(own: dict[str, int], properties: dict[str, int]) -> dict[str, int]:
    """What a table says itself after a PATCH."""
    after = {**own, **properties}
    return {name: days for name, days in after.items() if days != INHERITED}


def line(table: Table, wanted: Keep) -> Line:
    [found] = planned(
        "w", {table.name: table}, Retention(tables={table.name: wanted}), {}
    ).lines
    return found


@given(owns(), wants())
def test_a_plan_is_what_comes_of_it_and_goes_back(
    has: tuple[str, TablePlan, dict[str, int]], wanted: Keep
) -> None:
    """The table then keeps what was said, nothing is left to change, and undo is exact."""
    name, plan, own = has
    before = shown(name, plan, own)

    found = line(before, wanted)
    after = changed(own, found.properties)
    then = shown(name, plan, after)

    assert then.keeps(found.after)
    assert then.kept.total >= then.kept.interactive
    assert line(then, wanted).properties == {}
    if not found.refused:
        # Of other plans they are no choice, and may go with the days in all.
        if plan is TablePlan.ANALYTICS:
            assert wanted.interactive_days in {None, then.kept.interactive}
        assert wanted.total_days in {None, then.kept.total}
    assert changed(after, image.back(found)) == own


@given(owns(), wants())
def test_nothing_is_sent_that_azure_would_refuse(
    has: tuple[str, TablePlan, dict[str, int]], wanted: Keep
) -> None:
    """No interactive days where the plan fixes them, none below a floor, none above all."""
    name, plan, own = has

    found = line(shown(name, plan, own), wanted)

    if plan is not TablePlan.ANALYTICS:
        assert INTERACTIVE not in found.properties
    assert found.properties.get(INTERACTIVE, 730) >= FLOORS.get(name, 0)
    assert bool(found.properties) == bool(found.cost)
