"""Rules of SQL servers: which let the attacker in, and what is said of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from responders.sql_rule_remove import SqlRuleRemove
from shared.model.errors import ActionRefused
from tests.conformance.doer_case import attack
from tests.factories import make_incident
from tests.fakes.azure import SQL, Azure, azure
from tests.fakes.http import FakeHttp
from tests.fakes.ports import make_ports

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from shared.model.deed import Deed

OFFICE = "198.51.100.7"


@pytest.fixture
async def side() -> AsyncIterator[Azure]:
    async with azure() as side:
        yield side


def made(side: Azure) -> SqlRuleRemove:
    ports = make_ports(FakeHttp(), {})._replace(azure=side.remotes)
    return SqlRuleRemove("it", SqlRuleRemove.Config(), ports)


def rule(side: Azure, name: str, first: object, last: object) -> None:
    side.outside.manager.resources.write(
        {
            "id": f"{SQL}/firewallRules/{name}",
            "name": name,
            "type": "Microsoft.Sql/servers/firewallRules",
            "properties": {"startIpAddress": first, "endIpAddress": last},
        }
    )


async def planned(side: Azure, *addresses: str) -> Sequence[Deed]:
    alerts = [replace(attack(SQL, each), id=each) for each in addresses]
    return await made(side).plan(make_incident(), alerts)


def names(deeds: Sequence[Deed]) -> list[str]:
    return sorted(deed.content["rule"].rpartition("/")[2] for deed in deeds)


async def test_every_rule_that_lets_one_in_is_meant(side: Azure) -> None:
    """Not the one that lets Azure in, nor one beside; the whole range is said."""
    rule(side, "everybody", "0.0.0.0", "255.255.255.255")
    rule(side, "beside", "198.51.101.0", "198.51.101.255")

    found = await planned(side, OFFICE)

    assert names(found) == ["everybody", "office"]
    assert all(deed.addresses == (OFFICE,) for deed in found)
    assert any("0.0.0.0 to 255.255.255.255" in deed.says for deed in found)


async def test_two_attackers_of_one_rule_are_one_deed(side: Azure) -> None:
    """Both alerts speak for it."""
    (deed,) = await planned(side, OFFICE, "198.51.100.9")

    assert deed.addresses == deed.alerts == (OFFICE, "198.51.100.9")


@pytest.mark.parametrize("address", ["2001:db8::1", "203.0.113.77"])
async def test_whom_no_rule_lets_in_nobody_is_shut_out_for(
    side: Azure, address: str
) -> None:
    """Rules here are of IPv4 alone."""
    assert await planned(side, address) == []


@pytest.mark.parametrize(("first", "last"), [("x", "y"), (None, None), (1, 2)])
async def test_what_is_no_rule_is_passed_over(
    side: Azure, first: object, last: object
) -> None:
    """It keeps no other from being removed."""
    rule(side, "strange", first, last)

    assert names(await planned(side, OFFICE)) == ["office"]


async def test_a_rule_that_was_changed_since_is_not_removed(side: Azure) -> None:
    """It lets in others than those who were planned to be shut out."""
    doer = made(side)
    (deed,) = await planned(side, OFFICE)
    before = await doer.before(deed)
    rule(side, "office", "198.51.100.0", "198.51.103.255")

    with pytest.raises(ActionRefused, match="others"):
        await doer.apply(deed, before)
