"""Page tests by HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.model.incident import IncidentStatus
from tests.fakes.api import Api
from tests.fakes.app import POLICY

if TYPE_CHECKING:
    from pathlib import Path

WITH_PEOPLE = (
    POLICY
    + """
on_call:
  people:
    ana: {contacts: {hook: ana@example.com}}
"""
)


@pytest.fixture
def quiet(tmp_path: Path) -> Api:
    """An app in which nothing has happened."""
    return Api(tmp_path, policy=WITH_PEOPLE)


async def test_a_test_is_an_incident_of_its_own(quiet: Api) -> None:
    """Whoever asked can follow it as any other."""
    reply = await quiet.post(
        "/api/page-tests",
        {"targets": ["ana"], "routes": ["routes[0]"]},
        x_firewatch_by="bob",
    )

    assert reply.status == 201
    assert reply.body["drill"] == ["ana", "hook"]
    assert reply.body["title"] == (
        "Page test for ana, hook, asked for by key (says bob)"
    )
    assert reply.body["is_sample"]
    shown = await quiet.get(f"/api/incidents/{reply.body['id']}/explain")
    assert "It is a page test, and goes to ana and hook alone." in shown.body["lines"]
    assert shown.body["routes"] == []
    assert not [line for line in shown.body["lines"] if line.startswith("Route")]


async def test_the_app_sends_it(quiet: Api) -> None:
    """By its own worker, to each contact that was named."""
    reply = await quiet.post("/api/page-tests", {"targets": ["ana", "hook"]})
    respond = await quiet.app.respond()

    await respond([reply.body["id"]])

    shown = await quiet.get(f"/api/incidents/{reply.body['id']}/actions")
    # Nothing listens where the hook is.
    assert [(a["responder"], a["status"]) for a in shown.body["actions"]] == [
        ("hook", "retry"),
        ("hook", "retry"),
    ]


async def test_sent_twice_it_is_one(quiet: Api) -> None:
    """Under a key of the sender's own."""
    sent = [
        await quiet.post("/api/page-tests", {"targets": ["ana"]}, idempotency_key="a")
        for _ in range(2)
    ]

    assert [reply.status for reply in sent] == [201, 201]
    assert sent[0].body["id"] == sent[1].body["id"]
    assert (await quiet.world.head()).status is IncidentStatus.OPEN
    other = await quiet.post(
        "/api/page-tests", {"targets": ["hook"]}, idempotency_key="a"
    )
    assert other.status == 409


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "name whom to test"),
        ({"targets": ["zoe"]}, "no person, schedule or responder is named zoe"),
        ({"routes": ["zoe"]}, "no route is named zoe"),
        ({"targets": ["a/b"]}, "Expected `str` matching regex"),
        ({"targets": ["ana"] * 21}, "Expected `array` of length <= 20"),
    ],
)
async def test_what_cannot_be_tested_is_said(
    quiet: Api, body: dict[str, list[str]], said: str
) -> None:
    """And nobody is told."""
    reply = await quiet.post("/api/page-tests", body)

    assert reply.status == 400
    assert said in reply.body["problems"][0]["problem"]
    assert await quiet.world.heads() == []
