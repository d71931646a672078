"""What people did to issues of Jira is read."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from devhost.outside import Fault
from responders.tickets import OVERLAP
from shared.model.action import Outcome
from shared.model.errors import (
    TransientFailure,
)
from shared.model.http import Reply
from shared.model.ticket import Remark, Stage
from tests.fakes.http import FakeHttp
from tests.unit.responders.tickets import (
    opening,
    read,
    telling_news,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


from tests.unit.responders.jira import Site, a_site, make_jira


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with a_site() as found:
        yield found


async def test_what_is_new_there_is_read(site: Site) -> None:
    """State, owner, and what people wrote, with what names it for ever."""
    jira = site.jira()
    await jira.apply(await opening(jira))
    await site.person("PUT", "assignee", {"accountId": "Grace Hopper"})
    await site.person("POST", "comment", {"body": document("It is us.")})
    await site.person("POST", "transitions", {"transition": {"id": "21"}})

    found = await read(jira, {"SEC-1": ""})

    assert found["SEC-1"].stage is Stage.IN_PROGRESS
    assert found["SEC-1"].owner == "Grace Hopper"
    assert found["SEC-1"].remarks == (
        Remark(id="10000", by="grace@contoso.com", text="It is us."),
    )


async def test_a_version_that_is_known_is_nothing_new(site: Site) -> None:
    """Nor is an older one; and nothing but the one request is spent on it."""
    jira = site.jira()
    await jira.apply(await opening(jira))
    version = (await read(jira, {"SEC-1": ""}))["SEC-1"].version

    assert await read(jira, {"SEC-1": version}) == {}
    assert await read(jira, {"SEC-1": "2099-01-01T00:00:00.000+0000"}) == {}


async def test_comments_of_ours_do_not_come_back(site: Site) -> None:
    """Those of people do, one that quotes ours too, and only those since."""
    jira = site.jira()
    opened = await jira.apply(await opening(jira))
    await site.person("POST", "comment", {"body": document("first")})
    site.clock.step(OVERLAP)
    await site.person("PUT", "assignee", {"accountId": "Grace Hopper"})
    version = (await read(jira, {"SEC-1": ""}))["SEC-1"].version
    site.clock.step(timedelta(seconds=1))
    await jira.apply(await telling_news(jira, opened.reference))
    quoted = site.said[-1].replace("\n", " ")
    await site.person("POST", "comment", {"body": document(f"{quoted} - so what?")})

    found = await read(jira, {"SEC-1": version})

    [remark] = found["SEC-1"].remarks
    assert remark.text.endswith("so what?")


async def test_an_issue_that_is_gone_keeps_no_other_from_being_read(
    site: Site,
) -> None:
    """It is left out, and so is what is no key at all."""
    jira = site.jira()
    await jira.apply(await opening(jira))

    found = await read(jira, {"SEC-77": "", "SEC-1": "", "../admin": ""})

    assert [*found] == ["SEC-1"]


async def test_comments_that_may_not_be_read_are_left_out() -> None:
    """The state is read all the same."""
    issue = b'{"issues":[{"key":"SEC-1","fields":{"updated":"2026-11-23T12:00:00.000+0000"}}]}'
    http = FakeHttp(
        Reply(status=200, headers={}, body=issue),
        Reply(status=403, headers={}, body=b""),
    )

    found = await read(make_jira(http), {"SEC-1": ""})

    assert found["SEC-1"].remarks == ()


async def test_where_jira_calls_no_comments_are_read() -> None:
    """It says itself what people write, and sooner."""
    issue = b'{"issues":[{"key":"SEC-1","fields":{"updated":"2026-11-23T12:00:00.000+0000"}}]}'
    http = FakeHttp(default=Reply(status=200, headers={}, body=issue))
    jira = make_jira(http, callback_secret={"setting": "CALLBACK"})

    found = await read(jira, {"SEC-1": ""})

    assert jira.calls
    assert found["SEC-1"].remarks == ()
    assert len(http.sent) == 1


async def test_what_an_attempt_before_has_made_is_not_searched_for() -> None:
    """The core hands on what is known of it."""
    http = FakeHttp()
    jira = make_jira(http)

    outcome = await jira.apply(replace(await opening(jira), reference="SEC-4"))

    assert outcome == Outcome(reference="SEC-4")
    assert http.sent == []


async def test_many_issues_are_read_a_hundred_at_once() -> None:
    """As many as Jira gives."""
    http = FakeHttp(default=Reply(status=200, headers={}, body=b'{"issues":[]}'))

    await read(make_jira(http), {f"SEC-{number}": "" for number in range(250)})

    asked = [len(sent.json["issueIdsOrKeys"]) for sent in http.sent]
    assert asked == [100, 100, 50]


async def test_a_side_that_is_away_says_so(site: Site) -> None:
    """Whoever asks goes on with other sides."""
    site.outside.faults.add(Fault(side="jira", status=503))
    jira = site.jira()

    with pytest.raises(TransientFailure):
        await read(jira, {"SEC-1": ""})


def document(text: str) -> dict[str, Any]:
    """What somebody writes."""
    said = {"type": "text", "text": text}
    content = [{"type": "paragraph", "content": [said]}]
    return {"type": "doc", "version": 1, "content": content}
