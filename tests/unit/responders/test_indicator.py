"""What is blocked on every machine: only what the policy says, and never somebody's own."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from responders.indicator import Indicator
from responders.sides.things import ThingKind
from shared.actions import guards
from shared.actions.guards import Facts
from shared.model.deed import Guard, State
from shared.model.entity import Dns, FileHash, Ip, Url
from shared.model.errors import ActionRefused, SettingsError
from shared.model.guards import Guards, Mode
from tests.conformance.doer_case import alert
from tests.factories import make_incident
from tests.fakes.azure import Azure, azure
from tests.fakes.http import FakeHttp
from tests.fakes.ports import make_ports

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from shared.model.deed import Deed

SHA1, SHA256 = "5" * 40, "6" * 64
NASTY = "https://evil.example/$(reboot)/a'b?c=`id`"
NAMED = replace(
    alert(),
    entities=(
        Ip(address="45.155.205.233", is_public=True),
        Ip(address="45.155.205.234", is_public=True, is_asset=True),
        Ip(address="10.0.0.4"),
        Ip(address="168.63.129.16", is_public=True),
        FileHash(algorithm="sha1", digest=SHA1),
        FileHash(algorithm="sha256", digest=SHA256.upper()),
        Dns(domain="evil.example"),
        Dns(domain="dc01.corp"),
        Url(url=NASTY),
        Url(url="ftp://evil.example/a"),
        Url(url="https://evil.example/cut…"),
    ),
)


@pytest.fixture
async def side() -> AsyncIterator[Azure]:
    async with azure() as found:
        yield found


def doer(side: Azure, *of: ThingKind, **settings: Any) -> Indicator:  # noqa: ANN401
    ports = make_ports(FakeHttp(), {}, clock=lambda: side.now)
    config = Indicator.Config(of=of, **settings)
    return Indicator("block", config, ports._replace(azure=side.remotes))


async def planned(one: Indicator) -> list[Deed]:
    return [*await one.plan(make_incident(), [NAMED])]


@pytest.mark.parametrize(
    ("thing", "target"),
    [
        (ThingKind.ADDRESS, "IpAddress|45.155.205.233"),
        # Of one file by several digests, the best.
        (ThingKind.FILE, f"FileSha256|{SHA256}"),
        (ThingKind.DOMAIN, "DomainName|evil.example"),
        (ThingKind.URL, f"Url|{NASTY}"),
    ],
)
async def test_what_the_policy_says_is_blocked_and_no_more(
    side: Azure, thing: ThingKind, target: str
) -> None:
    """What is attacked, private, or Azure's own is nobody's to block."""
    one = doer(side, thing)
    (deed,) = await planned(one)
    assert deed.target == target

    before = await one.before(deed)
    await one.apply(deed, before)

    assert (await one.verify(deed, before)).state is State.IN_FORCE
    await one.undo(deed, before)
    assert (await one.verify(deed, before)).state is State.AS_BEFORE
    assert side.outside.endpoint.indicators.state() == {}


@pytest.mark.parametrize("thing", [*ThingKind])
async def test_guards_know_what_it_names(side: Azure, thing: ThingKind) -> None:
    """Though it is no resource; a text that is none of these is refused."""
    (deed,) = await planned(doer(side, thing))

    def refused(asked: Deed) -> bool:
        said = guards.judge(
            make_incident(), asked, Mode.ACT, Guards(), Facts([NAMED]), now=side.now
        )
        return Guard.IDENTITY in {each.guard for each in said}

    assert not refused(deed)
    assert refused(replace(deed, names=("a b",)))
    assert refused(replace(deed, names=(), addresses=()))


async def test_what_is_there_is_somebodys(side: Azure) -> None:
    """Be it that it lets pass or blocks; making one would write over it."""
    one = doer(side, ThingKind.DOMAIN)
    (deed,) = await planned(one)
    before = await one.before(deed)
    for action in ("Allowed", "Block"):
        side.outside.endpoint.indicators.put(
            {
                "indicatorValue": "EVIL.example",
                "indicatorType": "DomainName",
                "action": action,
                "title": "ours",
                "description": "the SOC's own",
            }
        )
        held = side.outside.endpoint.indicators.state()

        with pytest.raises(ActionRefused, match=action):
            await one.before(deed)
        with pytest.raises(ActionRefused):
            await one.apply(deed, before)
        assert (await one.verify(deed, before)).state is State.OTHERWISE
        assert side.outside.endpoint.indicators.state() == held


async def test_it_ends_by_itself(side: Azure) -> None:
    """Should nobody be there to take it away."""
    one = doer(side, ThingKind.FILE, expires=timedelta(hours=6))
    (deed,) = await planned(one)
    before = await one.before(deed)
    await one.apply(deed, before)

    side.step(timedelta(hours=5))
    assert (await one.verify(deed, before)).state is State.IN_FORCE
    side.step(timedelta(hours=2))

    assert (await one.verify(deed, before)).state is State.AS_BEFORE


async def test_no_shell_finds_anything_in_the_command(side: Azure) -> None:
    """An attacker chose the address; an administrator pastes it."""
    one = doer(side, ThingKind.URL)
    (deed,) = await planned(one)

    (command,) = (await one.before(deed)).by_hand

    assert "reboot" in command
    assert command.count("$(") == 1
    assert "`" not in command
    assert command.count("'") == 2


@pytest.mark.parametrize(
    "settings",
    [
        {"of": ()},
        {"of": (ThingKind.FILE,), "expires": timedelta(minutes=59)},
        {"of": (ThingKind.FILE,), "expires": timedelta(days=366)},
    ],
)
async def test_settings_that_are_none_are_told(
    side: Azure, settings: dict[str, Any]
) -> None:
    """When it is built, and not at night."""
    with pytest.raises(SettingsError):
        doer(side, *settings.pop("of"), **settings)
