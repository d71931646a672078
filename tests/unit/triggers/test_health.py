"""Whether the app can do its work."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.commands import Order
from shared.triggers import health
from tests.alerts import event
from tests.fakes.app import POLICY, FakeApp

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def app(tmp_path: Path) -> FakeApp:
    """An app with nothing wrong."""
    return FakeApp(tmp_path)


async def test_a_healthy_app_says_what_it_knows(app: FakeApp) -> None:
    """The books, and when the longest wait ends."""
    await app.world.worker.ingest([event()])

    answer = await health.report(app)

    assert answer.status == 200
    assert answer.content is not None
    assert answer.content["status"] == "ok"
    assert answer.content["books"]["stored"] == 1
    due = (await app.world.head()).due
    assert due is not None
    assert answer.content["oldest_due"] == due.isoformat()


CONTAINS = f"""{POLICY}
contain:
  - {{match: [severity=high], do: [deny]}}
guards: {{mode: act, approvers: [0b1f6471-1bf0-4dda-aec3-cb9272f09590]}}
""".replace("routes:", "  deny: {use: nsg-deny}\nroutes:")


@pytest.mark.parametrize(
    ("changes", "mode", "unarmed"),
    [
        ({"EASY_AUTH": "1", "FIREWATCH_LINK_KEY": "k" * 64}, "act", {}),
        (
            {"FIREWATCH_LINK_KEY": "k" * 64},
            "shadow",
            {"deny": "nobody can sign in: EASY_AUTH is not 1"},
        ),
        (
            {"EASY_AUTH": "1"},
            "shadow",
            {"deny": "approvals cannot be signed: FIREWATCH_LINK_KEY is no key"},
        ),
    ],
)
async def test_what_is_not_armed_says_why(
    tmp_path: Path, changes: dict[str, str], mode: str, unarmed: dict[str, str]
) -> None:
    """Before anything happens; and that somebody stopped everything."""
    app = FakeApp(tmp_path, policy=CONTAINS, changes=changes)

    first = (await health.report(app)).content
    await (await app.stopping()).stop(Order("ada"))
    second = (await health.report(app)).content

    assert first is not None
    assert second is not None
    assert first["containment"] == {"mode": mode, "stopped": None, "unarmed": unarmed}
    assert second["containment"]["stopped"] == app.clock().isoformat()


async def test_a_store_that_is_down_is_unhealthy(app: FakeApp) -> None:
    """503, and which part it is."""
    app.world.faults.go_down()

    answer = await health.report(app)

    assert answer.status == 503
    assert answer.content is not None
    assert answer.content["status"] == "unhealthy"
    assert any(p.startswith("storage") for p in answer.content["problems"])


@pytest.mark.parametrize(
    ("policy", "changes", "said"),
    [
        (POLICY, {"PORTAL_KEY": ""}, "PORTAL_KEY"),
        (POLICY.replace("use: webhook", "use: pigeon"), {}, "pigeon"),
        (POLICY.replace("to: [hook]", "to: [nobody]"), {}, "nobody"),
        ("routes: [", {}, "policy.yaml"),
        (POLICY, {"FIREWATCH_LINK_KEY": "hunter2"}, "FIREWATCH_LINK_KEY"),
    ],
)
async def test_every_mistake_is_shown_once_and_no_secret(
    tmp_path: Path, policy: str, changes: dict[str, str], said: str
) -> None:
    """What to mend, by the name it has in the policy or the settings."""
    changes = {"OTHER": "hunter2-hunter2-hunter2"} | changes
    app = FakeApp(tmp_path, policy=policy, changes=changes)

    answer = await health.report(app)

    assert answer.status == 503
    assert answer.content is not None
    problems = answer.content["problems"]
    assert any(said in p for p in problems) or said == "pigeon"
    assert problems
    assert len(set(problems)) == len(problems)
    assert "hunter2" not in str(answer)
    assert "portal-secret" not in str(answer)
