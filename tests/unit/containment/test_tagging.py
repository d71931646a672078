"""What is contained says so at the resource, for whoever finds it when Firewatch is gone."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest
from msgspec.structs import replace

from shared.actions import containment_tag
from shared.actions.deed_words import gist
from shared.commands import Order
from shared.containment.tagging import Tagging
from shared.model import resource
from shared.model.action import Kind
from shared.model.deed import Deed, Holder, TargetRow, Undo
from shared.model.deed_status import DeedStatus
from tests.factories import NOON
from tests.fakes.azure import WEB01, azure
from tests.fakes.estate import OPEN, Tags
from tests.unit.containment.kit import A_VM, acting, comes, only, passes

if TYPE_CHECKING:
    from shared.model.rest import Document, Rest
    from tests.fakes.firewatch import World

ADA = Order("entra:ada")
NAME = "firewatch:contained:isolate"
WEB = resource.canonical(WEB01) or ""
FOUR = timedelta(hours=4)


def deed(target: str = WEB, **changes: Any) -> Deed:  # noqa: ANN401
    plan = Deed(
        responder="q",
        use="vm-quarantine",
        kind=Kind.CONTAIN,
        target=target,
        says="x",
        alerts=("a",),
        resources=(WEB,),
    )
    return replace(plan, **changes)


def held(*untils: timedelta | None, of: Deed | None = None) -> TargetRow:
    """A target with holders that hold it for so long."""
    holders = {
        f"{n}": Holder(
            incident=f"inc{n}", since=NOON, until=None if u is None else NOON + u
        )
        for n, u in enumerate(untils)
    }
    return TargetRow(deed=of or deed(), holders=holders, changed_at=NOON)


@pytest.mark.parametrize(
    ("untils", "value"),
    [
        ([FOUR], "inc0 until 2026-11-23T16:00Z"),
        ([None], "inc0 until undone"),
        ([FOUR, FOUR * 2], "inc1 until 2026-11-23T20:00Z and 1 more"),
        ([FOUR, None, FOUR], "inc1 until undone and 2 more"),
        ([], ""),
    ],
)
def test_it_says_who_holds_it_longest(
    untils: list[timedelta | None], value: str
) -> None:
    """Which is until when it is cut off."""
    tag = containment_tag.tag_of(held(*untils))

    assert tag == (WEB, "firewatch:contained:vm-quarantine", value)


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": Kind.EVIDENCE},
        {"reversible": False},
        {"resources": ()},
        {"resources": (WEB.partition("/providers/")[0],)},
        {"resources": (WEB.upper(),)},
        {"resources": ("web01",)},
    ],
)
def test_what_has_no_resource_or_no_end_has_no_tag(changes: dict[str, Any]) -> None:
    """It would be there for ever, or nobody knows where."""
    assert containment_tag.tag_of(held(FOUR, of=deed(**changes))) is None


def test_parts_of_one_resource_have_tags_of_their_own() -> None:
    """So that none takes another's away."""
    tags = [
        containment_tag.tag_of(held(FOUR, of=deed(f"{WEB}|{part}"))) for part in "ab"
    ]

    names = {tag.name for tag in tags if tag}
    assert len(names) == 2
    assert all(name.startswith("firewatch:contained:vm-q") for name in names)


# In the life of a deed


def of(world: World) -> dict[str, str]:
    """The tags of the machine."""
    return world.estate.tags.get(A_VM, {})


async def test_it_is_there_for_as_long_as_the_deed_is_in_force() -> None:
    """And what else the resource is tagged with stays."""
    world = acting()
    world.estate.tags[A_VM] = {"owner": "shop"}

    await comes(world)
    row = await only(world)

    value = f"{row.incident} until 2026-11-23T16:00Z"
    assert of(world) == {"owner": "shop", NAME: value}
    assert row.by_hand[-1] == (
        f"az tag update --resource-id {A_VM} --operation delete --tags '{NAME}={value}'"
    )
    for _ in range(3):
        await passes(world, timedelta(hours=2))
    assert (await only(world)).status is DeedStatus.EXPIRED
    assert of(world) == {"owner": "shop"}


async def test_who_lets_it_hold_longer_has_it_say_so() -> None:
    """Once, and at the next look; the commands by hand say so too."""
    world = acting()
    await comes(world)
    row = await only(world)
    until = world.clock() + timedelta(days=2)

    await world.worker.deciding.extend(row.incident, row.key, ADA, until=until)
    assert "16:00Z" in of(world)[NAME]
    await world.deliver()

    row = await only(world)
    assert row.status is DeedStatus.VERIFIED
    assert row.until == until
    assert row.not_before is None
    assert of(world) == {NAME: f"{row.incident} until 2026-11-25T12:00Z"}
    assert row.by_hand[-1].endswith("2026-11-25T12:00Z'")
    calls = world.faults.calls["tags.change"]
    await passes(world)
    assert world.faults.calls["tags.change"] == calls


async def test_who_holds_it_too_is_counted_and_named_in_turn() -> None:
    """One tag for two incidents, until neither needs it."""
    world = acting()
    await comes(world, Intent="Probing", AlertType="VM_A")
    (first,) = await world.deeds()
    await passes(world, timedelta(minutes=30))
    await comes(world, 2, Intent="Execution", AlertType="VM_B")
    both = await world.deeds()
    assert [row.status for row in both] == [DeedStatus.VERIFIED] * 2
    (other,) = [row for row in both if row.key != first.key]
    until = f"{other.until:%Y-%m-%dT%H:%MZ}"
    assert of(world) == {NAME: f"{other.incident} until {until} and 1 more"}

    await world.worker.deciding.undo(other.incident, other.key, ADA)
    await world.deliver()
    assert of(world) == {NAME: f"{first.incident} until 2026-11-23T16:00Z"}

    await world.worker.deciding.undo(first.incident, first.key, ADA)
    await world.deliver()
    assert of(world) == {}
    assert world.estate.isolated == set()


async def test_what_is_left_as_it_is_is_not_tagged() -> None:
    """It is nobody's deed any more."""
    world = acting()
    await comes(world)
    row = await only(world)

    undo = world.worker.deciding.undo
    await undo(row.incident, row.key, ADA, how=Undo.LEAVE)
    await world.deliver()

    assert world.estate.isolated == {A_VM}
    assert of(world) == {}


async def test_a_tag_that_somebody_changed_is_taken_away_all_the_same() -> None:
    """And one that somebody took away is no drift."""
    world = acting()
    for number, tags in enumerate(({NAME.upper(): "mine"}, {})):
        await comes(world, number + 1, AlertType=f"VM_{number}")
        world.estate.tags[A_VM] = {**tags}
        row = (await world.deeds())[-1]
        await world.worker.deciding.undo(row.incident, row.key, ADA)
        await world.deliver()
        row = (await world.deeds())[-1]
        assert row.status is DeedStatus.UNDONE
        assert row.detail == ""
        assert of(world) == {}
        await world.worker.commands.resolve(row.incident, ADA)
        await passes(world, timedelta(days=2))


async def test_a_tag_that_cannot_be_written_stops_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is tried once, and noted; so is one that cannot be taken away."""
    world = acting()
    world.faults.fail_after(1, of="tags.change")
    await comes(world)

    row = await only(world)
    assert row.status is DeedStatus.VERIFIED
    assert of(world) == {}
    assert "its tag could not be written" in gist(row).stands
    assert "deed.untagged" in caplog.text
    world.estate.tags[A_VM] = {NAME: "x"}
    world.faults.fail_after(1, of="tags.change")
    await world.worker.deciding.undo(row.incident, row.key, ADA)
    await world.deliver()
    row = await only(world)
    assert row.status is DeedStatus.UNDONE
    assert world.estate.is_(A_VM) == OPEN
    assert f"its tag {NAME} may be there still" in gist(row).stands


async def test_nobody_waits_for_a_tag() -> None:
    """A side that does not answer costs what it may cost, and no more."""

    class Silent(Tags):
        async def read(self, path: str, *, permission: str = "") -> Document:
            await asyncio.Event().wait()
            return await super().read(path, permission=permission)

    tagging = Tagging(cast("Rest", Silent(acting().estate)), within_s=0.01)
    tagged = await tagging.put(held(FOUR))

    assert tagged.note == "its tag could not be written: no answer in time"
    assert tagged.removal
    assert "may be there still" in await tagging.take(held())


# As Azure answers


@pytest.mark.parametrize(
    ("lock", "may_tag", "why"),
    [
        ("", True, ""),
        ("", False, "needs Microsoft.Resources/tags/write"),
        ("ReadOnly", True, "ScopeLocked"),
    ],
)
async def test_locks_and_missing_rights_are_noted(
    lock: str, why: str, *, may_tag: bool
) -> None:
    """The machine is in quarantine, and nothing of it is there to be taken away."""
    async with azure() as side:
        if lock:
            side.outside.manager.resources.write(
                {
                    "id": f"{WEB01}/providers/Microsoft.Authorization/locks/no",
                    "name": "no",
                    "type": "Microsoft.Authorization/locks",
                    "properties": {"level": lock},
                }
            )
        identity = side.outside.rights.identity
        if not may_tag:
            side.outside.rights.identity = type(identity)(
                not_actions=("Microsoft.Resources/tags/write",)
            )
        tagged = await Tagging(side.arm).put(held(FOUR))
        found = side.outside.manager.resources.find(WEB01) or {}
        note = await Tagging(side.arm).take(held())
        after = side.outside.manager.resources.find(WEB01) or {}

    assert why in tagged.note
    assert bool(tagged.note) is bool(why)
    is_tagged = any(n.startswith("firewatch:contained") for n in found["tags"])
    assert is_tagged is bool(tagged.removal) is not bool(why)
    assert note == ""
    assert not any(n.startswith("firewatch:contained") for n in after["tags"])
