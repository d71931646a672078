"""What becomes of a work item, at a stand-in that is as strict as Azure Boards."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import msgspec
import pytest
from msgspec.structs import replace

from devhost.outside import Outside
from responders.boards import PRIORITY, Boards
from responders.tickets import OVERLAP, html
from responders.tickets.boards_api import SCOPE
from shared.clouds.http import HttpClient
from shared.model.action import Outcome
from shared.model.alert import Severity
from shared.model.errors import PermanentFailure, SettingsError, TransientFailure
from shared.model.http import Reply
from shared.model.ticket import Stage
from tests.conformance.kit import hostile_incident
from tests.factories import make_incident
from tests.fakes.clock import Clock
from tests.fakes.http import FakeHttp
from tests.fakes.ports import TOKEN, make_ports
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

    from devhost.outside.boards import WorkItem
    from responders.tickets import Goal
    from shared.model.http import Http

SETTINGS: dict[str, Any] = {
    "url": "https://dev.azure.com/contoso",
    "project": "Cloud Security",
    "token": {"setting": "TOKEN"},
}


def make_boards(http: Http, **changes: Any) -> Boards:  # noqa: ANN401  settings
    config = msgspec.convert(SETTINGS | changes, Boards.Config)
    return Boards("backlog", config, make_ports(http, {"TOKEN": "t0ken"}))


class Project:
    """A project that Firewatch and people work on."""

    def __init__(self, outside: Outside, http: HttpClient, clock: Clock) -> None:
        self.outside = outside
        self.http = http
        self.clock = clock

    def boards(self, **changes: Any) -> Boards:  # noqa: ANN401  settings
        return make_boards(self.http, url=f"{self.outside.url}/boards", **changes)

    @property
    def item(self) -> WorkItem:
        """The only one there is."""
        [item] = self.outside.boards.items.values()
        return item

    @property
    def said(self) -> list[str]:
        """The discussion, as people read it."""
        return [html.text(each.text) for each in self.item.comments]

    async def person(self, **fields: str) -> None:
        """What somebody there sets or says."""
        self.clock.step(timedelta(seconds=1))
        pair = base64.b64encode(b"Grace Hopper:x").decode()
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.patch(
                f"{self.outside.url}/boards/Cloud%20Security/_apis/wit/workitems/1"
                "?api-version=7.1",
                content=msgspec.json.encode(
                    [
                        {"op": "add", "path": f"/fields/System.{name}", "value": value}
                        for name, value in fields.items()
                    ]
                ),
                headers={
                    "authorization": f"Basic {pair}",
                    "content-type": "application/json-patch+json",
                },
            )
        assert answer.status_code == 200, answer.text


@pytest.fixture
async def project() -> AsyncIterator[Project]:
    clock, http = Clock(), HttpClient()
    async with Outside.start(clock=clock) as outside:
        try:
            yield Project(outside, http, clock)
        finally:
            await http.close()


# Opening


async def test_an_incident_is_a_work_item_with_its_key(project: Project) -> None:
    """Title, text, priority by severity, tags, and fields of the policy."""
    boards = project.boards(
        type="Security Issue",
        priority={"high": 1},
        tags=["soc"],
        fields={"System.AreaPath": "Security"},
    )

    outcome = await boards.apply(await opening(boards))

    assert outcome == Outcome(reference="1")
    assert project.item.kind == "Security Issue"
    fields = project.item.fields
    assert fields["System.Title"].startswith("High: Possible web shell detected on")
    assert fields["System.Tags"] == f"{DEDUP_KEY}; soc"
    assert fields["System.AreaPath"] == "Security"
    assert fields[PRIORITY] == 1
    assert "<p><b>What happened</b></p><ul><li>" in fields["System.Description"]


async def test_a_severity_that_has_no_priority_leaves_it_to_boards(
    project: Project,
) -> None:
    """And the text stands where the policy says."""
    boards = project.boards(priority={"high": 1}, text="Custom.Story")

    await boards.apply(await opening(boards, make_incident(severity=Severity.LOW)))

    assert PRIORITY not in project.item.fields
    assert "What happened" in project.item.fields["Custom.Story"]
    assert "System.Description" not in project.item.fields


async def test_a_repeat_finds_the_work_item(project: Project) -> None:
    """Be it closed meanwhile: the notice is about that one and no other."""
    boards = project.boards()
    action = await opening(boards)
    await boards.apply(action)
    await project.person(State="Done")

    assert await boards.apply(action) == Outcome(reference="1")
    assert len(project.outside.boards.items) == 1


async def test_markup_in_an_alert_is_text(project: Project) -> None:
    """Cut first and escaped then, so that no escape is cut through."""
    boards = project.boards()
    text = '<img src=x onerror="alert(1)">&' * 40

    await boards.apply(await opening(boards, hostile_incident(text)))

    said = project.item.fields["System.Description"]
    assert "<img" not in said
    assert "&lt;img src=x onerror=&quot;alert(1)&quot;&gt;&amp;" in said
    assert len(said) <= 30_000
    assert text[:100] in html.text(said)


@pytest.mark.parametrize("number", [0, -1, 10**12])
async def test_an_id_that_is_none_goes_into_no_url(number: int) -> None:
    """What the other side calls a work item is checked before it is used."""
    made = msgspec.json.encode({"workItems": [], "id": number})
    http = FakeHttp(default=Reply(status=200, headers={}, body=made))
    boards = make_boards(http)

    with pytest.raises(PermanentFailure):
        await boards.apply(await opening(boards))


async def test_a_page_to_sign_in_is_no_answer() -> None:
    """Nothing is made on the word of it."""
    http = FakeHttp(default=Reply(status=200, headers={}, body=b"<html>Sign in</html>"))
    boards = make_boards(http)

    with pytest.raises(TransientFailure):
        await boards.apply(await opening(boards))

    assert len(http.sent) == 1


# Signing in


async def test_a_personal_token_signs_in_without_a_name() -> None:
    """As Azure DevOps has it."""
    http = FakeHttp(default=Reply(status=200, headers={}, body=b'{"workItems":[]}'))
    boards = make_boards(http)

    await boards.apply(await ending(boards, ""))

    expected = base64.b64encode(b":t0ken").decode()
    assert http.sent[0].headers["authorization"] == f"Basic {expected}"


async def test_without_one_the_identity_of_the_app_signs_in() -> None:
    """With a token for Azure DevOps and for nobody else."""
    asked = []

    async def token(scope: str) -> str:
        asked.append(scope)
        return TOKEN

    http = FakeHttp(default=Reply(status=200, headers={}, body=b'{"workItems":[]}'))
    config = msgspec.convert(SETTINGS | {"token": None}, Boards.Config)
    ports = make_ports(http, {})._replace(token=token)
    boards = Boards("backlog", config, ports)

    await boards.apply(await ending(boards, ""))

    assert asked == [SCOPE]
    assert http.sent[0].headers["authorization"] == f"Bearer {TOKEN}"


# Telling and moving


async def test_news_is_said_once(project: Project) -> None:
    """A notice that is sent again finds what it said."""
    boards = project.boards()
    opened = await boards.apply(await opening(boards))
    news = await telling_news(boards, opened.reference)

    await boards.apply(news)
    await boards.apply(news)

    [said] = project.said
    assert "New resource: vm-web-02" in said
    assert project.item.rev == 2


async def test_the_end_of_what_was_never_opened_is_nothing(project: Project) -> None:
    """No work item is made to be closed."""
    boards = project.boards(close=True)

    assert await boards.apply(await ending(boards, "")) == Outcome()
    assert project.outside.boards.items == {}


@pytest.mark.parametrize(
    ("progress", "state"), [(False, "To Do"), (True, "Doing"), ("Done", "Done")]
)
async def test_an_acknowledgement_sets_the_state_of_the_policy(
    project: Project, progress: Goal, state: str
) -> None:
    """And says who works on it in any case."""
    boards = project.boards(progress=progress)
    opened = await boards.apply(await opening(boards))

    await boards.apply(await acknowledging(boards, opened.reference))

    [said] = project.said
    assert "Acknowledged by ada at 2026-11-23T12:00:00.000Z: looking" in said
    assert project.item.fields["System.State"] == state


@pytest.mark.parametrize(
    ("close", "state"), [(False, "To Do"), (True, "Done"), ("Doing", "Doing")]
)
async def test_the_end_sets_the_state_of_the_policy_once(
    project: Project, close: Goal, state: str
) -> None:
    """State and words are one change, however often it is sent."""
    boards = project.boards(close=close)
    opened = await boards.apply(await opening(boards))
    end = await ending(boards, opened.reference)

    await boards.apply(end)
    await boards.apply(end)

    assert project.item.fields["System.State"] == state
    assert (project.item.rev, len(project.said)) == (2, 1)


async def test_what_people_closed_stays_as_they_left_it(project: Project) -> None:
    """Neither an acknowledgement nor an end of ours changes its state."""
    boards = project.boards(progress=True, close="Doing")
    opened = await boards.apply(await opening(boards))
    await project.person(State="Done")

    await boards.apply(await acknowledging(boards, opened.reference))
    await boards.apply(await ending(boards, opened.reference))

    assert project.item.fields["System.State"] == "Done"


async def test_a_state_that_the_type_has_not_is_told_of() -> None:
    """The failure says what to mend, once."""
    http = FakeHttp(
        Reply(status=200, headers={}, body=b'{"id":1,"fields":{"System.State":"New"}}'),
        Reply(status=200, headers={}, body=b'{"value":[{"name":"New"}]}'),
    )
    boards = make_boards(http, close=True)

    with pytest.raises(PermanentFailure, match="no state that means closed"):
        await boards.apply(await ending(boards, "1"))


# Reading


async def test_what_is_new_there_is_read(project: Project) -> None:
    """State, owner, and what people said, without its tags."""
    boards = project.boards()
    await boards.apply(await opening(boards))
    await project.person(AssignedTo="Grace Hopper", State="Doing")
    await project.person(History="<div>It is <b>us</b>.<br>&lt;Really&gt;</div>")

    found = (await read(boards, {"1": ""}))["1"]

    assert (found.stage, found.owner) == (Stage.IN_PROGRESS, "Grace Hopper")
    assert found.name == "#1"
    [remark] = found.remarks
    assert (remark.by, remark.text) == ("Grace Hopper", "It is us.\n<Really>")


async def test_a_version_that_is_known_is_nothing_new(project: Project) -> None:
    """Nor is an older one."""
    boards = project.boards()
    await boards.apply(await opening(boards))
    await project.person(State="Done")
    found = (await read(boards, {"1": ""}))["1"]

    assert found.stage is Stage.CLOSED
    assert found.version == "2/2026-11-23T12:00:01.000Z"
    assert await read(boards, {"1": found.version}) == {}
    assert await read(boards, {"1": "3/2026-11-23T12:00:01.000Z"}) == {}


async def test_what_we_said_does_not_come_back(project: Project) -> None:
    """What people said does, and only what they said since."""
    boards = project.boards()
    opened = await boards.apply(await opening(boards))
    await project.person(History="first")
    project.clock.step(OVERLAP)
    await project.person(State="Doing")
    version = (await read(boards, {"1": ""}))["1"].version
    project.clock.step(timedelta(seconds=1))
    await boards.apply(await telling_news(boards, opened.reference))
    await project.person(History=f"<blockquote>{project.said[-1]}</blockquote>Ours?")

    found = await read(boards, {"1": version})

    [remark] = found["1"].remarks
    assert remark.text.endswith("Ours?")


async def test_a_work_item_that_is_gone_keeps_no_other_from_being_read(
    project: Project,
) -> None:
    """It is left out, and so is what is no id at all."""
    boards = project.boards()
    await boards.apply(await opening(boards))

    assert [*await read(boards, {"77": "", "1": "", "1/x": ""})] == ["1"]


async def test_a_discussion_that_may_not_be_read_is_left_out() -> None:
    """The state is read all the same; one that nobody knows is new."""
    item = b'{"value":[{"id":1,"rev":2,"fields":{"System.State":"Odd"}}]}'
    http = FakeHttp(
        Reply(status=200, headers={}, body=item),
        Reply(status=403, headers={}, body=b""),
        Reply(status=200, headers={}, body=b'{"value":[]}'),
    )

    found = (await read(make_boards(http), {"1": ""}))["1"]

    assert (found.stage, found.remarks) == (Stage.NEW, ())


async def test_many_work_items_are_read_at_once() -> None:
    """As many as Boards gives."""
    http = FakeHttp(default=Reply(status=200, headers={}, body=b'{"value":[]}'))

    await read(make_boards(http), {str(number): "" for number in range(1, 251)})

    assert [len(sent.json["ids"]) for sent in http.sent] == [200, 50]


# Settings


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"url": "http://dev.azure.example"}, "url"),
        ({"project": ""}, "project"),
        ({"type": ""}, "project"),
        ({"priority": {"high": 5}}, "priority"),
        ({"tags": ["a;b"]}, "tags"),
        ({"fields": {"System.Title": "mine"}}, "fields"),
        ({"fields": {"System.Description": "mine"}}, "fields"),
    ],
)
def test_a_mistake_is_named(changes: dict[str, Any], field: str) -> None:
    """With its path, and no value of it."""
    with pytest.raises(SettingsError) as caught:
        make_boards(FakeHttp(), **changes)

    [problem] = caught.value.problems
    assert problem.startswith(f"responders.backlog.{field}")


async def test_a_key_of_a_notice_that_breaks_a_query_is_refused() -> None:
    """Keys are ours; one that is not goes into no query."""
    http = FakeHttp()
    boards = make_boards(http)
    action = replace(await opening(boards), dedup_key="fw' OR [System.Id] > 0 --")

    with pytest.raises(PermanentFailure):
        await boards.apply(action)

    assert http.sent == []
