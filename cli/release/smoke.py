"""Whether a deployed app answers alerts: Defender is asked for a sample, the app watched."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx

from cli.release.arm import refusal, send
from cli.release.errors import ReleaseError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cli.release.arm import Arm, Site
    from cli.release.waiting import Waiting

_ALERTS = "2022-01-01"
_LOCATIONS = "2015-06-01-preview"

# A worker that starts, with settings that were just changed.
_HEALTH_FOR_S, _HEALTH_EVERY_S = 300, 10
_EVERY_S = 30

_NOTE = "smoke test"


class Told(NamedTuple):
    """An incident that the sample alert is on, and who was told of it by which route."""

    incident: str
    title: str
    route: str
    is_new: bool


class Smoke:
    """One trial of one app.

    ``user`` gives the value of an `Authorization` header, for an app with App Service
    Authentication in front; None where there is none.
    """

    def __init__(
        self,
        arm: Arm,
        http: httpx.Client,
        waiting: Waiting,
        user: Callable[[], str] | None = None,
    ) -> None:
        self._arm = arm
        self._http = http
        self._waiting = waiting
        self._user = user

    def __call__(self, app: str, bundle: str, for_s: float) -> Told:
        """Have Defender make the sample alerts of a bundle, and wait until one is told.

        The incident is resolved afterwards, if the samples opened it. Raises
        ReleaseError when the app is not healthy, or nobody was told in so many seconds.
        """
        site = self._arm.site(app)
        headers = {"x-functions-key": self._arm.function_key(app)}
        self._healthy(site, headers)
        before = {each["id"]: each for each in self._samples(site, headers)}
        self._simulate(site, bundle)
        told = self._told(site, headers, before, for_s)
        if told.is_new:
            path = f"/api/incidents/{told.incident}/resolve"
            self._ask(site, "POST", path, headers, {"note": _NOTE})
        return told

    def _healthy(self, site: Site, headers: Mapping[str, str]) -> None:
        why = ""
        for _ in self._waiting.rounds(for_s=_HEALTH_FOR_S, every_s=_HEALTH_EVERY_S):
            try:
                self._ask(site, "GET", "/api/health", headers)
            except ReleaseError as error:
                why = str(error)
            else:
                return
        raise ReleaseError(why)

    def _samples(self, site: Site, headers: Mapping[str, str]) -> list[dict[str, Any]]:
        path = "/api/incidents?status=open&filter=sample%3Dtrue&limit=200"
        found: list[dict[str, Any]] = self._ask(site, "GET", path, headers)["incidents"]
        return found

    def _simulate(self, site: Site, bundle: str) -> None:
        path = f"{site.subscription}/providers/Microsoft.Security/locations"
        places = self._arm.ask("GET", f"{path}?api-version={_LOCATIONS}")["value"]
        if not places:
            raise ReleaseError(f"{site.subscription}: Defender for Cloud is not there")
        self._arm.ask(
            "POST",
            f"{path}/{places[0]['name']}/alerts/default/simulate?api-version={_ALERTS}",
            {"properties": {"kind": "Bundles", "bundles": [bundle]}},
        )

    def _told(
        self,
        site: Site,
        headers: Mapping[str, str],
        before: Mapping[str, Mapping[str, Any]],
        for_s: float,
    ) -> Told:
        came = ""
        for _ in self._waiting.rounds(for_s=for_s, every_s=_EVERY_S):
            for each in self._samples(site, headers):
                known = before.get(each["id"])
                if known and known["alerts"] == each["alerts"]:
                    continue
                came = each["id"]
                if each["paged_at"]:
                    return Told(came, each["title"], each["paged_by"], known is None)
        if came:
            raise ReleaseError(
                f"{site.host}: incident {came} has the sample alert, and nobody was"
                f" told: `firewatch explain --incident {came}` says why"
            )
        raise ReleaseError(
            f"{site.host}: no sample alert came in {for_s / 60:.0f} minutes:"
            " is the continuous export on, to this app's hub?"
        )

    def _ask(
        self,
        site: Site,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401  the JSON of whatever was asked
        request = httpx.Request(
            method, f"https://{site.host}{path}", headers=dict(headers), json=body
        )
        if self._user:
            request.headers["authorization"] = self._user()
        answer = send(self._http, request)
        if answer.status_code != HTTPStatus.OK:
            raise ReleaseError(refusal(answer))
        return answer.json()
