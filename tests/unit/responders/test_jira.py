"""What becomes of an issue, at a stand-in that is as strict as Jira."""

from __future__ import annotations

import base64
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import msgspec
import pytest
from msgspec.structs import replace

from devhost.outside import Fault, Outside
from responders.jira import INDEX_LAG, Jira
from responders.tickets import OVERLAP, adf
from shared.clouds.http import HttpClient
from shared.model.action import Outcome
from shared.model.alert import Severity
from shared.model.errors import (
    FailureReason,
    PermanentFailure,
    SettingsError,
    TransientFailure,
)
from shared.model.http import Reply
from shared.model.ticket import Remark, Stage
from shared.triage import policy
from tests.factories import make_incident
from tests.fakes.clock import Clock
from tests.fakes.http import FakeHttp
from tests.fakes.ports import make_ports
from tests.unit.responders.tickets import (
    DEDUP_KEY,
    acknowledging,
    ending,
    opening,
    read,
    telling_news,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from devhost.outside.jira import Issue
    from responders.tickets import Goal
    from shared.model.http import Http

SETTINGS: dict[str, Any] = {
    "url": "https://contoso.atlassian.net",
    "user": "firewatch@contoso.com",
    "token": {"setting": "TOKEN"},
    "project": "SEC",
}


def make_jira(http: Http, **changes: Any) -> Jira:  # noqa: ANN401  settings
    config = msgspec.convert(SETTINGS | changes, Jira.Config)
    return Jira("tickets", config, make_ports(http, {"TOKEN": "t0ken"}))


class Site:
    """A site that Firewatch and people work on."""

    def __init__(self, outside: Outside, http: HttpClient, clock: Clock) -> None:
        self.outside = outside
        self.http = http
        self.clock = clock

    def jira(self, **changes: Any) -> Jira:  # noqa: ANN401  settings
        return make_jira(self.http, url=f"{self.outside.url}/jira", **changes)

    @property
    def issue(self) -> Issue:
        """The only one there is."""
        [issue] = self.outside.jira.issues.values()
        return issue

    @property
    def said(self) -> list[str]:
        """The comments, as people read them."""
        return [adf.text(each.body) for each in self.issue.comments]

    async def person(self, method: str, path: str, body: dict[str, Any]) -> None:
        """What somebody there does with the issue."""
        self.clock.step(timedelta(seconds=1))
        pair = base64.b64encode(b"grace@contoso.com:x").decode()
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.request(
                method,
                f"{self.outside.url}/jira/rest/api/3/issue/SEC-1/{path}",
                json=body,
                headers={"authorization": f"Basic {pair}"},
            )
        assert answer.status_code < 300, answer.text


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with a_site() as found:
        yield found


@asynccontextmanager
async def a_site() -> AsyncIterator[Site]:
    clock, http = Clock(), HttpClient()
    async with Outside.start(clock=clock) as outside:
        try:
            yield Site(outside, http, clock)
        finally:
            await http.close()


# Opening


async def test_an_incident_is_an_issue_with_its_key(site: Site) -> None:
    """Title, type, priority by severity, labels, and fields of the policy."""
    jira = site.jira(
        type="Incident",
        priority={"high": "Highest"},
        labels=["soc"],
        fields={"components": [{"name": "SOC"}]},
    )

    outcome = await jira.apply(await opening(jira))

    assert outcome == Outcome(reference="SEC-1")
    fields = site.issue.fields
    assert fields["issuetype"] == {"name": "Incident"}
    assert fields["priority"] == {"name": "Highest"}
    assert fields["labels"] == [DEDUP_KEY, "soc"]
    assert fields["components"] == [{"name": "SOC"}]
    assert fields["summary"].startswith("High: Possible web shell detected on vm-web")
    assert "What happened" in adf.text(fields["description"])


async def test_a_severity_that_has_no_priority_leaves_it_to_jira(site: Site) -> None:
    """What the policy does not name is not sent."""
    jira = site.jira(priority={"high": "Highest"})

    await jira.apply(await opening(jira, make_incident(severity=Severity.LOW)))

    assert "priority" not in site.issue.fields


async def test_a_repeat_finds_the_issue(site: Site) -> None:
    """Be it closed meanwhile: the notice is about that issue and no other."""
    jira = site.jira()
    action = await opening(jira)
    await jira.apply(action)
    await site.person("POST", "transitions", {"transition": {"id": "31"}})

    assert await jira.apply(action) == Outcome(reference="SEC-1")
    assert len(site.outside.jira.issues) == 1


async def test_an_answer_that_got_lost_is_asked_for_when_the_search_knows(
    site: Site,
) -> None:
    """The issue was made; after the time that is asked for it is found."""
    site.outside.jira.lag = INDEX_LAG - timedelta(seconds=1)
    jira = site.jira()
    action = await opening(jira)
    # The search is well; what makes the issue is not.
    http = LosesThePost(site.http)
    unlucky = make_jira(http, url=f"{site.outside.url}/jira")

    with pytest.raises(TransientFailure) as caught:
        await unlucky.apply(action)
    site.clock.step(caught.value.retry_after or timedelta(0))
    outcome = await jira.apply(action)

    assert outcome == Outcome(reference="SEC-1")
    assert len(site.outside.jira.issues) == 1


class LosesThePost:
    """An Http that loses the answer to whatever makes an issue."""

    def __init__(self, inner: HttpClient) -> None:
        self._inner = inner
        self.post = inner.post
        self.get = inner.get

    async def send(self, method: str, url: str, **given: Any) -> Reply:  # noqa: ANN401  as the port
        reply = await self._inner.send(method, url, **given)
        if url.endswith("/issue"):
            raise TransientFailure(FailureReason.TIMEOUT, "no answer in time")
        return reply


async def test_a_longer_wait_that_jira_asks_for_is_kept() -> None:
    """Its own Retry-After counts where it is more than the search needs."""
    http = FakeHttp(
        Reply(status=200, headers={}, body=b'{"issues":[]}'),
        Reply(status=429, headers={"retry-after": "600"}, body=b""),
    )
    jira = make_jira(http)

    with pytest.raises(TransientFailure) as caught:
        await jira.apply(await opening(jira))

    assert caught.value.retry_after == timedelta(minutes=10)


@pytest.mark.parametrize("body", [b"", b"<html>Sign in</html>", b"[]", b"[" * 5_000])
async def test_a_page_instead_of_an_answer_is_no_answer(body: bytes) -> None:
    """Nothing is made on the word of a search that was not understood."""
    http = FakeHttp(default=Reply(status=200, headers={}, body=body))
    jira = make_jira(http)

    with pytest.raises(TransientFailure):
        await jira.apply(await opening(jira))

    assert len(http.sent) == 1


async def test_an_issue_without_the_label_is_not_taken_for_ours() -> None:
    """A query that was not applied finds other people's issues."""
    other = b'{"issues":[{"key":"SEC-9","fields":{"labels":["fw-other"]}}]}'
    http = FakeHttp(
        Reply(status=200, headers={}, body=other),
        Reply(status=201, headers={}, body=b'{"key":"SEC-10"}'),
    )
    jira = make_jira(http)

    assert await jira.apply(await opening(jira)) == Outcome(reference="SEC-10")


@pytest.mark.parametrize("key", ["", "SEC", "SEC-1/comment", "sec-1", "../SEC-1"])
async def test_a_key_that_is_none_goes_into_no_url(key: str) -> None:
    """What the other side calls an issue is checked before it is used."""
    body = msgspec.json.encode({"key": key})
    http = FakeHttp(
        Reply(status=200, headers={}, body=b'{"issues":[]}'),
        Reply(status=201, headers={}, body=body),
    )
    jira = make_jira(http)

    with pytest.raises(PermanentFailure):
        await jira.apply(await opening(jira))


# Telling


async def test_news_is_a_comment(site: Site) -> None:
    """Why, what is new, and nothing of what the description has said."""
    jira = site.jira()
    opened = await jira.apply(await opening(jira))

    await jira.apply(await telling_news(jira, opened.reference))

    [said] = site.said
    assert said.startswith("New resource: High: Possible web shell")
    assert "New resource: vm-web-02" in said
    assert "What happened" not in said


async def test_a_comment_is_made_once(site: Site) -> None:
    """A notice that is sent again finds the comment that it made."""
    jira = site.jira()
    opened = await jira.apply(await opening(jira))
    news = await telling_news(jira, opened.reference)

    await jira.apply(news)
    await jira.apply(news)

    assert len(site.issue.comments) == 1


async def test_an_update_without_reference_searches(site: Site) -> None:
    """The key of the notice is as good."""
    jira = site.jira()
    await jira.apply(await opening(jira))

    outcome = await jira.apply(await telling_news(jira, ""))

    assert outcome == Outcome(reference="SEC-1")
    assert len(site.issue.comments) == 1


async def test_the_end_of_what_was_never_opened_is_nothing(site: Site) -> None:
    """No issue is made to be closed."""
    jira = site.jira()

    assert await jira.apply(await ending(jira, "")) == Outcome()
    assert site.outside.jira.issues == {}


# Moving


async def test_an_acknowledgement_is_told_and_changes_no_status(site: Site) -> None:
    """Unless the policy says so."""
    jira = site.jira()
    opened = await jira.apply(await opening(jira))

    await jira.apply(await acknowledging(jira, opened.reference))

    [said] = site.said
    assert "Acknowledged by ada at 2026-11-23T12:00:00.000Z: looking" in said
    assert site.issue.status == "To Do"


@pytest.mark.parametrize("progress", [True, "In Progress", "Start progress"])
async def test_an_acknowledgement_moves_the_issue_where_the_policy_says(
    site: Site, progress: Goal
) -> None:
    """By what the status means, its name, or the name of the transition."""
    jira = site.jira(progress=progress)
    opened = await jira.apply(await opening(jira))

    await jira.apply(await acknowledging(jira, opened.reference))

    assert site.issue.status == "In Progress"


@pytest.mark.parametrize("close", [True, "Done", "Close issue"])
async def test_the_end_closes_the_issue_where_the_policy_says(
    site: Site, close: Goal
) -> None:
    """With a comment that says who ended it, and the resolution of the policy."""
    jira = site.jira(close=close, resolution="Fixed")
    opened = await jira.apply(await opening(jira))

    await jira.apply(await ending(jira, opened.reference))

    [said] = site.said
    assert "Resolved by ada at 2026-11-23T12:00:00.000Z: rotated the keys" in said
    assert (site.issue.status, site.issue.resolution) == ("Done", "Fixed")


async def test_the_end_leaves_the_status_to_people(site: Site) -> None:
    """Unless the policy says so."""
    jira = site.jira()
    opened = await jira.apply(await opening(jira))

    await jira.apply(await ending(jira, opened.reference))

    assert site.issue.status == "To Do"


async def test_what_people_closed_stays_as_they_left_it(site: Site) -> None:
    """Neither an acknowledgement nor an end of ours moves it again."""
    jira = site.jira(progress=True, close="In Progress")
    opened = await jira.apply(await opening(jira))
    await site.person("POST", "transitions", {"transition": {"id": "31"}})

    await jira.apply(await acknowledging(jira, opened.reference))
    await jira.apply(await ending(jira, opened.reference))

    assert site.issue.status == "Done"


async def test_a_status_that_nothing_leads_to_is_told_of(site: Site) -> None:
    """The comment is there; the failure says what to mend, once."""
    jira = site.jira(close="Verworfen")
    opened = await jira.apply(await opening(jira))

    with pytest.raises(PermanentFailure, match="no transition leads"):
        await jira.apply(await ending(jira, opened.reference))

    assert len(site.issue.comments) == 1


async def test_a_move_that_is_sent_again_is_made_once(site: Site) -> None:
    """It is where it should be, and says nothing twice."""
    jira = site.jira(close=True)
    opened = await jira.apply(await opening(jira))
    end = await ending(jira, opened.reference)

    await jira.apply(end)
    await jira.apply(end)

    assert (site.issue.status, len(site.issue.comments)) == ("Done", 1)


# Reading


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


# Settings


def test_every_mistake_is_named_at_once() -> None:
    """Each with its path, and no value of it."""
    with pytest.raises(SettingsError) as caught:
        make_jira(
            FakeHttp(),
            url="http://contoso.example",
            user="",
            project='SEC" OR project = "HR',
            labels=["two words"],
            fields={"summary": "mine"},
        )

    assert [problem.split(":")[0] for problem in caught.value.problems] == [
        "responders.tickets.url must begin with https",
        "responders.tickets.project",
        "responders.tickets.user",
        "responders.tickets.labels",
        "responders.tickets.fields",
    ]


def test_settings_are_read_as_a_policy_has_them() -> None:
    """A state is said by its name, or by whether there is to be one."""
    good = SETTINGS | {"close": True, "progress": "In Progress"}
    config, problems = policy.convert(good, Jira.Config)
    assert config is not None, problems
    assert (config.close, config.progress) == (True, "In Progress")

    bad = SETTINGS | {"close": 31, "acknowledges": "assignee"}
    _, problems = policy.convert(bad, Jira.Config)
    assert [*map(str, problems)] == [
        "$.close: expected true or false, or expected a text; put it in quotes",
        "$.acknowledges: expected one of owner, progress, never",
    ]


async def test_a_key_of_a_notice_that_breaks_a_query_is_refused() -> None:
    """Keys are ours; one that is not goes into no query."""
    http = FakeHttp()
    jira = make_jira(http)
    action = replace(await opening(jira), dedup_key='fw" OR project = "HR')

    with pytest.raises(PermanentFailure):
        await jira.apply(action)

    assert http.sent == []
