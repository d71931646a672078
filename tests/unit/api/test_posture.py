"""`GET /api/posture`."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from shared.model.posture import CheckName, Excuse, Posture
from shared.posture import store
from shared.posture.report import report
from tests.fakes.clock import START
from tests.faults import FAULTS, Case, read

if TYPE_CHECKING:
    from tests.fakes.api import Api


async def keep(api: Api) -> None:
    """A report with three findings, of which one is let be and one was mended."""
    case, later = Case(), Case()
    for name in (CheckName.PLAN_OFF, CheckName.CAP_SET, CheckName.GROUP_DEAD):
        FAULTS[name](case)
    for name in (CheckName.PLAN_OFF, CheckName.CAP_SET):
        FAULTS[name](later)
    excuse = Excuse(
        check=CheckName.CAP_SET, reason="so be it", until=START + timedelta(days=9)
    )
    posture = Posture(exceptions=(excuse,))
    later.wanted = later.wanted._replace(posture=posture)
    before = report(*await read(case))
    now = report(*await read(later), before.findings)
    await store.keep(api.world.blobs, now)


@pytest.mark.parametrize(
    ("query", "checks"),
    [
        ("", ["plan-off"]),
        ("?status=let_be", ["cap-set"]),
        ("?status=mended", ["group-dead"]),
        ("?status=open&status=let_be", ["plan-off", "cap-set"]),
        ("?check=cap-set", []),
        ("?status=let_be&check=cap-set&check=plan-off", ["cap-set"]),
        ("?status=let_be&severity=high", []),
    ],
)
async def test_findings_are_those_that_were_asked_for(
    api: Api, query: str, checks: list[str]
) -> None:
    """The numbers are those of all."""
    await keep(api)

    reply = await api.get(f"/api/posture{query}")

    assert reply.status == 200
    assert [each["check"] for each in reply.body["findings"]] == checks
    assert reply.body["open"]["high"] == 1
    assert datetime.fromisoformat(reply.body["at"]) == START
    assert reply.body["layout"]["model"] == "central"


async def test_a_finding_has_all_that_one_needs_to_mend_it(api: Api) -> None:
    """And its history."""
    await keep(api)

    [found] = (await api.get("/api/posture")).body["findings"]

    assert found["subject"] == "KeyVaults"
    assert found["clause"].startswith("SE:10: ")
    assert found["fix"]["cli"].startswith("az security pricing create --name KeyVaults")
    assert "Microsoft.Security/pricings@2024-01-01" in found["fix"]["bicep"]
    assert (found["closed_at"], found["is_seen"], found["excused"]) == (None, True, "")


async def test_before_the_first_audit_there_is_nothing(api: Api) -> None:
    """That is no error: there may be none to come."""
    reply = await api.get("/api/posture")

    assert reply.status == 200
    assert (reply.body["at"], reply.body["findings"]) == (None, [])


async def test_what_is_asked_wrongly_is_said(api: Api) -> None:
    """As everywhere."""
    reply = await api.get("/api/posture?check=caps&severity=bad")

    assert reply.status == 400
    assert {each["path"] for each in reply.body["problems"]} == {
        "query.check[0]",
        "query.severity",
    }
