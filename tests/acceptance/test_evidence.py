"""Log Analytics on a good day and on bad ones; the page goes out on time in any case."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.acceptance.world import alert, encoded, eventually, started

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.acceptance.world import World

SIDE = "log-analytics"
# Whom storage and Resource Manager answer whatever becomes of the logs.
OWN = re.compile("closed with a verdict|have no tags")

# A High waits for evidence five seconds at most; the rest is the way from the hub, on a
# machine that does much else.
ON_TIME = timedelta(seconds=5 + 7)

BAD_DAYS: dict[str, dict[str, Any]] = {
    "slow": {"delay_s": 60},
    "dead": {"drop": True},
    "throttled": {"status": 429, "retry_after": 60},
    "throttled, no word when": {"status": 429},
    "forbidden": {"status": 403},
}


@pytest.fixture
def own() -> Iterator[World]:
    """A world whose bad days are nobody else's: what it learns of them lasts."""
    with started() as world:
        yield world


def test_a_page_goes_out_on_time_whatever_becomes_of_the_logs(own: World) -> None:
    """It carries what they say, in part where it is a part, and names what is missing."""
    well = paged(own)
    assert len(of_logs(well)) >= 3
    assert "evidence_missing" not in well
    assert not any("were not answered" in line for line in well["risk"])

    own.local.control("POST", SIDE, {"way": "partial"})
    in_part = paged(own)
    own.local.control("DELETE", "faults")
    assert of_logs(in_part)
    assert all(line.endswith("(partial result)") for line in of_logs(in_part))

    for name, fault in BAD_DAYS.items():
        with own.fault(side=SIDE, **fault):
            bad = paged(own)
        assert of_logs(bad) == [], name
        assert len(bad["evidence_missing"]) == len(of_logs(well)), name
        assert len(bad["evidence"]) == len(well["evidence"]) - len(of_logs(well)), name


def test_a_page_goes_out_on_time_whatever_becomes_of_resource_manager(
    own: World,
) -> None:
    """What it says of tags is missing, and logs are there all the same."""
    for name, fault in BAD_DAYS.items():
        with own.fault(side="arm", **fault):
            bad = paged(own)
        (missing,) = bad["evidence_missing"]
        assert "Which tags" in missing, name
        assert len(of_logs(bad)) >= 3, name


def of_logs(details: dict[str, Any]) -> list[str]:
    """What a page says by logs, and not by what Firewatch knows without them."""
    return [line for line in details["evidence"] if not OWN.search(line)]


def paged(world: World) -> dict[str, Any]:
    """The details of the page about a new high alert, which came on time."""
    subscription = str(uuid.uuid4())
    began = datetime.now(UTC)
    world.send(encoded(alert(subscription)))
    eventually(lambda: world.pages(subscription), within_s=30)
    first = world.events(subscription)[0]
    assert first.received_at - began <= ON_TIME
    details: dict[str, Any] = first.body["payload"]["custom_details"]
    return details
