"""Which accounts are disabled, and whose sessions are ended: those that are meant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from responders.sessions_revoke import GUEST as OF_GUESTS
from responders.sessions_revoke import SessionsRevoke
from responders.sides.accounts import SEVERAL
from responders.user_disable import SYNCED as OF_SYNCED
from responders.user_disable import UserDisable
from shared.model.errors import ActionRefused, SettingsError
from tests.conformance.cases_accounts import logon
from tests.factories import make_incident
from tests.fakes.azure import BREAK_GLASS, GUEST, SYNCED, WEBER, Azure, azure
from tests.fakes.http import FakeHttp
from tests.fakes.ports import make_ports

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from responders.sides.users import OfUsers
    from shared.model.alert import AlertRow
    from shared.model.deed import Deed

OPS = "aa0c0de0-0000-4000-8000-000000000002"
NEVER_TOUCH = "aa0c0de0-0000-4000-8000-000000000101"
OTHER = {"Type": "account", "AadUserId": OPS}


@pytest.fixture
async def side() -> AsyncIterator[Azure]:
    async with azure() as side:
        yield side


def made(side: Azure, kind: Any = UserDisable, **settings: Any) -> Any:  # noqa: ANN401
    ports = make_ports(FakeHttp(), {})._replace(azure=side.remotes)
    return kind("it", msgspec.convert(settings, kind.Config), ports)


async def planned(doer: Any, *alerts: AlertRow) -> Sequence[Deed]:  # noqa: ANN401
    found: Sequence[Deed] = await doer.plan(make_incident(), alerts)
    return found


async def test_of_several_accounts_none_is_meant(side: Azure) -> None:
    """Who attacks and who is attacked look alike; a policy may say that all are meant."""
    alert = logon(WEBER, OTHER)

    found = await planned(made(side), alert)
    all_meant = await planned(made(side, several=True), alert)

    assert [(deed.target, deed.obstacle) for deed in found] == [
        (WEBER, SEVERAL),
        (OPS, SEVERAL),
    ]
    assert [deed.obstacle for deed in all_meant] == ["", ""]


async def test_one_alert_that_is_certain_is_enough(side: Azure) -> None:
    """Whatever else the incident holds; every alert that names the account speaks for it."""
    both, alone = logon(WEBER, OTHER), logon(WEBER.upper(), SystemAlertId="alone")

    found = {deed.target: deed for deed in await planned(made(side), both, alone)}

    assert found[WEBER].obstacle == ""
    assert found[WEBER].alerts == tuple(sorted((both.id, alone.id)))
    assert found[OPS].obstacle == SEVERAL


async def test_members_of_groups_that_are_spared_are_left_alone(side: Azure) -> None:
    """Also where somebody was put into the group after the plan was made."""
    doer = made(side, spare=[NEVER_TOUCH.upper()])
    (spared,) = await planned(doer, logon(OPS))
    (weber,) = await planned(doer, logon(WEBER))

    assert "spared" in spared.obstacle
    assert weber.obstacle == ""
    with pytest.raises(ActionRefused):
        await doer.before(spared)


@pytest.mark.parametrize(
    ("kind", "account", "why"),
    [
        (UserDisable, SYNCED, OF_SYNCED),
        (SessionsRevoke, GUEST, OF_GUESTS),
        (UserDisable, GUEST, ""),
        (SessionsRevoke, SYNCED, ""),
    ],
)
async def test_what_would_be_no_use_is_not_done(
    side: Azure, kind: type[OfUsers], account: str, why: str
) -> None:
    """A directory on premises enables again; a guest's sessions are elsewhere."""
    (deed,) = await planned(made(side, kind), logon(account))

    assert deed.obstacle == why


async def test_a_name_of_the_directory_is_no_markup(side: Azure) -> None:
    """It is shown, by who approves as well, and cut."""
    user = side.outside.graph.users.find(WEBER) or {}
    side.outside.graph.users.write({**user, "userPrincipalName": "a\n\u202eb" * 50})

    (deed,) = await planned(made(side), logon())

    assert "\n" not in deed.says
    assert "\u202e" not in deed.says
    assert len(deed.says) < 200


async def test_whoever_has_a_high_role_is_for_people(side: Azure) -> None:
    """The directory refuses an app that holds none itself: nothing is forced."""
    doer = made(side)
    (deed,) = await planned(doer, logon(BREAK_GLASS))
    before = await doer.before(deed)

    with pytest.raises(Exception, match=r"User\.EnableDisableAccount\.All"):
        await doer.apply(deed, before)


@pytest.mark.parametrize("kind", [UserDisable, SessionsRevoke])
async def test_a_group_is_named_by_its_id(side: Azure, kind: type[OfUsers]) -> None:
    """A name would spare whoever gets a group of that name."""
    with pytest.raises(SettingsError, match=r"spare\[0\]"):
        made(side, kind, spare=["Never touch"])
