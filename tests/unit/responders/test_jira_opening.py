"""An incident is one issue of Jira, whatever answers get lost."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from msgspec.structs import replace

from responders.jira import INDEX_LAG
from responders.tickets import adf
from shared.model.action import Outcome
from shared.model.alert import Severity
from shared.model.errors import (
    FailureReason,
    PermanentFailure,
    TransientFailure,
)
from shared.model.http import Reply
from tests.factories import make_incident
from tests.fakes.http import FakeHttp
from tests.unit.responders.tickets import (
    DEDUP_KEY,
    opening,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from shared.clouds.http import HttpClient


from tests.unit.responders.jira import Site, a_site, make_jira


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with a_site() as found:
        yield found


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


async def test_a_key_of_a_notice_that_breaks_a_query_is_refused() -> None:
    """Keys are ours; one that is not goes into no query."""
    http = FakeHttp()
    jira = make_jira(http)
    action = replace(await opening(jira), dedup_key='fw" OR project = "HR')

    with pytest.raises(PermanentFailure):
        await jira.apply(action)

    assert http.sent == []
