"""Tickets at three trackers, on which people work while Firewatch does."""

from __future__ import annotations

import base64
import time
import uuid
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from responders.tickets import adf
from shared.store import reading
from tests.acceptance.world import alert, encoded, eventually, firewatch, started

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.model.incident import Incident
    from tests.acceptance.world import World

POLICY = b"""
responders:
  on-call: {use: pagerduty, routing_key: {setting: PAGERDUTY_ROUTING_KEY}}
  jira:
    use: jira
    url: https://contoso.atlassian.net
    user: firewatch@contoso.com
    token: {setting: JIRA_TOKEN}
    project: SEC
    close: true
    resolves: true
  desk:
    use: servicenow
    url: https://contoso.service-now.com
    user: firewatch
    password: {setting: SERVICENOW_PASSWORD}
    progress: true
    close: true
    close_code: Solution provided
    resolves: true
  backlog:
    use: boards
    url: https://dev.azure.com/contoso
    project: Security
    close: true
routes:
  - {to: [on-call, jira, desk, backlog]}
"""

GRACE = {
    "authorization": "Basic " + base64.b64encode(b"grace@contoso.com:x").decode(),
}


@pytest.fixture(scope="module")
def own() -> Iterator[World]:
    """A world whose policy has three trackers."""
    with started(POLICY) as world:
        yield world


class Case:
    """One incident with its tickets, as people find them at each side."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.subscription = str(uuid.uuid4())
        world.send(encoded(alert(self.subscription)))

    @property
    def incident(self) -> Incident:
        """The incident here, the only one."""
        [incident] = self.world.incidents(self.subscription)
        return incident

    @property
    def came(self) -> list[str]:
        """What came from tickets, in order."""
        incident = self.incident.id
        found = self.world.ask(
            lambda storage: reading.timeline(storage.ledger, incident)
        )
        return [
            f"{entry.by} {fact.kind}: {fact.detail}"
            for entry in found
            if entry.by.startswith("ticket:")
            for fact in entry.facts
        ]

    def ticket(self, responder: str, side: str, what: str) -> dict[str, Any]:
        """The only one that a responder has opened, as its side shows it."""
        rows = self.world.actions(self.subscription, responder)
        [reference] = {row.reference for row in rows if row.verb == "trigger"}
        [found] = [
            each
            for each in received(self.world, side)[what]
            if reference in {each.get(name) for name in ("key", "sys_id")}
            or reference == str(each.get("id"))
        ]
        return dict(found)

    @property
    def issue(self) -> dict[str, Any]:
        return self.ticket("jira", "jira", "issues")

    @property
    def at_desk(self) -> dict[str, Any]:
        return self.ticket("desk", "servicenow", "incidents")

    @property
    def item(self) -> dict[str, Any]:
        return self.ticket("backlog", "boards", "items")

    def sends(self, responder: str) -> list[str]:
        """What a responder was to do, and did."""
        rows = self.world.actions(self.subscription, responder)
        return [row.verb for row in rows if row.status == "applied"]

    def person(self, method: str, path: str, body: dict[str, Any]) -> None:
        """What somebody does at Jira, by the same API."""
        url = f"{self.world.local.outside_url}/jira/rest/api/3/issue"
        with httpx.Client(trust_env=False) as client:
            answer = client.request(
                method, f"{url}/{self.issue['key']}/{path}", json=body, headers=GRACE
            )
        assert answer.status_code < 300, answer.text


def received(world: World, side: str) -> dict[str, Any]:
    """Everything that a side has."""
    found: dict[str, Any] = world.local.control("GET", "received")[side]
    return found


def notes(case: Case) -> list[str]:
    """What was written at the service desk."""
    written = received(case.world, "servicenow")["notes"]
    return [n["value"] for n in written if n["of"] == case.at_desk["sys_id"]]


def test_people_work_in_their_tracker(own: World) -> None:
    """Owner and end come here and go to the other trackers; nothing echoes."""
    case = Case(own)
    own.wait_until_quiet()
    assert [case.issue["status"], case.item["fields"]["System.State"]] == ["To Do"] * 2
    assert case.at_desk["fields"]["state"] == "1"

    key = case.issue["key"]
    said = {"type": "text", "text": "It is us."}
    content = [{"type": "paragraph", "content": [said]}]
    document = {"type": "doc", "version": 1, "content": content}
    case.person("POST", "comment", {"body": document})
    case.person("PUT", "assignee", {"accountId": "Grace Hopper"})
    eventually(lambda: case.incident.acknowledged)
    own.wait_until_quiet()

    assert case.came == [
        "ticket:jira comment: grace@contoso.com: It is us.",
        f"ticket:jira incident.acknowledged: {key} is assigned to Grace Hopper",
    ]
    eventually(lambda: case.at_desk["fields"]["state"] == "2")
    assert own.pages(case.subscription)[0]["acknowledged"]

    case.person("POST", "transitions", {"transition": {"id": "31"}})
    eventually(lambda: case.incident.status == "resolved")
    own.wait_until_quiet()

    eventually(lambda: case.at_desk["fields"]["state"] == "6")
    eventually(lambda: case.item["fields"]["System.State"] == "Done")
    assert own.pages(case.subscription)[0]["resolved"]
    # Time for whatever would come back; the timer runs each second here.
    time.sleep(3)
    own.wait_until_quiet()
    assert case.came[2:] == [f"ticket:jira incident.resolved: {key} was closed"]
    assert [adf.text(each["body"]) for each in case.issue["comments"]] == ["It is us."]
    assert len(notes(case)) == 2
    assert len(case.item["comments"]) == 2
    assert received(own, "jira")["refused"] == []


def test_the_end_here_closes_the_tickets(own: World) -> None:
    """Each in its own way, with who ended it; and none of them says so to us."""
    case = Case(own)
    own.wait_until_quiet()
    incident = case.incident.id

    account = ("--account", own.local.storage)
    done = firewatch("incidents", "resolve", incident, "--by", "ann", *account)

    assert done.exit_code == 0, done.stderr
    eventually(lambda: case.issue["status"] == "Done")
    eventually(lambda: case.at_desk["fields"]["state"] == "6")
    eventually(lambda: case.item["fields"]["System.State"] == "Done")
    own.wait_until_quiet()
    assert case.came == []
    assert "cli:ann" in adf.text(case.issue["comments"][-1]["body"])


def test_a_kill_between_ticket_and_record_makes_no_second_one() -> None:
    """The issue was made, and the app died before it knew."""
    with started(POLICY) as world:
        # The search is answered as ever; the issue is made, and its answer is late.
        world.local.control("POST", "faults", {"side": "jira", "times": 1})
        late = {"side": "jira", "times": 1, "taken": True, "delay_s": 60}
        world.local.control("POST", "faults", late)
        case = Case(world)
        eventually(lambda: received(world, "jira")["issues"])

        world.local.kill_app()
        world.local.control("DELETE", "faults")
        world.local.start_app()
        eventually(lambda: "trigger" in case.sends("jira"), within_s=60)
        world.wait_until_quiet()

        assert [each["key"] for each in received(world, "jira")["issues"]] == ["SEC-1"]
        assert case.issue["key"] == "SEC-1"
        [row] = world.actions(case.subscription, "jira")
        assert row.attempts > 1
        assert len(world.pages(case.subscription)) == 1
