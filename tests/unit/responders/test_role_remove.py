"""Roles that are taken: whose, where, and given back as they were."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from msgspec.structs import replace

from responders.role_remove import RoleRemove
from responders.sides.accounts import SEVERAL
from shared.model.deed import State
from shared.model.errors import ActionRefused
from tests.conformance.cases_accounts import logon
from tests.factories import make_incident
from tests.fakes.azure import VAULT, WEBER, Azure, azure
from tests.fakes.http import FakeHttp
from tests.fakes.ports import make_ports

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from shared.model.deed import Deed

OPS = "aa0c0de0-0000-4000-8000-000000000002"
KIND = "Microsoft.Authorization/roleAssignments"
SUBSCRIPTION = "/".join(VAULT.split("/")[:3])
GROUP = "/".join(VAULT.split("/")[:5])
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"


@pytest.fixture
async def side() -> AsyncIterator[Azure]:
    async with azure() as side:
        yield side


def made(side: Azure, **settings: Any) -> RoleRemove:  # noqa: ANN401
    ports = make_ports(FakeHttp(), {})._replace(azure=side.remotes)
    return RoleRemove("it", msgspec.convert(settings, RoleRemove.Config), ports)


async def planned(doer: RoleRemove, *more: Any) -> Sequence[Deed]:  # noqa: ANN401
    alert = replace(logon(WEBER, *more), resource=VAULT.lower())
    return await doer.plan(make_incident(), [alert])


def assign(side: Azure, scope: str, number: int, **more: Any) -> str:  # noqa: ANN401
    """Give Weber a role at a scope; its id."""
    name = f"a0b1c2d3-0000-4000-8000-{number:012}"
    known = f"{scope}/providers/{KIND}/{name}"
    role = f"{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{READER}"
    properties = {"roleDefinitionId": role, "principalId": WEBER, "scope": scope}
    side.outside.manager.resources.write(
        {
            "id": known,
            "name": name,
            "type": KIND,
            "properties": {**properties, "principalType": "User", **more},
        }
    )
    return known


def scopes(deeds: Sequence[Deed]) -> list[str]:
    return sorted(deed.content["scope"] for deed in deeds if not deed.obstacle)


async def test_roles_above_are_taken_where_the_policy_says(side: Azure) -> None:
    """Those of a management group, and of the whole directory, never."""
    groups = "/providers/Microsoft.Management/managementGroups/mg"
    for number, scope in enumerate((GROUP, SUBSCRIPTION, groups, ""), start=50):
        assign(side, scope, number)

    at_it, above = await planned(made(side)), await planned(made(side, above=True))

    assert scopes(at_it) == [VAULT.lower()]
    assert scopes(above) == [SUBSCRIPTION, GROUP.lower(), VAULT.lower()]
    assert {deed.resources for deed in above} == {(VAULT.lower(),)}


async def test_it_is_given_back_with_its_condition(side: Azure) -> None:
    """Without it the account could do more than before."""
    condition = {
        "condition": "@Resource[x] StringEquals 'y'",
        "conditionVersion": "2.0",
    }
    known = assign(side, VAULT, 60, **condition)
    before = side.outside.state()
    doer = made(side)
    deed = next(d for d in await planned(doer) if d.content["assignment"] == known)

    was = await doer.before(deed)
    await doer.apply(deed, was)
    assert (await doer.verify(deed, was)).state is State.IN_FORCE
    await doer.undo(deed, was)

    assert side.outside.state() == before


async def test_of_several_accounts_none_is_meant(side: Azure) -> None:
    """Unless the policy says so."""
    other = {"Type": "account", "AadUserId": OPS}

    found = await planned(made(side), other)

    assert {deed.obstacle for deed in found} == {SEVERAL}


async def test_whoever_has_no_role_there_has_none_taken(side: Azure) -> None:
    """What a group gives is the group's."""
    alert = replace(logon(OPS), resource=VAULT.lower())

    (deed,) = await made(side).plan(make_incident(), [alert])

    assert "no role" in deed.obstacle


async def test_what_somebody_made_instead_is_left(side: Azure) -> None:
    """Also by force: an assignment is never changed."""
    known = assign(side, VAULT, 70)
    doer = made(side)
    deed = next(d for d in await planned(doer) if d.content["assignment"] == known)
    was = await doer.before(deed)
    await doer.apply(deed, was)
    assign(side, VAULT, 70, description="somebody else's")

    assert (await doer.verify(deed, was)).state is State.OTHERWISE
    with pytest.raises(ActionRefused):
        await doer.undo(deed, was)
