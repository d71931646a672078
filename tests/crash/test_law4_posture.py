"""Law 4 for the daily audit: one that crashed is made up for the next day."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.model.errors import StoreError
from shared.model.posture import CheckName
from tests.estates import Estate
from tests.fakes.audit import DAY, Days
from tests.faults import OF_DOCUMENTS

if TYPE_CHECKING:
    from datetime import datetime

CHECKS = (CheckName.CAP_SET, CheckName.CONTACT_MISSING)

Story = dict[str, tuple[int, "datetime"]]


def a_day() -> Days:
    """Two findings of two checks in a small estate."""
    days = Days()
    days.case.estate = Estate(subscriptions=1, each=0)
    for name in CHECKS:
        OF_DOCUMENTS[name](days.case.estate, 0)
    return days


async def told(days: Days) -> Story:
    """The incidents: how many alerts each has, and since when."""
    found = await days.heads()
    return {kind: (head.alerts, head.first_seen) for kind, head in found.items()}


@pytest.mark.parametrize("took_effect", [False, True])
@pytest.mark.parametrize(
    ("call", "times"), [("blobs.put", 1), ("table.commit", 2), ("queue.send", 1)]
)
async def test_an_audit_that_crashed_is_made_up_for(
    call: str, times: int, *, took_effect: bool
) -> None:
    """Each finding is told once, as what it was on the day that it was found."""
    for nth in range(1, times + 1):
        days = a_day()
        began = days.world.clock()
        days.world.faults.fail_after(nth, of=call, took_effect=took_effect)

        with pytest.raises(StoreError):
            await days.verb()()
        days.world.restart()
        days.world.clock.step(DAY)
        await days.audit()

        since = {kind: at for kind, (_, at) in (await told(days)).items()}
        is_kept = call != "blobs.put" or took_effect
        assert since == {
            f"Firewatch_Posture_{name}": began if is_kept else began + DAY
            for name in CHECKS
        }
        assert {alerts for alerts, _ in (await told(days)).values()} == {1}
        assert days.world.pager.sent_verbs() == ["trigger", "trigger"]
