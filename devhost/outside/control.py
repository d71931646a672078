"""`/control`: what people and tests see of the outside world, and how it is made fail.

Every request needs the header `x-control-key`.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from aiohttp import web

from devhost.outside.azure.rights import Identity
from devhost.outside.azure.upsets import Upset
from devhost.outside.faults import Fault
from devhost.outside.log_analytics import Odd

if TYPE_CHECKING:
    from devhost.outside.server import Outside

KEY_HEADER = "x-control-key"

# The sides that can be changed.
UPSET = ("arm", "graph", "defender-endpoint", "vault")

T = TypeVar("T")


class Trust(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A receiver and the secret it verifies with."""

    name: str
    secret: str


class Listed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What Azure Resource Manager lists for a subscription from now on."""

    subscription: str
    alerts: list[dict[str, Any]]


class Tagged(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The tags of a resource from now on; without any it is not shown at all."""

    resource: str
    tags: dict[str, str] | None


class Control:
    """The handlers of `/control`."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside

    def routes(self) -> list[web.RouteDef]:
        """Every path of it."""
        return [
            web.get("/control/pages", self._pages),
            web.get("/control/received", self._received),
            web.post("/control/faults", self._add_fault),
            web.delete("/control/faults", self._clear_faults),
            web.post("/control/upsets", self._upset),
            web.post("/control/identity", self._identify),
            web.get("/control/state", self._state),
            web.post("/control/webhook-secret", self._trust),
            web.post("/control/arm-alerts", self._list),
            web.post("/control/arm-tags", self._tag),
            web.post("/control/log-analytics", self._add_odd),
        ]

    def admits(self, request: web.Request) -> bool:
        """Whether the request holds the key."""
        offered = request.headers.get(KEY_HEADER, "").encode(errors="replace")
        return hmac.compare_digest(offered, self._outside.control_key.encode())

    async def _pages(self, _request: web.Request) -> web.Response:
        return _json(self._outside.pagerduty.pages())

    async def _received(self, _request: web.Request) -> web.Response:
        received = {side.name: side.received() for side in self._outside.sides}
        return _json(received | {"resources": self._outside.manager.received()})

    async def _add_fault(self, request: web.Request) -> web.Response:
        fault = await _read(request, Fault)
        if fault.side not in {side.name for side in self._outside.sides}:
            raise _bad_request("no such side")
        self._outside.faults.add(fault)
        return web.Response(status=204)

    async def _clear_faults(self, _request: web.Request) -> web.Response:
        self._outside.faults.clear()
        self._outside.log_analytics.odd.clear()
        self._outside.recover()
        return web.Response(status=204)

    async def _upset(self, request: web.Request) -> web.Response:
        upset = await _read(request, Upset)
        if upset.side not in UPSET:
            raise _bad_request(f"what can be upset are {', '.join(UPSET)}")
        self._outside.upsets.add(upset)
        return web.Response(status=204)

    async def _identify(self, request: web.Request) -> web.Response:
        self._outside.rights.identity = await _read(request, Identity)
        return web.Response(status=204)

    async def _state(self, _request: web.Request) -> web.Response:
        return _json(self._outside.state())

    async def _trust(self, request: web.Request) -> web.Response:
        trust = await _read(request, Trust)
        try:
            self._outside.webhook.trust(trust.name, trust.secret)
        except ValueError as exc:
            raise _bad_request(str(exc)) from exc
        return web.Response(status=204)

    async def _add_odd(self, request: web.Request) -> web.Response:
        self._outside.log_analytics.odd.append(await _read(request, Odd))
        return web.Response(status=204)

    async def _tag(self, request: web.Request) -> web.Response:
        tagged = await _read(request, Tagged)
        self._outside.arm.tag(tagged.resource, tagged.tags)
        return web.Response(status=204)

    async def _list(self, request: web.Request) -> web.Response:
        listed = await _read(request, Listed)
        try:
            self._outside.arm.put(listed.subscription, listed.alerts)
        except ValueError as exc:
            raise _bad_request(str(exc)) from exc
        return web.Response(status=204)


async def _read(request: web.Request, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(await request.read(), type=kind)
    except msgspec.MsgspecError as exc:
        raise _bad_request(str(exc)) from exc


def _bad_request(problem: str) -> web.HTTPBadRequest:
    return web.HTTPBadRequest(text=problem)


def _json(value: object) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(value), content_type="application/json"
    )
