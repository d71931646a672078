"""The app's client of Microsoft Graph, against the stand-in of devhost."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from devhost.outside import Fault
from devhost.outside.azure.upsets import Upset, Way
from responders.sides.graph import principal, user, user_fields
from shared.model.errors import FailureReason, PermanentFailure, TransientFailure
from shared.model.rest import Done
from tests.fakes.azure import (
    BREAK_GLASS,
    GUEST,
    LOADER,
    SYNCED,
    WEBER,
    Azure,
    azure,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

OFF = {"accountEnabled": False}


@pytest.fixture
async def side() -> AsyncIterator[Azure]:
    async with azure() as side:
        yield side


async def is_enabled(side: Azure, account: str) -> bool:
    found = await side.graph.read(user_fields(account))
    return bool(found.content["accountEnabled"])


async def test_a_user_is_disabled_and_enabled_again(side: Azure) -> None:
    """In the end all is as before."""
    before = side.outside.state()

    assert await side.graph.change("PATCH", user(WEBER), OFF) == Done()
    assert not await is_enabled(side, WEBER)
    await side.graph.change("PATCH", user(WEBER), {"accountEnabled": True})

    assert side.outside.state() == before
    bodies = [each["body"] for each in side.outside.graph.changes]
    assert bodies == [OFF, {"accountEnabled": True}]


async def test_only_what_is_selected_says_whether_a_user_is_enabled(
    side: Azure,
) -> None:
    """What Graph shows without being asked leaves it out."""
    assert "accountEnabled" not in (await side.graph.read(user(WEBER))).content


async def test_sessions_are_revoked(side: Azure) -> None:
    """From now on; those of a guest are somebody else's."""
    for account in (WEBER, GUEST):
        done = await side.graph.change(
            "POST", user(account, act="revokeSignInSessions")
        )
        assert isinstance(done, Done)
        assert done.content["value"] is True

    since = [
        (await side.graph.read(user_fields(a))).content[
            "signInSessionsValidFromDateTime"
        ]
        for a in (WEBER, GUEST)
    ]
    assert since == [f"{side.now:%Y-%m-%dT%H:%M:%SZ}", "2026-08-01T06:30:00Z"]


async def test_who_holds_a_role_is_left_alone(side: Azure) -> None:
    """An app without one may not; a person is to."""
    with pytest.raises(PermanentFailure, match="Authorization_RequestDenied") as caught:
        await side.graph.change("PATCH", user(BREAK_GLASS), OFF)

    assert caught.value.reason is FailureReason.AUTH
    assert await is_enabled(side, BREAK_GLASS)


async def test_a_directory_on_premises_has_its_way(side: Azure) -> None:
    """Half an hour later at most."""
    await side.graph.change("PATCH", user(SYNCED), OFF)
    assert not await is_enabled(side, SYNCED)

    side.step(timedelta(minutes=30))

    assert await is_enabled(side, SYNCED)


async def test_what_a_user_belongs_to_is_told(side: Azure) -> None:
    """Roles and groups, by which accounts are protected."""
    found = await side.graph.read(user(BREAK_GLASS, act="transitiveMemberOf"))

    [role] = found.content["value"]
    assert role["@odata.type"] == "#microsoft.graph.directoryRole"
    assert role["displayName"] == "Global Administrator"


async def test_a_user_is_found_by_the_name_it_signs_in_with(side: Azure) -> None:
    """That one alone, and no other whose name begins so."""
    path = "/users?$filter=userPrincipalName%20eq%20'm.weber@contoso.com'&$select=id"

    found = await side.graph.read(path)

    assert found.content == {"value": [{"id": WEBER}]}


async def test_a_risk_is_confirmed_and_dismissed(side: Azure) -> None:
    """Of a user that had none."""
    path = f"/identityProtection/riskyUsers/{WEBER}"
    assert await side.graph.find(path) is None

    for act, state in (
        ("confirmCompromised", "confirmedCompromised"),
        ("dismiss", "dismissed"),
    ):
        await side.graph.change(
            "POST", f"/identityProtection/riskyUsers/{act}", {"userIds": [WEBER]}
        )
        assert (await side.graph.read(path)).content["riskState"] == state


async def test_a_service_principal_is_disabled(side: Azure) -> None:
    """By its object id."""
    await side.graph.change("PATCH", principal(LOADER), OFF)

    found = await side.graph.read(principal(LOADER))
    assert (found.content["displayName"], found.content["accountEnabled"]) == (
        "etl-loader",
        False,
    )


async def test_an_account_that_is_not_there_is_not_found(side: Azure) -> None:
    """Read or changed."""
    nobody = "bb0c0de0-0000-4000-8000-000000000001"

    assert await side.graph.find(user_fields(nobody)) is None
    with pytest.raises(PermanentFailure) as caught:
        await side.graph.change("PATCH", user(nobody), OFF)
    assert caught.value.reason is FailureReason.NOT_FOUND


@pytest.mark.parametrize("body", [{}, {"accountEnabled": "no"}, {**OFF, "city": "Ulm"}])
async def test_nothing_else_is_changed(side: Azure, body: dict[str, object]) -> None:
    """What a responder has no business with is refused here."""
    with pytest.raises(PermanentFailure) as caught:
        await side.graph.change("PATCH", user(WEBER), body)

    assert caught.value.reason is FailureReason.INVALID
    assert side.outside.graph.changes == []


async def test_a_change_may_be_lost_or_show_late(side: Azure) -> None:
    """Only reading again tells, and perhaps not at once."""
    for way in (Way.IS_LOST, Way.IS_STALE):
        side.outside.upsets.add(Upset(side="graph", way=way, times=1))

    await side.graph.change("PATCH", user(WEBER), OFF)
    assert await is_enabled(side, WEBER)
    await side.graph.change("PATCH", user(WEBER), OFF)
    assert [await is_enabled(side, WEBER) for _ in range(2)] == [True, False]


async def test_throttling_is_understood(side: Azure) -> None:
    """With how long to wait."""
    side.outside.faults.add(Fault(side="graph", status=429, retry_after=30))

    with pytest.raises(TransientFailure) as caught:
        await side.graph.change("PATCH", user(WEBER), OFF)

    assert caught.value.reason is FailureReason.RATE_LIMITED
    assert caught.value.retry_after == timedelta(seconds=30)
