"""What people did to incidents of ServiceNow is read."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from devhost.outside import Outside
from responders.tickets import OVERLAP
from shared.clouds.http import HttpClient
from shared.model.http import Reply
from shared.model.ticket import Stage
from tests.fakes.clock import Clock
from tests.fakes.http import FakeHttp
from tests.unit.responders.tickets import (
    opening,
    read,
    telling_news,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


from tests.unit.responders.servicenow import Instance, make_servicenow


@pytest.fixture
async def there() -> AsyncIterator[Instance]:
    clock, http = Clock(), HttpClient()
    async with Outside.start(clock=clock) as outside:
        try:
            yield Instance(outside, http, clock)
        finally:
            await http.close()


async def test_what_is_new_there_is_read(there: Instance) -> None:
    """State, owner, and what people wrote, be it for the customer or not."""
    servicenow = there.servicenow()
    opened = await servicenow.apply(await opening(servicenow))
    await there.person(assigned_to="Grace Hopper", state="2")
    await there.person(work_notes="It is us.")
    await there.person(comments="Sorry.")

    found = (await read(servicenow, {opened.reference: ""}))[opened.reference]

    assert (found.stage, found.owner) == (Stage.IN_PROGRESS, "Grace Hopper")
    assert found.name == "INC0000001"
    assert [(each.by, each.text) for each in found.remarks] == [
        ("grace", "It is us."),
        ("grace", "Sorry."),
    ]
    assert len({each.id for each in found.remarks}) == 2


@pytest.mark.parametrize("state", ["6", "7", "8"])
async def test_a_closed_state_is_one_that_the_policy_names(
    there: Instance, state: str
) -> None:
    """The base system has three."""
    servicenow = there.servicenow()
    opened = await servicenow.apply(await opening(servicenow))
    await there.person(state=state, close_code="x", close_notes="y")

    found = await read(servicenow, {opened.reference: ""})

    assert found[opened.reference].stage is Stage.CLOSED


async def test_a_version_that_is_known_is_nothing_new(there: Instance) -> None:
    """Nor is an older one."""
    servicenow = there.servicenow()
    opened = await servicenow.apply(await opening(servicenow))
    await there.person(work_notes="It is us.")
    version = (await read(servicenow, {opened.reference: ""}))[opened.reference].version

    assert version.startswith("1/")
    assert await read(servicenow, {opened.reference: version}) == {}
    newer = version.replace("1/", "2/", 1)
    assert await read(servicenow, {opened.reference: newer}) == {}


async def test_notes_of_ours_do_not_come_back(there: Instance) -> None:
    """Those of people do, and only those since."""
    servicenow = there.servicenow()
    opened = await servicenow.apply(await opening(servicenow))
    await there.person(work_notes="first")
    there.clock.step(OVERLAP)
    await there.person(assigned_to="Grace Hopper")
    version = (await read(servicenow, {opened.reference: ""}))[opened.reference].version
    there.clock.step(timedelta(seconds=1))
    await servicenow.apply(await telling_news(servicenow, opened.reference))
    await there.person(work_notes="second")

    found = await read(servicenow, {opened.reference: version})

    assert [each.text for each in found[opened.reference].remarks] == ["second"]


async def test_an_account_that_may_not_read_the_journal_reads_the_state(
    there: Instance,
) -> None:
    """What people write does not come back, and all else does."""
    there.outside.servicenow.hides_journal = True
    servicenow = there.servicenow()
    opened = await servicenow.apply(await opening(servicenow))
    await there.person(work_notes="unheard", state="2")

    found = (await read(servicenow, {opened.reference: ""}))[opened.reference]

    assert (found.stage, found.remarks) == (Stage.IN_PROGRESS, ())


async def test_many_incidents_are_read_a_hundred_at_once() -> None:
    """What is no sys_id goes into no query."""
    http = FakeHttp(default=Reply(status=200, headers={}, body=b'{"result":[]}'))
    known = {f"{number:032x}": "" for number in range(150)} | {"x^ORstate=1": ""}

    await read(make_servicenow(http), known)

    queries = [parse_qs(urlsplit(sent.url).query) for sent in http.sent]
    asked = [query["sysparm_query"][0] for query in queries]
    assert [len(text.split(",")) for text in asked] == [100, 50]
    assert not any("^OR" in text for text in asked)
