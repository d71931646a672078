"""Defender for Endpoint: machines, and what is done to them.

(remote-apis-azure.md 14)
"""

from __future__ import annotations

import io
import re
import zipfile
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from aiohttp import web

from devhost.outside.azure.answers import Refused, body_of, demand_token
from devhost.outside.azure.indicators import FIELDS as INDICATOR_FIELDS
from devhost.outside.azure.indicators import Indicators
from devhost.outside.azure.machine_actions import (
    ACTS,
    MachineAction,
    MachineActions,
    demand_body,
)
from devhost.outside.azure.odata import Filter, read_filter
from devhost.outside.azure.quotas import Rates

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from devhost.outside.azure.inventory import Inventory
    from devhost.outside.azure.rights import Rights
    from devhost.outside.azure.upsets import Upsets

MACHINE_FIELDS = frozenset(
    {
        "computerDnsName",
        "id",
        "version",
        "deviceValue",
        "aadDeviceId",
        "machineTags",
        "lastSeen",
        "exposureLevel",
        "onboardingStatus",
        "lastIpAddress",
        "healthStatus",
        "osPlatform",
        "riskScore",
        "rbacGroupId",
    }
)
ACTION_FIELDS = frozenset(
    {"id", "status", "machineId", "type", "requestor", "creationDateTimeUtc"}
)
# How often each may be asked for in a minute: what has a limit of its own, and the rest.
PACKAGES_A_MINUTE, CALLS_A_MINUTE = 2, 100

_ROOT = "/defender-endpoint/api"
_MACHINE_ID = re.compile(r"[0-9a-fA-F]{40}")


class EndpointSide:
    """The machines of one tenant; one that is not active does nothing it is told."""

    name = "defender-endpoint"

    def __init__(
        self,
        clock: Callable[[], datetime],
        upsets: Upsets,
        rights: Rights,
        inventory: Inventory,
    ) -> None:
        self._clock = clock
        self._rights = rights
        seen = f"{clock() - timedelta(minutes=2):%Y-%m-%dT%H:%M:%SZ}"
        self.machines: dict[str, dict[str, Any]] = {
            each["id"].lower(): {
                "onboardingStatus": "Onboarded",
                "healthStatus": "Active",
                "machineTags": [],
                "lastSeen": seen,
                **each,
            }
            for each in inventory.machines
        }
        self.actions = MachineActions(clock, upsets, side=self.name)
        self.indicators = Indicators(clock, upsets, side=self.name)
        self._rates = Rates(clock)
        self.refused: list[str] = []

    def routes(self) -> list[web.RouteDef]:
        """Where its API is, below `/defender-endpoint`."""
        action = f"{_ROOT}/machineactions/{{action}}"
        answers: list[tuple[str, str, Callable[..., Any]]] = [
            ("GET", f"{_ROOT}/machines", self._list_machines),
            ("GET", f"{_ROOT}/machines/{{id}}", self._machine),
            ("POST", f"{_ROOT}/machines/{{id}}/{{act}}", self._act),
            ("GET", f"{_ROOT}/machineactions", self._list_actions),
            ("GET", action, self._action),
            ("GET", f"{action}/getPackageUri", self._package_uri),
            ("POST", f"{action}/cancel", self._cancel),
            ("GET", f"{_ROOT}/indicators", self._list_indicators),
            ("POST", f"{_ROOT}/indicators", self._put_indicator),
            ("DELETE", f"{_ROOT}/indicators/{{indicator}}", self._delete_indicator),
        ]
        return [
            *(web.route(m, path, self._answering(a)) for m, path, a in answers),
            web.get("/defender-endpoint/packages/{action}", self._package),
        ]

    def received(self) -> dict[str, Any]:
        """What was asked of machines, and what was refused."""
        asked = [self.actions.shown(each) for each in self.actions.all()]
        return {"actions": asked, "refused": self.refused}

    def state(self) -> dict[str, Any]:
        """Which machines are held, and what they stop: for a comparison."""
        return {"machines": self.actions.held(), "indicators": self.indicators.state()}

    def _answering(self, answer: Callable[..., Any]) -> Callable[..., Any]:
        async def handle(request: web.Request) -> web.Response:
            try:
                demand_token(request)
                self._count(request)
                self._demand_role(request)
                status, content = await answer(request)
            except Refused as refused:
                self.refused.append(str(refused))
                return refused.response(target=str(uuid4()))
            if content is None:
                return web.Response(status=status)
            return web.json_response(content, status=status)

        return handle

    def _demand_role(self, request: web.Request) -> None:
        """Refuse what no application permission was granted for."""
        if "/indicators" in request.path:
            self._rights.demand_role("Ti.ReadWrite", "Ti.ReadWrite.All")
            return
        if request.method == "GET" and not request.path.endswith("Uri"):
            self._rights.demand_role("Machine.Read.All", "Machine.ReadWrite.All")
            return
        act = ACTS.get(request.match_info.get("act", ""))
        if act is not None:
            self._rights.demand_role(act.role)
        elif request.method == "GET":
            self._rights.demand_role("Machine.CollectForensics")

    def _count(self, request: web.Request) -> None:
        """Refuse whoever asks for the same too often."""
        resource = request.match_info.route.resource
        name = resource.canonical if resource else ""
        self._rates.take(
            name, PACKAGES_A_MINUTE if name.endswith("Uri") else CALLS_A_MINUTE
        )

    async def _list_machines(self, request: web.Request) -> tuple[int, Any]:
        wanted = _filter(request, MACHINE_FIELDS)
        found = [each for each in self.machines.values() if wanted(each)]
        if not found:
            # As the documentation has it: not an empty list.
            raise Refused(404, "ResourceNotFound", "no recent machines")
        return 200, {"value": found}

    async def _machine(self, request: web.Request) -> tuple[int, Any]:
        return 200, self._known(request)

    async def _act(self, request: web.Request) -> tuple[int, Any]:
        act = ACTS.get(request.match_info["act"])
        if act is None:
            raise Refused(404, "NotFound", "not served here")
        machine = self._known(request)
        body = await body_of(request)
        demand_body(act, body)
        if act.is_for_windows and not str(machine["osPlatform"]).startswith("Windows"):
            raise Refused(400, "OsPlatformNotSupported", "not on this platform")
        action = self.actions.begin(machine, act, body, request.path)
        return 201, self.actions.shown(action)

    async def _list_actions(self, request: web.Request) -> tuple[int, Any]:
        wanted = _filter(request, ACTION_FIELDS)
        shown = (self.actions.shown(each) for each in self.actions.seen())
        return 200, {"value": [each for each in shown if wanted(each)]}

    async def _action(self, request: web.Request) -> tuple[int, Any]:
        return 200, self.actions.shown(self._known_action(request))

    async def _package_uri(self, request: web.Request) -> tuple[int, Any]:
        action = self._known_action(request)
        shown = self.actions.shown(action)
        if (shown["type"], shown["status"]) != (
            "CollectInvestigationPackage",
            "Succeeded",
        ):
            raise Refused(404, "ResourceNotFound", "there is no package yet")
        url = (
            f"{request.scheme}://{request.host}/defender-endpoint/packages/{action.id}"
        )
        # Quoted inside the text, as in the documentation's example.
        return 200, {"value": f'"{url}?token={action.secret}"'}

    async def _cancel(self, request: web.Request) -> tuple[int, Any]:
        body = await body_of(request)
        if not isinstance(body.get("Comment"), str):
            raise Refused(400, "InvalidRequestBody", "Comment is missing")
        action = self._known_action(request)
        self.actions.cancel(action, body["Comment"])
        return 200, self.actions.shown(action)

    async def _list_indicators(self, request: web.Request) -> tuple[int, Any]:
        wanted = _filter(request, INDICATOR_FIELDS)
        return 200, {"value": self.indicators.listed(wanted)}

    async def _put_indicator(self, request: web.Request) -> tuple[int, Any]:
        return 200, self.indicators.put(await body_of(request))

    async def _delete_indicator(self, request: web.Request) -> tuple[int, Any]:
        self.indicators.delete(request.match_info["indicator"])
        return 204, None

    async def _package(self, request: web.Request) -> web.Response:
        """The package, to whoever knows its address."""
        action = self.actions.find(request.match_info["action"])
        if action is None or request.query.get("token") != action.secret:
            return web.Response(status=403)
        return web.Response(body=_zipped(action), content_type="application/zip")

    def _known(self, request: web.Request) -> dict[str, Any]:
        machine_id = request.match_info["id"]
        if not _MACHINE_ID.fullmatch(machine_id):
            raise Refused(400, "InvalidInput", "no id of a machine")
        found = self.machines.get(machine_id.lower())
        if found is None:
            raise Refused(
                404, "ResourceNotFound", f"Machine {machine_id} was not found"
            )
        return found

    def _known_action(self, request: web.Request) -> MachineAction:
        found = self.actions.find(request.match_info["action"])
        if found is None:
            raise Refused(404, "ResourceNotFound", "no such action")
        return found


def _filter(request: web.Request, fields: frozenset[str]) -> Filter:
    """What a filter lets through; all without one."""
    text = request.query.get("$filter", "")
    try:
        return read_filter(text, fields)
    except ValueError as error:
        raise Refused(400, "ODataError", str(error)) from None


def _zipped(action: MachineAction) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as package:
        # A fixed time, so that the same package has the same hash.
        entry = zipfile.ZipInfo(
            "Forensics Collection Summary.txt", (2026, 1, 1, 0, 0, 0)
        )
        package.writestr(entry, f"machine {action.machine}\n")
    return content.getvalue()
