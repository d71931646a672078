"""Accounts, which are no resources: from the alert to the directory, and back."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from responders.sessions_revoke import SessionsRevoke
from responders.user_disable import UserDisable
from shared.model.deed import Guard
from shared.model.deed_status import DeedStatus
from shared.model.guards import Budget, Contain, Mode, Protected
from tests.fakes.azure import WEBER, Azure, azure
from tests.fakes.http import FakeHttp
from tests.fakes.ports import make_ports
from tests.unit.containment.kit import acting, comes, passes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.fakes.firewatch import World

LOGON = [{"Type": "account", "AadUserId": WEBER, "Name": "m.weber"}]


@pytest.fixture
async def side() -> AsyncIterator[Azure]:
    async with azure() as side:
        yield side


def world_of(side: Azure, *match: str, **guards: Any) -> World:  # noqa: ANN401
    """One that disables whom alerts of some kind name."""
    rule = Contain(do=("disable", "sign-out"), match=match or ("severity>=medium",))
    world = acting(Mode.ACT, rule, **guards)
    ports = make_ports(FakeHttp(), {})._replace(azure=side.remotes)
    doers: Any = world.doers
    doers["disable"] = UserDisable("disable", UserDisable.Config(), ports)
    config = SessionsRevoke.Config()
    doers["sign-out"] = SessionsRevoke("sign-out", config, ports)
    world.restart()
    side.now = world.clock()
    return world


def is_enabled(side: Azure) -> bool:
    found = side.outside.graph.users.find(WEBER)
    assert found is not None
    return bool(found["accountEnabled"])


async def test_an_account_is_disabled_and_enabled_at_the_end(side: Azure) -> None:
    """Its sessions are ended besides, which is never taken back."""
    world = world_of(side, budgets=(Budget(most=3, each=True),))

    await comes(world, Entities=LOGON)

    by_use = {row.deed.use: row for row in await world.deeds()}
    assert {row.status for row in by_use.values()} == {DeedStatus.VERIFIED}
    assert not is_enabled(side)
    for _ in range(3):
        await passes(world, timedelta(hours=2))
    after = {row.deed.use: row.status for row in await world.deeds()}
    assert after == {
        "user-disable": DeedStatus.EXPIRED,
        "sessions-revoke": DeedStatus.VERIFIED,
    }
    assert is_enabled(side)


async def test_a_protected_account_is_never_disabled(side: Azure) -> None:
    """By its object id, however it is written."""
    world = world_of(side, protected=Protected(accounts=(WEBER.upper(),), tags=()))

    await comes(world, Entities=LOGON)

    for row in await world.deeds():
        assert row.status is DeedStatus.REFUSED
        assert Guard.PROTECTED in {finding.guard for finding in row.findings}
    assert is_enabled(side)


@pytest.mark.parametrize(
    ("match", "is_meant"),
    [
        ("account=m.weber", True),
        ("account=j.doe", False),
    ],
)
async def test_a_rule_is_asked_of_that_account(
    side: Azure, match: str, *, is_meant: bool
) -> None:
    """A rule for another one has nobody disabled."""
    world = world_of(side, match)

    await comes(world, Entities=LOGON)

    assert is_enabled(side) is not is_meant


async def test_one_that_no_owner_vouches_for_is_asked_for(side: Azure) -> None:
    """Alerts of a directory name no resource, and so have no owner here."""
    world = world_of(side)

    await comes(world, is_real=False, Entities=LOGON)

    rows = await world.deeds()
    assert {row.status for row in rows} == {DeedStatus.AWAITING}
    assert is_enabled(side)
