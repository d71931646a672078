"""`firewatch page-test` against a running app."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cli.run import packaged_policy
from tests.acceptance.world import eventually, firewatch

if TYPE_CHECKING:
    from pathlib import Path

    from tests.acceptance.world import World


def _tests(world: World, incident: str) -> list[dict[str, Any]]:
    """What PagerDuty was sent about a test."""
    taken = world.local.control("GET", "received")["pagerduty"]["events"]
    bodies = [event["body"] for event in taken]
    return [body for body in bodies if f"-{incident}-" in body["dedup_key"]]


def test_a_test_arrives_and_is_closed(world: World, tmp_path: Path) -> None:
    """At PagerDuty and at the webhook, by the app's own worker."""
    policy = tmp_path / "policy.yaml"
    policy.write_bytes(packaged_policy())

    done = firewatch(
        "page-test",
        *("on-call", "--route", "routes[0]", "--by", "ann", "--json"),
        *("--policy", str(policy), "--account", world.local.storage),
    )

    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert [(n["target"], n["status"]) for n in found["notices"]] == [
        ("on-call", "arrived"),
        ("soc", "arrived"),
    ]
    eventually(lambda: len(_tests(world, found["incident"])) == 2)
    opened, closed = _tests(world, found["incident"])
    assert opened["payload"]["summary"] == (
        "[SAMPLE] Informational: Page test for on-call, soc, asked for by cli:ann"
        " (1 alert)"
    )
    assert opened["payload"]["custom_details"]["why"] == "This is a test"
    assert closed["event_action"] == "resolve"
    world.wait_until_quiet()
