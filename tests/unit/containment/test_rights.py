"""Rights that are missing show before they are needed."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from devhost.outside import Fault
from devhost.outside.azure.rights import Identity
from shared.actions.deed_words import gist
from shared.containment.rights import BELIEVED_FOR, Rights
from shared.model import resource
from shared.model.deed import Finding, Guard, Says
from shared.model.deed_status import DeedStatus
from shared.model.guards import Mode
from shared.model.permission import Api, Permission
from tests.fakes.azure import LAKE, WEB01, azure
from tests.unit.containment.kit import acting, comes, only

WRITE = Permission(Api.ARM, "Microsoft.Network/networkInterfaces/write", "x")
READ = Permission(Api.ARM, "Microsoft.Network/networkInterfaces/read", "x")
BLOB = Permission(
    Api.DATA,
    "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write",
    "",
)
USER = Permission(Api.GRAPH, "User.EnableDisableAccount.All", "")
# Whoever may not see what they may do is told nothing.
SEE = "Microsoft.Authorization/permissions/read"
WEB = resource.canonical(WEB01) or ""


@pytest.mark.parametrize(
    ("identity", "lacking"),
    [
        (Identity(), []),
        (Identity(actions=("*/read",)), ["write"]),
        (Identity(actions=(SEE, "microsoft.network/NETWORKinterfaces/*")), []),
        (Identity(actions=("*",), not_actions=("*/write",)), ["write"]),
        (
            Identity(actions=(SEE, "Microsoft.Network/networkInterfacesX/*")),
            ["write", "read"],
        ),
    ],
)
async def test_roles_are_read_as_azure_means_them(
    identity: Identity, lacking: list[str]
) -> None:
    """Stars, what is taken away, and no letter case; of other APIs nothing is said."""
    async with azure() as side:
        side.outside.rights.identity = identity
        rights = Rights(side.arm, lambda: side.now)
        found = [*await rights.lacking((WRITE, READ, USER), [WEB, WEB])]

    assert found == [
        f"Microsoft.Network/networkInterfaces/{each} on rg-shop" for each in lacking
    ]


async def test_it_is_asked_once_for_a_while() -> None:
    """And a role that was given since is seen then."""
    async with azure() as side:
        rights = Rights(side.arm, lambda: side.now)
        read = ("*/read", "Microsoft.Authorization/*")
        side.outside.rights.identity = Identity(actions=read)
        first = await rights.lacking([WRITE], [WEB])
        side.outside.rights.identity = Identity()
        second = await rights.lacking([WRITE], [WEB])
        side.step(BELIEVED_FOR)
        third = await rights.lacking([WRITE], [WEB])

    assert first == second == (f"{WRITE.action} on rg-shop",)
    assert third == ()


async def test_what_cannot_be_read_is_no_answer() -> None:
    """Nor is a scope without a group asked about."""
    async with azure() as side:
        side.outside.faults.add(Fault(side="arm", status=503, times=1))
        rights = Rights(side.arm, lambda: side.now)

        assert await rights.lacking([WRITE], [WEB]) == ()
        assert await rights.lacking([WRITE], ["/subscriptions/x", ""]) == ()
        assert await rights.lacking([BLOB], [resource.canonical(LAKE) or ""]) != ()


async def test_the_page_says_what_would_fail_and_it_is_tried() -> None:
    """Not every deed needs every right, so a note keeps nothing from being done."""
    world = acting(Mode.ACT)
    await comes(world)
    row = await only(world)
    note = Finding(guard=Guard.RIGHTS, says=Says.NOTE, why="the app's identity lacks x")
    shadow = replace(row, status=DeedStatus.PLANNED, findings=(note,))

    assert gist(shadow).line == (
        "Isolate vm-a: not done, the mode is shadow; it may fail: the app's identity"
        " lacks x"
    )


async def test_a_note_stops_nothing() -> None:
    """From the right that is missing to the deed that is done."""
    world = acting(Mode.ACT)

    async def lacking(*_: object) -> tuple[str, ...]:
        return ("Some/action on rg",)

    world.lacking = lacking
    world.doer.permissions = (WRITE,)
    world.restart()
    await comes(world)

    row = await only(world)
    assert row.status is DeedStatus.VERIFIED
    assert [(f.guard, f.says) for f in row.findings] == [(Guard.RIGHTS, Says.NOTE)]
