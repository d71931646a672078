"""The account that the app runs as: nothing is done about it, whoever wants that."""

from __future__ import annotations

import base64
import json
import logging
from typing import Any

import pytest

from responders.user_disable import UserDisable
from shared.clouds.credentials import LOCAL_ID, Credentials
from shared.containment.itself import Itself, ids_of
from shared.model.deed import Guard, Says
from shared.model.deed_status import DeedStatus
from shared.model.errors import FailureReason, TransientFailure
from shared.model.guards import Contain, Mode
from tests.fakes.azure import WEBER, azure
from tests.fakes.http import FakeHttp
from tests.fakes.ports import make_ports
from tests.unit.containment.kit import acting, comes, only

SCOPE = "https://management.azure.com/.default"
APP = "0b0b0b0b-0000-4000-8000-00000000000a"
LOGON = [{"Type": "account", "AadUserId": WEBER, "Name": "m.weber"}]


def token_of(claims: object) -> str:
    """A token as Entra writes one."""
    parts = ({"alg": "RS256"}, claims, "signature")
    encoded = (base64.urlsafe_b64encode(json.dumps(p).encode()) for p in parts)
    return ".".join(each.decode().rstrip("=") for each in encoded)


@pytest.mark.parametrize(
    ("token", "ids"),
    [
        (token_of({"oid": WEBER.upper(), "appid": APP}), {WEBER, APP}),
        (token_of({"oid": WEBER, "azp": APP, "appid": "no id"}), {WEBER, APP}),
        (token_of({"oid": WEBER, "roles": ["x"], "exp": 1}), {WEBER}),
        (token_of({"appid": APP}), set()),
        (token_of({"oid": 7}), set()),
        (token_of({"oid": "me"}), set()),
        (token_of(["oid", WEBER]), set()),
        ("EwBYA8l6BAAUO9chh8cJscQLmU", set()),
        ("a.é.c", set()),
        ("a.Zm9v.c", set()),
        ("..", set()),
        ("", set()),
    ],
)
def test_whose_a_token_is(token: str, ids: set[str]) -> None:
    """By its object id; what names none says nothing, whatever else it names."""
    assert ids_of(token) == ids


async def test_the_stand_ins_are_shown_somebody() -> None:
    """So that what holds in Azure holds on this machine."""
    token = Credentials("").token
    assert await Itself(token, "http://127.0.0.1:1/arm/.default")() == {LOCAL_ID}


async def test_it_is_read_once_and_never_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """While it cannot be read it is asked for again."""
    caplog.set_level(logging.DEBUG)
    secret = token_of({"oid": WEBER})
    answers: list[str | Exception] = [
        TransientFailure(FailureReason.UNAVAILABLE, "away"),
        "opaque",
        secret,
    ]
    asked: list[str] = []

    async def token(scope: str) -> str:
        asked.append(scope)
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    itself = Itself(token, SCOPE)
    found = [await itself() for _ in range(5)]

    assert found == [set(), set(), {WEBER}, {WEBER}, {WEBER}]
    assert asked == [SCOPE] * 3
    assert caplog.text.count("guard.unread") == 2
    assert not any(part in caplog.text for part in (*secret.split("."), WEBER))


@pytest.mark.parametrize(
    ("ids", "status", "says", "why"),
    [
        ({WEBER, APP}, DeedStatus.REFUSED, Says.REFUSE, "Firewatch's own identity"),
        (set(), DeedStatus.AWAITING, Says.ASK, "cannot be read"),
        ({APP}, DeedStatus.VERIFIED, None, ""),
    ],
)
async def test_nothing_is_done_about_its_own_account(
    ids: set[str], status: DeedStatus, says: Says | None, why: str
) -> None:
    """Whose it is may be Firewatch's while nobody can tell: people are asked then."""
    async with azure() as side:
        rule = Contain(do=("disable",), match=("severity>=medium",))
        world = acting(Mode.ACT, rule)
        ports = make_ports(FakeHttp(), {})._replace(azure=side.remotes)
        doers: Any = world.doers
        doers["disable"] = UserDisable("disable", UserDisable.Config(), ports)

        async def itself() -> frozenset[str]:
            return frozenset(ids)

        world.itself = itself
        world.restart()

        await comes(world, Entities=LOGON)
        row = await only(world)
        user = side.outside.graph.users.find(WEBER) or {}

    found = [f for f in row.findings if f.guard is Guard.PROTECTED]
    assert row.status is status
    assert [f.says for f in found] == ([] if says is None else [says])
    assert all(why in finding.why for finding in found)
    assert user["accountEnabled"] is (status is not DeedStatus.VERIFIED)


async def test_a_deed_about_no_account_asks_nobody_who_it_is() -> None:
    """A machine is isolated whoever the app is."""
    world = acting(Mode.ACT)

    async def itself() -> frozenset[str]:
        raise AssertionError("asked")

    world.itself = itself
    world.restart()

    await comes(world)

    assert (await only(world)).status is DeedStatus.VERIFIED
