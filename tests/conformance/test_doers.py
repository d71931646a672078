"""Every doer of the table, held to the same promises against the stand-ins."""

from __future__ import annotations

import itertools
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from msgspec.structs import replace

from devhost.outside import Fault
from devhost.outside.azure.rights import Identity
from devhost.outside.azure.upsets import Way
from responders import DOERS
from shared.actions import deeds, guards
from shared.actions.guards import Facts
from shared.model.deed import Says, Undo
from shared.model.deed_status import DeedStatus
from shared.model.errors import (
    ActionRefused,
    FailureReason,
    PermanentFailure,
    ResponderError,
    TransientFailure,
)
from shared.model.guards import DOES, Guards, Mode
from shared.model.permission import Api
from tests.conformance.doing import CASES, Life, is_exact, life
from tests.factories import make_incident

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from shared.model.permission import Permission

NAMES = sorted(DOERS)
REVERSIBLE = [name for name in NAMES if CASES[name].reversible]
WAITING = [name for name in NAMES if CASES[name].waits]
PROMPT = [name for name in NAMES if not CASES[name].waits]
SENDING = [name for name in NAMES if not CASES[name].keeps]
# What they change is what an account is, or may.
OF_ACCOUNTS = {
    "principal-disable",
    "risk-confirm",
    "role-remove",
    "sessions-revoke",
    "user-disable",
}
# An ARM id, an object id, or the address of something in a vault.
_BY_ID = re.compile(r"/subscriptions/|https?://|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(?:Z|\+00:00)")
ENDS = (DeedStatus.UNDONE, DeedStatus.EXPIRED, DeedStatus.FAILED, DeedStatus.STRANDED)

REFUSALS: Sequence[tuple[int, str, type[ResponderError], FailureReason]] = (
    (401, "InvalidAuthenticationToken", PermanentFailure, FailureReason.AUTH),
    (403, "AuthorizationFailed", PermanentFailure, FailureReason.AUTH),
    (404, "SubscriptionNotFound", PermanentFailure, FailureReason.NOT_FOUND),
    (409, "AnotherOperationInProgress", TransientFailure, FailureReason.CONFLICT),
    (409, "ScopeLocked", ActionRefused, FailureReason.REFUSED),
    (412, "PreconditionFailed", TransientFailure, FailureReason.CONFLICT),
    (429, "TooManyRequests", TransientFailure, FailureReason.RATE_LIMITED),
    (500, "InternalServerError", TransientFailure, FailureReason.SERVER),
    (503, "ServiceUnavailable", TransientFailure, FailureReason.UNAVAILABLE),
)


def test_the_policy_knows_every_doer() -> None:
    """What may be contained with is told from what tells, without importing either."""
    assert {*DOERS} == DOES == {*CASES}


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def one(name: str) -> AsyncIterator[Life]:
    async with life(name) as found:
        yield found


# Planning


async def test_plan_changes_nothing(one: Life) -> None:
    """Looking is reading: the other side is as it was, and nothing was sent."""
    before = one.state

    row = await one.planned()

    assert one.state == before
    assert one.calls.changes == 0
    assert row.deed.obstacle == ""
    assert is_exact(row.deed)


async def test_a_plan_is_the_same_each_time(one: Life) -> None:
    """It is what people approve: its hash is that of the next look."""
    first, second = await one.planned(), await one.planned()

    assert first.deed.digest == second.deed.digest
    assert first.key == second.key


async def test_what_is_not_named_exactly_is_not_touched(one: Life) -> None:
    """A name is no machine, and an address of everybody's is no attacker."""
    for alert in one.case.unclear():
        assert list(await one.doer.plan(make_incident(), [alert])) == []


async def test_what_cannot_be_done_says_so(one: Life) -> None:
    """What is gone is an obstacle, and keeps nothing else from being planned."""
    (alert,) = one.case.alerts()
    gone = one.case.gone(replace(alert, id="gone"))

    found = await one.doer.plan(make_incident(), [gone, alert])

    assert sorted(bool(deed.obstacle) for deed in found) == [False, True]


async def test_without_settings_it_plans_nothing(one: Life) -> None:
    """A doer that the policy names no more takes back, and does nothing new."""
    assert list(await one.bare.plan(make_incident(), one.case.alerts())) == []


async def test_no_account_is_touched_that_is_not_named(one: Life, name: str) -> None:
    """Guards go by what deeds name: so nothing is done about what the app runs as."""
    row = await one.planned()
    itself = frozenset(row.deed.accounts)
    facts = Facts(one.case.alerts(), itself=itself)

    found = guards.judge(
        make_incident(), row.deed, Mode.ACT, Guards(), facts, now=one.side.now
    )

    refused = [f for f in found if f.why.endswith("Firewatch's own identity")]
    assert bool(itself) is (name in OF_ACCOUNTS)
    assert len(refused) == len(itself)
    assert all(finding.says is Says.REFUSE for finding in refused)


# The life of a deed


@pytest.mark.parametrize("name", REVERSIBLE, indirect=True)
async def test_it_is_done_and_taken_back_exactly(one: Life) -> None:
    """Afterwards the whole other side is what it was."""
    before = one.state
    row = await one.until(await one.planned(), DeedStatus.VERIFIED)
    assert one.state != before

    row = await one.until(one.taken_back(row), *ENDS)

    assert row.status is DeedStatus.UNDONE
    assert one.state == before


async def test_what_is_changed_says_so_until_it_is_put_back(one: Life) -> None:
    """By a tag with its end, which grows with that; what has no end there has none."""
    before = one.state
    row = await one.until(await one.planned(), DeedStatus.VERIFIED)
    is_tagged = bool(row.deed.resources) and one.case.reversible
    assert len(_tags(one.state)) == is_tagged
    if not is_tagged:
        return
    ((place, _, value),) = _tags(one.state)
    assert place == row.deed.resources[0]
    assert row.by_hand[-1] == _removal(*_tags(one.state))
    assert value == f"{row.incident} until {row.until:%Y-%m-%dT%H:%MZ}"

    later = one.side.now + timedelta(days=2)
    row = await one.turn(replace(row, until=later, not_before=one.side.now))

    assert row.status is DeedStatus.VERIFIED
    assert [v for _, _, v in _tags(one.state)] == [
        f"{row.incident} until {later:%Y-%m-%dT%H:%MZ}"
    ]
    assert row.by_hand[-1] == _removal(*_tags(one.state))
    row = await one.until(one.taken_back(row), *ENDS)
    assert row.status is DeedStatus.UNDONE
    assert "tag" not in row.detail
    assert one.state == before


def _tags(state: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Where, and what, and how it is said that something is contained."""
    return [
        (place, name, value)
        for place, document in state["resources"].items()
        for name, value in document.get("tags", {}).items()
        if name.startswith("firewatch:contained")
    ]


def _removal(tag: tuple[str, str, str]) -> str:
    place, name, value = tag
    where = f"az tag update --resource-id {place} --operation delete"
    return f"{where} --tags '{name}={value}'"


async def test_what_cannot_be_taken_back_says_so(name: str) -> None:
    """When it is planned, and nothing is ever due again."""
    async with life(name) as one:
        row = await one.planned()
        assert row.deed.reversible is one.case.reversible
        assert ("cannot be taken back" in row.deed.says) is not one.case.reversible
        if one.case.reversible:
            return

        before = await one.doer.before(row.deed)
        row = await one.until(row, DeedStatus.VERIFIED)

        assert deeds.step(row, one.side.now + timedelta(days=400)) is None
        with pytest.raises(ActionRefused):
            await one.doer.undo(row.deed, before)


async def test_done_twice_it_is_done_once(one: Life) -> None:
    """What is so already is left alone."""
    row = await one.planned()
    before = await one.doer.before(row.deed)
    row = await one.until(row, DeedStatus.VERIFIED)
    after, changes = one.state, one.calls.changes

    await one.doer.apply(row.deed, before)

    assert one.state == after
    assert one.calls.changes == changes


async def test_the_commands_of_a_hand_are_whole(one: Life) -> None:
    """They name what they change by its id, and nothing has to be filled in."""
    row = await one.until(await one.planned(), DeedStatus.VERIFIED)

    assert bool(row.by_hand) is one.case.reversible
    for command in row.by_hand:
        assert command.startswith("az ")
        assert _BY_ID.search(command)
        assert "<" not in command


@pytest.mark.parametrize("took_effect", [False, True])
async def test_a_crash_at_any_call_converges(name: str, *, took_effect: bool) -> None:
    """Done once and taken back exactly, whichever call of either was the last."""
    async with life(name) as plain:
        before = plain.state
        row = await plain.planned()
        planning = plain.calls.count
        row = await plain.until(row, DeedStatus.VERIFIED)
        done, taken = _without_times(plain.state), plain.taken
        if plain.case.reversible:
            await plain.until(plain.taken_back(row), *ENDS)
        calls = plain.calls.count

    for call in range(planning + 1, calls + 1):
        async with life(name) as one:
            row = await one.planned()
            assert one.calls.count == planning
            one.calls.breaks_at, one.calls.took_effect = call, took_effect
            row = await one.until(row, DeedStatus.VERIFIED, *ENDS)
            assert row.status is DeedStatus.VERIFIED, (call, row.detail)
            assert _without_times(one.state) == done, call
            assert one.taken == taken, call
            if not one.case.reversible:
                continue
            row = await one.until(one.taken_back(row), *ENDS)
            assert row.status is DeedStatus.UNDONE, (call, row.detail)
            assert one.state == before, call


@pytest.mark.parametrize("way", [Way.IS_LOST, Way.FAILS])
async def test_a_change_that_did_not_take_is_seen(one: Life, way: Way) -> None:
    """Whatever the other side says of it: it failed, and nothing is left.

    That an operation failed stays written on its resource.
    """
    before = one.state
    row = await one.planned()
    one.upset(way, times=None)

    row = await one.until(row, DeedStatus.VERIFIED, *ENDS)

    assert row.status is DeedStatus.FAILED
    assert _without_marks(one.state) == _without_marks(before)


@pytest.mark.parametrize("name", REVERSIBLE, indirect=True)
async def test_what_somebody_changed_since_is_left_alone(one: Life) -> None:
    """The difference is named; a person may force it."""
    row = await one.until(await one.planned(), DeedStatus.VERIFIED)
    one.case.drift(one.side, row.deed)
    drifted = one.state

    row = await one.until(one.taken_back(row), *ENDS)

    assert row.status is DeedStatus.STRANDED
    assert row.detail
    assert one.state == drifted
    row = await one.turn(one.taken_back(row, Undo.FORCE))
    row = await one.until(row, *ENDS)
    assert (row.status is DeedStatus.UNDONE) is one.case.heals


@pytest.mark.parametrize("name", REVERSIBLE, indirect=True)
async def test_what_is_so_already_is_somebody_elses(one: Life) -> None:
    """Nobody here takes back what nobody here did."""
    row = await one.until(await one.planned(), DeedStatus.VERIFIED)

    with pytest.raises(ActionRefused):
        await one.doer.before(row.deed)


async def test_refusals_are_told_apart(one: Life) -> None:
    """Each with its reason, from whatever call it comes."""
    row = await one.planned()
    before = await one.doer.before(row.deed)
    calls: list[Callable[[], Awaitable[object]]] = [
        lambda: one.doer.before(row.deed),
        lambda: one.doer.apply(row.deed, before),
    ]
    if not one.case.keeps:
        calls.append(lambda: one.doer.verify(row.deed, before))
    if one.case.reversible:
        calls.append(lambda: one.doer.undo(row.deed, before))
    for (status, code, kind, reason), call in itertools.product(REFUSALS, calls):
        body = f'{{"error": {{"code": "{code}", "message": "m"}}}}'
        one.side.outside.faults.add(
            Fault(side=one.case.side, status=status, body=body, times=1)
        )
        with pytest.raises(kind) as caught:
            await call()
        assert caught.value.reason is reason, code


@pytest.mark.parametrize("name", SENDING, indirect=True)
async def test_what_is_refused_for_good_is_given_up(one: Life) -> None:
    """A right that is missing is said, and the other side is left as it was."""
    before = one.state
    row = await one.planned()
    body = '{"error": {"code": "AuthorizationFailed", "message": "m"}}'
    fault = Fault(side=one.case.side, status=403, body=body, times=1)
    one.calls.before_change = lambda: one.side.outside.faults.add(fault)
    row = await one.until(row, DeedStatus.VERIFIED, *ENDS)

    assert row.status is DeedStatus.FAILED
    assert row.reason == FailureReason.AUTH
    assert "needs" in row.detail
    assert one.state == before


@pytest.mark.parametrize("name", PROMPT, indirect=True)
async def test_operations_that_never_end_end_by_what_is_seen(one: Life) -> None:
    """Not by what the other side says of them."""
    row = await one.planned()
    one.upset(Way.NEVER_ENDS)

    row = await one.until(row, DeedStatus.VERIFIED, *ENDS)

    assert row.status is DeedStatus.VERIFIED


@pytest.mark.parametrize("name", WAITING, indirect=True)
async def test_what_a_machine_never_does_is_called_off(one: Life) -> None:
    """When the time of the deed is over; what has no such time is waited for."""
    before = one.state
    row = await one.planned()
    one.upset(Way.NEVER_ENDS)
    row = await one.until(row, DeedStatus.APPLIED)
    for _ in range(6):
        one.side.step(timedelta(minutes=30))
        row = await one.turn(row)
    assert row.status is DeedStatus.APPLIED
    assert one.taken == 1
    if not one.case.reversible:
        return

    one.side.step(timedelta(hours=1))
    row = await one.until(row, DeedStatus.VERIFIED, *ENDS)

    assert row.status is DeedStatus.FAILED
    assert one.state == before


async def test_stale_reads_are_waited_for(one: Life) -> None:
    """What shows late is looked at again."""
    row = await one.planned()
    one.upset(Way.IS_STALE)

    row = await one.until(row, DeedStatus.VERIFIED, *ENDS)

    assert row.status is DeedStatus.VERIFIED


async def test_it_says_exactly_what_it_needs(name: str) -> None:
    """With these rights and no other it does its work from end to end."""
    async with life(name) as one:
        one.side.outside.rights.identity = _identity(one.doer.permissions)

        row = await one.until(await one.planned(), DeedStatus.VERIFIED, *ENDS)
        assert row.status is DeedStatus.VERIFIED, row.detail
        if one.case.reversible:
            row = await one.until(one.taken_back(row), *ENDS)
            assert row.status is DeedStatus.UNDONE, row.detail


def _identity(permissions: Sequence[Permission]) -> Identity:
    """Whoever may do that, and nothing else anywhere."""

    def of(*apis: Api) -> tuple[str, ...]:
        return tuple(each.action for each in permissions if each.api in apis)

    return Identity(
        actions=of(Api.ARM),
        data_actions=of(Api.DATA),
        roles=of(Api.GRAPH, Api.ENDPOINT),
    )


def _without_times(state: dict[str, Any]) -> str:
    """All of the other side, but for when anything happened."""
    encoded = msgspec.json.encode(state, order="sorted").decode()
    return _TIME.sub("then", encoded)


def _without_marks(state: dict[str, Any]) -> str:
    """All of the other side, but for how its last operations ended."""
    return (
        msgspec.json.encode(state, order="sorted")
        .decode()
        .replace("Failed", "Succeeded")
    )
