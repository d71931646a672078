"""Silences by HTTP."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.alerts import event
from tests.fakes.api import Api

if TYPE_CHECKING:
    from pathlib import Path

POLICY = """
responders:
  hook: {use: webhook, url: "http://127.0.0.1:1/x", secret: {setting: HOOK_KEY}}
routes:
  - to: [hook]
suppress:
  - name: of-the-policy
    match: [severity=low]
    reason: noise
    owner: soc
    until: 2026-12-01T00:00:00Z
"""


def silence(**changes: Any) -> dict[str, Any]:  # noqa: ANN401  JSON
    """One day in which the machine of the default alert is patched."""
    default = {
        "name": "patching",
        "match": ["host=vm-web-01"],
        "reason": "patches",
        "owner": "ops",
        "until": "2026-11-24T12:00:00Z",
    }
    return {k: v for k, v in (default | changes).items() if v is not ...}


@pytest.fixture
def api(tmp_path: Path) -> Api:
    """An app with one silence of its policy."""
    return Api(tmp_path, policy=POLICY)


async def test_a_silence_that_is_made_holds_and_is_reported(api: Api) -> None:
    """201 with its address; what it hid is listed with it."""
    made = await api.post(
        "/api/silences", silence(match=["severity=high"]), x_firewatch_by="ada"
    )
    await api.world.worker.ingest([event()])
    await api.world.deliver()

    found = await api.get("/api/silences/Patching")

    head = await api.world.head()
    assert made.status == 201
    assert made.headers["location"] == "/api/silences/patching"
    assert made.body["made"]["by"] == "key (says ada)"
    assert (made.body["mode"], made.body["warn"]) == ("active", 3600)
    assert found.body["incidents"] == [head.id]
    assert found.body["is_in_force"]
    assert head.hold is not None


async def test_the_list_has_those_of_the_policy_too(api: Api) -> None:
    """Made by nobody, and nobody can end them here."""
    await api.post("/api/silences", silence(mode="monitor", warn=0))

    listed = (await api.get("/api/silences")).body["silences"]
    ended = await api.delete("/api/silences/of-the-policy")

    assert [each["name"] for each in listed] == ["of-the-policy", "patching"]
    assert [bool(each["made"]) for each in listed] == [False, True]
    assert ended.status == 409


async def test_ending_one_lets_go_of_what_it_held(api: Api) -> None:
    """At once; ended again, it is what it was."""
    await api.post("/api/silences", silence(match=["severity=high"]))
    await api.world.worker.ingest([event()])
    await api.world.deliver()
    api.world.clock.step(timedelta(minutes=1))

    ended = await api.delete("/api/silences/patching")
    again = await api.delete("/api/silences/patching")

    assert (ended.status, ended.body["is_in_force"]) == (200, False)
    assert again.body == ended.body
    await api.world.settle()
    assert api.world.pager.sent_verbs() == ["trigger"]


async def test_a_name_is_taken_once(api: Api) -> None:
    """409; under the same key it is the answer of before."""
    once = {"idempotency_key": "k"}
    first = await api.post("/api/silences", silence(), **once)
    again = await api.post("/api/silences", silence(), **once)
    other = await api.post("/api/silences", silence(reason="more"))

    assert (first.status, again.status, other.status) == (201, 201, 409)
    assert again.body == first.body


@pytest.mark.parametrize(
    ("changes", "paths"),
    [
        ({"name": "of/the"}, ["body.name"]),
        ({"name": "of\n"}, ["body.name"]),
        ({"match": []}, ["body.match"]),
        ({"match": ["x"]}, ["body.match[0]"]),
        (
            {"match": ["severity=low"], "break_through": ["ip=x"]},
            ["body.break_through[0]"],
        ),
        ({"reason": "\u200b", "owner": " "}, ["body.reason", "body.owner"]),
        ({"until": "2026-11-23T11:00:00Z"}, ["body.until"]),
        ({"until": "2027-11-23T11:00:00Z"}, ["body.until"]),
        ({"until": "9999-12-31T23:59:59Z"}, ["body.until"]),
        ({"starts": "9999-12-31T23:59:59Z"}, ["body.starts"]),
        ({"starts": "2026-11-25T00:00:00Z"}, ["body.until"]),
        ({"until": ..., "owner": ...}, ["body.owner", "body.until"]),
        ({"mode": "loud", "warn": -1}, ["body.mode", "body.warn"]),
        ({"forever": True}, ["body.forever"]),
    ],
)
async def test_every_mistake_is_named(
    api: Api, changes: dict[str, Any], paths: list[str]
) -> None:
    """400, and nothing is made."""
    reply = await api.post("/api/silences", silence(**changes))

    assert reply.status == 400
    assert [each["path"] for each in reply.body["problems"]] == paths
    assert len((await api.get("/api/silences")).body["silences"]) == 1


async def test_one_that_is_not_there_is_404(api: Api) -> None:
    """To read and to end."""
    assert (await api.get("/api/silences/nobody")).status == 404
    assert (await api.delete("/api/silences/nobody")).status == 404
    for name in ("no%20body", "nobody%0A", "%00", "s%7Cx"):
        for method in ("GET", "DELETE"):
            reply = await api.ask(method, f"/api/silences/{name}")
            assert reply.status == 400, name
