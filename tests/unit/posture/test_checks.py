"""Each check against an estate in which nothing else is wrong."""

from __future__ import annotations

import pytest

from shared.model.posture import CheckName
from shared.posture.checks import CHECKS
from tests.faults import FAULTS, Case, audited


def test_every_check_has_a_fault_of_its_own() -> None:
    """Nothing is looked for that no test has seen found."""
    assert {each.name for each in CHECKS} | {CheckName.UNKNOWN} == {*CheckName}
    assert len(CHECKS) == len({each.name for each in CHECKS})
    assert FAULTS.keys() == {*CheckName}


async def test_nothing_is_found_where_nothing_is_wrong() -> None:
    """Neither a fault nor anything that could not be read."""
    assert await audited(Case()) == ()


@pytest.mark.parametrize("name", CheckName)
async def test_a_fault_is_found_by_its_own_check_alone(name: CheckName) -> None:
    """At its resource, with a clause, a reason and what mends it."""
    case = Case()
    planted = FAULTS[name](case)

    [found] = await audited(case)

    assert found.check is name
    assert (found.resource, found.subject) == (
        planted.resource.lower(),
        planted.subject,
    )
    assert found.title
    assert found.why
    assert found.clause.startswith("SE:10: ")
