"""Trying a deployed app with a sample alert of Defender."""

from __future__ import annotations

from collections import deque
from typing import Any, TypeVar

import httpx
import msgspec
import pytest

from cli.release.arm import Arm
from cli.release.errors import ReleaseError
from cli.release.smoke import Smoke
from cli.release.waiting import Waiting
from shared.api.views import IncidentView
from tests.unit.cli.test_release_publish import APP, SITE

_T = TypeVar("_T")

HOST = "func-firewatch.azurewebsites.net"
SUBSCRIPTION = "/subscriptions/s/providers/Microsoft.Security/locations"


def incident(name: str = "0dc7da5268711af3", **changes: object) -> dict[str, Any]:
    """A sample incident, as the API shows it, that somebody was told of."""
    return {
        "id": name,
        "title": "[SAMPLE ALERT] Suspicious activity",
        "alerts": 1,
        "paged_at": "2026-11-25T12:00:00Z",
        "paged_by": "samples",
        **changes,
    }


class Azure:
    """Defender, Azure Resource Manager and the app; ``lists`` is what it lists in turn."""

    def __init__(self) -> None:
        self.asked: list[httpx.Request] = []
        self.health = deque([httpx.Response(200, json={"status": "ok"})])
        self.lists: deque[list[dict[str, Any]]] = deque([[], [], [incident()]])
        self.places = [{"name": "westeurope"}]
        self.slept = 0.0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        match (request.url.host, request.url.path.removeprefix(APP)):
            case ("arm.example", ""):
                body: object = SITE
            case ("arm.example", "/host/default/listkeys"):
                body = {"functionKeys": {"default": "k3y"}}
            case ("arm.example", path) if path == SUBSCRIPTION:
                body = {"value": self.places}
            case ("arm.example", path) if path.endswith("/alerts/default/simulate"):
                return httpx.Response(202)
            case (_, "/api/health"):
                return self._next(self.health)
            case (_, "/api/incidents"):
                body = {"incidents": self._next(self.lists), "next": None}
            case (_, path) if path.endswith("/resolve"):
                body = {}
            case _:
                raise AssertionError(request.url)
        return httpx.Response(200, json=body)

    @staticmethod
    def _next(answers: deque[_T]) -> _T:
        """The next answer; the last one for ever."""
        return answers.popleft() if len(answers) > 1 else answers[0]

    def sleep(self, seconds: float) -> None:
        """Let time go by."""
        self.slept += seconds

    def paths(self, method: str) -> list[str]:
        """What was asked by a method, in order."""
        return [r.url.path for r in self.asked if r.method == method]


@pytest.fixture
def azure() -> Azure:
    """Azure, where the sample arrives at the second look."""
    return Azure()


def smoke(azure: Azure, user: str = "", for_s: float = 600) -> object:
    """Try the app."""
    with httpx.Client(transport=httpx.MockTransport(azure)) as http:
        arm = Arm(http, lambda _: "token", "https://arm.example")
        waiting = Waiting(lambda: azure.slept, azure.sleep)
        trial = Smoke(arm, http, waiting, (lambda: user) if user else None)
        return trial(APP, "KeyVaults", for_s)


def test_an_incident_that_was_told_is_success(azure: Azure) -> None:
    """The incident is named, with the route that it was told by."""
    told = smoke(azure)

    assert told == ("0dc7da5268711af3", incident()["title"], "samples", True)
    assert azure.paths("POST") == [
        f"{APP}/host/default/listkeys",
        f"{SUBSCRIPTION}/westeurope/alerts/default/simulate",
        "/api/incidents/0dc7da5268711af3/resolve",
    ]
    simulate = next(r for r in azure.asked if r.url.path.endswith("simulate"))
    assert msgspec.json.decode(simulate.content) == {
        "properties": {"kind": "Bundles", "bundles": ["KeyVaults"]}
    }


def test_the_app_is_asked_with_its_key(azure: Azure) -> None:
    """Azure Resource Manager gives the key, and only the app sees it."""
    smoke(azure)

    keys = {(r.url.host, r.headers.get("x-functions-key")) for r in azure.asked}
    assert keys == {("arm.example", None), (HOST, "k3y")}


def test_the_app_may_want_somebody_who_is_signed_in(azure: Azure) -> None:
    """With App Service Authentication in front the app sees a token too."""
    smoke(azure, user="Bearer me")

    seen = {r.headers["authorization"] for r in azure.asked if r.url.host == HOST}
    assert seen == {"Bearer me"}


def test_an_incident_from_before_counts_when_it_grows(azure: Azure) -> None:
    """A sample of the same kind joins what is open, and that is left as it is."""
    azure.lists = deque([[incident()], [incident()], [incident(alerts=2)]])

    told = smoke(azure)

    assert told == ("0dc7da5268711af3", incident()["title"], "samples", False)
    assert not any(path.endswith("/resolve") for path in azure.paths("POST"))


def test_an_incident_nobody_was_told_of_is_none(azure: Azure) -> None:
    """It came, and that is not enough."""
    azure.lists = deque([[], [incident(paged_at=None)]])

    with pytest.raises(ReleaseError, match="nobody was told: `firewatch explain"):
        smoke(azure)

    assert azure.slept >= 600


def test_nothing_that_came_is_told(azure: Azure) -> None:
    """After the time it is said where to look."""
    azure.lists = deque([[]])

    with pytest.raises(ReleaseError, match="no sample alert came in 10 minutes"):
        smoke(azure)


def test_an_app_that_is_not_healthy_is_sent_nothing(azure: Azure) -> None:
    """Health says why; Defender is not asked for samples that nobody would see."""
    azure.health = deque([httpx.Response(503, json={"problems": ["storage: away"]})])

    with pytest.raises(ReleaseError, match=r"503 .*storage: away"):
        smoke(azure)

    assert not any(path.endswith("/simulate") for path in azure.paths("POST"))


def test_an_app_may_take_a_while_to_be_healthy(azure: Azure) -> None:
    """A worker that starts is waited for."""
    azure.health.appendleft(httpx.Response(503))

    assert smoke(azure)


def test_a_subscription_without_defender_is_told(azure: Azure) -> None:
    """Where Defender has no place there are no samples."""
    azure.places = []

    with pytest.raises(ReleaseError, match="Defender for Cloud is not there"):
        smoke(azure)


def test_the_api_says_what_is_looked_for() -> None:
    """The fields that decide are those of the API's own view of an incident."""
    assert {*incident()} <= {*IncidentView.__struct_fields__}
