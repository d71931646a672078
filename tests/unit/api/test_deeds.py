"""Deeds by HTTP, and the one switch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.model.deed_status import DeedStatus
from shared.model.guards import Mode
from tests.fakes.api import Api
from tests.fakes.app import POLICY
from tests.unit.containment.kit import A_VM, acting, comes, only
from tests.unit.containment.test_answers import ANA, BOB, SETTINGS, signed_in

if TYPE_CHECKING:
    from pathlib import Path

    from shared.model.deed import DeedRow

RULED = f"{POLICY}\nguards: {{mode: act, approvers: [{ANA}]}}\n"


@pytest.fixture
def api(tmp_path: Path) -> Api:
    """An app where a person is asked about everything."""
    world = acting(Mode.APPROVE)
    return Api(tmp_path, policy=RULED, changes=SETTINGS, world=world)


async def waiting(api: Api) -> tuple[DeedRow, str]:
    """A deed that waits, and its address."""
    await comes(api.world)
    row = await only(api.world)
    return row, f"/api/incidents/{row.incident}/deeds/{row.key}"


def ana(**more: str) -> dict[str, str]:
    """Headers of an approver."""
    return {**signed_in(ANA), **more}


async def test_deeds_are_listed_with_what_they_would_do(api: Api) -> None:
    """The plan by its hash; what the doer goes by stays inside."""
    row, _ = await waiting(api)

    found = await api.get(f"/api/incidents/{row.incident}/deeds", **ana())

    (deed,) = found.body["deeds"]
    assert found.body["incident"] == row.incident
    assert (deed["key"], deed["plan"]) == (row.key, row.deed.digest)
    assert (deed["status"], deed["mode"]) == ("awaiting approval", "approve")
    assert deed["target"] == A_VM
    assert [f["guard"] for f in deed["findings"]] == ["mode"]
    assert "content" not in deed


async def test_an_approver_approves_what_was_shown(api: Api) -> None:
    """With the hash of the plan; without it nothing passes."""
    row, path = await waiting(api)

    stale = await api.post(f"{path}/approve", {"plan": "0" * 32}, **ana())
    done = await api.post(
        f"{path}/approve", {"plan": row.deed.digest, "note": "yes"}, **ana()
    )
    await api.world.deliver()

    assert stale.status == 412
    assert done.body["approval"]["by"].startswith(f"entra:{ANA}")
    assert (await only(api.world)).status is DeedStatus.VERIFIED


async def test_an_approver_takes_it_back(api: Api) -> None:
    """By the app, at its next look."""
    row, path = await waiting(api)
    await api.post(f"{path}/approve", {"plan": row.deed.digest}, **ana())
    await api.world.deliver()

    asked = await api.post(f"{path}/undo", {"note": "a mistake"}, **ana())
    await api.world.deliver()

    assert asked.body["ending"]["note"] == "a mistake"
    assert (await only(api.world)).status is DeedStatus.UNDONE
    assert api.world.estate.isolated == set()


async def test_an_approver_lets_it_hold_longer(api: Api) -> None:
    """Until then, and not for ever."""
    row, path = await waiting(api)
    await api.post(f"{path}/approve", {"plan": row.deed.digest}, **ana())
    await api.world.deliver()

    longer = await api.post(
        f"{path}/extend", {"until": "2026-11-24T12:00:00Z"}, **ana()
    )
    never = await api.post(f"{path}/extend", {"until": "2027-11-24T12:00:00Z"}, **ana())

    assert longer.body["until"] == "2026-11-24T12:00:00Z"
    assert never.status == 409


async def test_an_approver_denies(api: Api) -> None:
    """And hears what cannot be done any more."""
    row, path = await waiting(api)

    denied = await api.post(f"{path}/deny", {}, **ana())
    late = await api.post(f"{path}/approve", {"plan": row.deed.digest}, **ana())

    assert denied.body["status"] == "denied"
    assert late.status == 409
    assert "does not wait for approval" in late.body["detail"]


@pytest.mark.parametrize(
    "what", ["approve", "deny", "extend", "undo", "stop", "resume"]
)
async def test_a_key_is_nobody_in_particular(api: Api, what: str) -> None:
    """403 for whoever is signed in and no approver, and nothing is done."""
    row, path = await waiting(api)
    bodies = {
        "approve": {"plan": row.deed.digest},
        "extend": {"until": "2026-11-24T12:00:00Z"},
    }
    body = bodies.get(what, {})
    who = signed_in(BOB)

    if what in {"stop", "resume"}:
        method = api.post if what == "stop" else None
        answer = await (
            method("/api/stop", {}, **who) if method else api.delete("/api/stop", **who)
        )
    else:
        answer = await api.post(f"{path}/{what}", body, **who)

    assert answer.status == 403
    assert (await only(api.world)).status is DeedStatus.AWAITING
    assert (await api.get("/api/stop", **ana())).body == {"stopped": None}


async def test_one_call_stops_everything(api: Api) -> None:
    """The first who says so is remembered; another call lets it go on."""
    stopped = await api.post("/api/stop", {"note": "enough"}, **ana())
    again = await api.post("/api/stop", {"note": "really"}, **ana())
    row, path = await waiting(api)
    await api.post(f"{path}/approve", {"plan": row.deed.digest}, **ana())
    await api.world.deliver()
    held = api.world.estate.isolated
    resumed = await api.delete("/api/stop", **ana())

    assert stopped.body == again.body
    assert stopped.body["stopped"]["note"] == "enough"
    assert held == set()
    assert resumed.body == {"stopped": None}


async def test_what_is_not_there_is_404(api: Api) -> None:
    """Another deed, another incident."""
    row, _ = await waiting(api)
    for path in (
        f"/api/incidents/{row.incident}/deeds/{'0' * 32}/deny",
        f"/api/incidents/{'0' * 16}/deeds/{row.key}/deny",
    ):
        assert (await api.post(path, {}, **ana())).status == 404
    assert (await api.get(f"/api/incidents/{'0' * 16}/deeds", **ana())).status == 404
