"""The API of a running app, through the host's own routes and real storage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx

from tests.acceptance.world import alert, encoded, eventually, firewatch

if TYPE_CHECKING:
    from tests.acceptance.world import World


def _ask(world: World, method: str, path: str, **options: Any) -> httpx.Response:  # noqa: ANN401
    key = {"x-functions-key": world.local.function_key}
    headers = key | options.pop("headers", {})
    with httpx.Client(trust_env=False, timeout=30) as client:
        url = world.local.url + path
        return client.request(method, url, headers=headers, **options)


def _wait_until_told(world: World, subscription: str) -> None:
    """Return when both responders were told, and that is written down."""

    def is_told() -> bool:
        rows = world.actions(subscription, "soc") + world.actions(
            subscription, "on-call"
        )
        return [row.status for row in rows] == ["applied"] * 2

    eventually(is_told)


def test_an_incident_is_followed_from_alert_to_end(
    world: World, subscription: str
) -> None:
    """Found by filter, explained, acknowledged once, closed, and proved."""
    told = alert(subscription)
    world.send(encoded(told))
    _wait_until_told(world, subscription)

    listed = _ask(
        world,
        "GET",
        "/api/incidents",
        params={"filter": f"subscription={subscription}"},
    )
    (head,) = listed.json()["incidents"]
    path = f"/api/incidents/{head['id']}"
    tag = _ask(world, "GET", path).headers["etag"]
    once = {"if-match": tag, "idempotency-key": f"ack {head['id']}"}
    taken = [
        _ask(world, "POST", f"{path}/acknowledge", json={"note": "me"}, headers=once)
        for _ in range(2)
    ]
    stale = _ask(world, "POST", f"{path}/resolve", json={}, headers={"if-match": tag})
    closed = _ask(
        world, "POST", f"{path}/resolve", json={"classification": "true_positive"}
    )
    eventually(lambda: world.pages(subscription)[0]["resolved"])

    assert [reply.status_code for reply in taken] == [200, 200]
    assert stale.status_code == 412
    assert stale.headers["content-type"].startswith("application/problem+json")
    assert closed.json()["status"] == "closed"
    timeline = _ask(world, "GET", f"{path}/timeline", params={"verify": "true"}).json()
    kinds = [f["kind"] for entry in timeline["timeline"] for f in entry["facts"]]
    assert kinds.count("incident.acknowledged") == 1
    assert timeline["verified"] is True
    why = _ask(world, "GET", f"/api/alerts/{told['SystemAlertId']}/explain").json()
    assert why["incident"] == head["id"]
    assert why["about"]["responders"][0]["is_told"]


def test_the_platform_guards_every_operation(world: World) -> None:
    """401 without a key, and 404 for what no function takes."""
    with httpx.Client(trust_env=False, timeout=30) as client:
        paths = [*_ask(world, "GET", "/api/openapi.json").json()["paths"]]
        assert len(paths) > 10
        for path in paths:
            reply = client.get(world.local.url + path.replace("{", "").replace("}", ""))
            assert reply.status_code in {401, 404}, path
    assert _ask(world, "PUT", "/api/incidents").status_code == 404
    assert _ask(world, "GET", "/api/alerts/a%2Fb").status_code == 404


def test_the_command_says_what_the_api_says(world: World, subscription: str) -> None:
    """Of the same store: filters, and that the chain holds."""
    world.send(encoded(alert(subscription, 2)))
    _wait_until_told(world, subscription)
    (head,) = world.incidents(subscription)
    account = ("--account", world.local.storage)

    listed = firewatch(
        "incidents", "list", "--match", f"subscription={subscription}", *account
    )
    verified = firewatch("incidents", "verify", head.id, *account)
    explained = firewatch("explain", "--incident", head.id, *account)

    assert head.id in listed.stdout
    assert "1 incident" in listed.stdout
    assert verified.exit_code == 0
    assert "consistent, not anchored" in verified.stdout
    assert "it was told at" in explained.stdout
