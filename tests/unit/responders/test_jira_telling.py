"""News and ends of an incident are written into its issue of Jira, and move it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.model.action import Outcome
from shared.model.errors import (
    PermanentFailure,
)
from tests.unit.responders.tickets import (
    acknowledging,
    ending,
    opening,
    telling_news,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from responders.tickets import Goal

from tests.unit.responders.jira import Site, a_site


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with a_site() as found:
        yield found


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
