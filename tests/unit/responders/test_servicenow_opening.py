"""An incident is one incident of ServiceNow, and its texts are texts there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from devhost.outside import Outside
from shared.clouds.http import HttpClient
from shared.model.action import Outcome
from shared.model.alert import Severity
from shared.model.errors import (
    PermanentFailure,
    TransientFailure,
)
from shared.model.http import Reply
from tests.conformance.kit import hostile_incident
from tests.factories import make_incident
from tests.fakes.clock import Clock
from tests.fakes.http import FakeHttp
from tests.unit.responders.tickets import (
    DEDUP_KEY,
    opening,
    telling_news,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


from tests.unit.responders.servicenow import Instance, make_servicenow

SYS_ID = "0123456789abcdef0123456789abcdef"


@pytest.fixture
async def there() -> AsyncIterator[Instance]:
    clock, http = Clock(), HttpClient()
    async with Outside.start(clock=clock) as outside:
        try:
            yield Instance(outside, http, clock)
        finally:
            await http.close()


async def test_an_incident_is_an_incident_there_with_its_key(there: Instance) -> None:
    """Title, text, urgency and impact by severity, and fields of the policy."""
    servicenow = there.servicenow(
        assignment_group="Security",
        impact={"high": 2},
        fields={"category": "Security"},
    )

    outcome = await servicenow.apply(await opening(servicenow))

    assert outcome == Outcome(reference=there.incident.sys_id)
    fields = there.incident.fields
    assert fields["correlation_id"] == DEDUP_KEY
    assert (fields["urgency"], fields["impact"]) == ("1", "2")
    assert fields["assignment_group"] == "Security"
    assert fields["category"] == "Security"
    assert fields["short_description"].startswith("High: Possible web shell detected")
    assert "What happened:\n- Possible web shell" in fields["description"]


async def test_a_severity_that_the_policy_leaves_out_is_low(there: Instance) -> None:
    """Priority needs both of them."""
    servicenow = there.servicenow(urgency={"high": 1})

    incident = make_incident(severity=Severity.MEDIUM)
    await servicenow.apply(await opening(servicenow, incident))

    fields = there.incident.fields
    assert (fields["urgency"], fields["impact"]) == ("3", "2")


async def test_a_repeat_finds_the_incident(there: Instance) -> None:
    """Be it closed meanwhile: the notice is about that one and no other."""
    servicenow = there.servicenow()
    action = await opening(servicenow)
    first = await servicenow.apply(action)
    await there.person(state="7", close_code="x", close_notes="y")

    assert await servicenow.apply(action) == first
    assert len(there.outside.servicenow.incidents) == 1


async def test_a_condition_that_was_dropped_finds_nothing_of_ours() -> None:
    """Then the query gives every incident there is; none of them is taken."""
    other = b'{"result":[{"sys_id":"' + b"f" * 32 + b'","correlation_id":""}]}'
    made = b'{"result":{"sys_id":"' + SYS_ID.encode() + b'"}}'
    http = FakeHttp(
        Reply(status=200, headers={}, body=other),
        Reply(status=201, headers={}, body=made),
    )
    servicenow = make_servicenow(http)

    outcome = await servicenow.apply(await opening(servicenow))

    assert outcome == Outcome(reference=SYS_ID)


async def test_a_sleeping_instance_is_asked_again_later() -> None:
    """It answers 200 with a page; nothing is made on the word of that."""
    http = FakeHttp(default=Reply(status=200, headers={}, body=b"<html>Hibernating"))
    servicenow = make_servicenow(http)

    with pytest.raises(TransientFailure):
        await servicenow.apply(await opening(servicenow))

    assert len(http.sent) == 1


async def test_texts_fit_however_long_they_were(there: Instance) -> None:
    """What is longer would be cut there without a word, in the middle of anything."""
    servicenow = there.servicenow()

    long = hostile_incident("x" * 600)
    await servicenow.apply(await opening(servicenow, long))

    fields = there.incident.fields
    assert len(fields["short_description"]) == 160
    assert fields["short_description"].endswith("…")
    last = fields["description"].splitlines()[-1]
    assert last.startswith("Firewatch notice ")
    assert " more" in fields["description"]


@pytest.mark.parametrize(
    "text", ["[code]<b>x</b>[/code]", "[CODE]x[ / Code ]", "[co[code]de]x"]
)
async def test_no_text_has_journals_render_html(there: Instance, text: str) -> None:
    """Whatever would switch it on is taken apart."""
    servicenow = there.servicenow()

    await servicenow.apply(await opening(servicenow, hostile_incident(text)))

    seen = there.incident.fields["description"].lower().replace(" ", "")
    assert "[code]" not in seen
    assert "[/code]" not in seen


@pytest.mark.parametrize("name", ["", "ABC", "../x", SYS_ID + "/x"])
async def test_a_reference_that_is_none_goes_into_no_url(name: str) -> None:
    """What is kept of the other side is checked before it is used."""
    http = FakeHttp(default=Reply(status=200, headers={}, body=b'{"result":[]}'))
    servicenow = make_servicenow(http)
    action = replace(await telling_news(servicenow, SYS_ID), reference=name)

    if name:
        with pytest.raises(PermanentFailure):
            await servicenow.apply(action)
        assert http.sent == []
    else:
        assert await servicenow.apply(action) == Outcome()
