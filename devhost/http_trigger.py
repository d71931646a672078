"""The HTTP trigger: a real server on loopback, with keys as the platform has them."""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from aiohttp import web
from azure.functions import meta
from azure.functions.http import HttpRequestConverter, HttpResponseConverter

from devhost import sign_in
from devhost.settings import SetupError, resolve

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from multidict import MultiMapping

    from devhost.functions import Function
    from devhost.invocation import Invoker

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

# "The HTTP request length is limited to 100 MB" (Azure Functions HTTP trigger, Limits).
LARGEST_BODY = 100 * 1024 * 1024
STATUS_PATH = "/admin/host/status"
_PARAMETER = re.compile(
    r"\{(?P<rest>\*?)(?P<name>\w+)(?::(?P<kind>\w+))?(?P<optional>\??)\}"
)
_SLASH = re.compile("%2f", re.IGNORECASE)
# The constraints of ASP.NET routes that can be told from the text alone.
_KINDS = {
    None: r"[^/]+",
    "alpha": r"[A-Za-z]+",
    "guid": r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}",
    "int": r"-?\d+",
    "long": r"-?\d+",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A function and the requests it answers."""

    function: Function
    path: re.Pattern[str]
    methods: frozenset[str]
    needs_key: bool


def endpoint(function: Function, *, prefix: str) -> Endpoint:
    """
    Read a function's HTTP trigger.

    The path ignores letter case, as ASP.NET routes do; a trigger without methods
    answers all of them. Raises SetupError for a route or auth level that devhost
    cannot serve.
    """
    where = f"function {function.name}"
    route = resolve(function.text("route") or function.name, where=where)
    level = (function.text("authLevel") or "FUNCTION").upper()
    if level not in {"ANONYMOUS", "FUNCTION", "ADMIN"}:
        raise SetupError(f"{where}: there is no auth level {level}")
    return Endpoint(
        function=function,
        path=route_pattern(f"{prefix}/{route}" if prefix else route, where=where),
        methods=frozenset(
            str(m).upper() for m in function.trigger.get("methods") or ()
        ),
        needs_key=level != "ANONYMOUS",
    )


def route_pattern(route: str, *, where: str) -> re.Pattern[str]:
    """
    The paths that a route template means, its parameters as named groups.

    `{name}`, `{name?}`, `{*rest}` and the constraints alpha, guid, int and long.
    Raises SetupError for other constraints.
    """
    pattern, end = "", 0
    for found in _PARAMETER.finditer(route.strip("/")):
        kind = ".*" if found["rest"] else _KINDS.get(found["kind"])
        if kind is None:
            raise SetupError(f"{where}: devhost has no constraint {found['kind']}")
        before = re.escape(route.strip("/")[end : found.start()])
        end = found.end()
        group = f"(?P<{found['name']}>{kind})"
        is_optional = bool(found["optional"]) or bool(found["rest"])
        if is_optional and before.endswith("/"):
            pattern += f"{before[:-1]}(?:/{group})?"
        else:
            pattern += before + group + ("?" if is_optional else "")
    rest = re.escape(route.strip("/")[end:])
    if "{" in rest:
        raise SetupError(f"{where}: devhost cannot read the route {route!r}")
    return re.compile(f"/{pattern}{rest}/?", re.IGNORECASE)


def decoded_path(raw: str) -> str:
    """
    The path that routes are matched with: every escape resolved but that of a slash.

    So Kestrel has it, lest a part of a route turn into two.
    """
    return unquote(_SLASH.sub("%252F", raw), errors="replace")


class HttpListener:
    """
    Serves the HTTP functions of an app, and the host's status, on 127.0.0.1.

    A web page can send text/plain to loopback, and by DNS rebinding even read the
    answer: so only this server's own names pass as Host, and no Origin but its own.
    """

    def __init__(
        self,
        functions: Iterable[Function],
        invoker: Invoker,
        *,
        key: str,
        status: Callable[[], Awaitable[Mapping[str, Any]]],
        prefix: str = "api",
        port: int = 0,
        largest_body: int = LARGEST_BODY,
        signed_in: str = "",
    ) -> None:
        """Read the routes; SetupError when one cannot be served.

        ``signed_in`` is the object id of who every request is taken to come from.
        """
        self._principal = sign_in.principal(signed_in) if signed_in else ""
        self._endpoints = [endpoint(f, prefix=prefix) for f in functions]
        self._invoker = invoker
        self._key = key
        self._status = status
        self._largest_body = largest_body
        self.port = port

    async def start(self) -> None:
        """Listen; `port` then is the real one. SetupError when it is taken."""
        app = web.Application(client_max_size=self._largest_body)
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        self._site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        try:
            await self._site.start()
        except OSError as error:
            await self._runner.cleanup()
            raise SetupError(f"port {self.port}: {error}") from error
        self.port = int(self._runner.addresses[0][1])

    async def stop(self, *, grace_s: float) -> None:
        """Accept no more requests, and answer those that came within `grace_s`."""
        # AppRunner's own timeout is set at its making, before anyone knows the grace.
        if self._runner.server is not None:
            await self._site.stop()
            self._runner.server.pre_shutdown()
            await self._runner.server.shutdown(grace_s)
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        if not self._is_ours(request):
            return web.Response(status=403)
        if request.path == STATUS_PATH:
            return await self._answer_status(request)
        path = decoded_path(request.rel_url.raw_path)
        for each in self._endpoints:
            found = each.path.fullmatch(path)
            if found and (not each.methods or request.method in each.methods):
                if each.needs_key and not self._has_key(request):
                    return web.Response(status=401)
                parts = {k: v for k, v in found.groupdict().items() if v is not None}
                return await self._invoke(each.function, request, parts)
        # A method that no function takes is "not found" too: the method is one of the
        # route's constraints (azure-functions-host WebJobsRouter).
        return web.Response(status=404)

    async def _answer_status(self, request: web.Request) -> web.Response:
        if not self._has_key(request):
            return web.Response(status=401)
        return web.json_response(dict(await self._status()))

    async def _invoke(
        self, function: Function, request: web.Request, parts: Mapping[str, str]
    ) -> web.Response:
        if (request.content_length or 0) > self._largest_body:
            return web.Response(status=413, headers={"Connection": "close"})
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return web.Response(status=413, headers={"Connection": "close"})
        answer = await self._invoker.call(
            function,
            lambda: http_request(request, body, parts, self._principal),
            finish=http_response,
        )
        if answer.error is not None:
            return web.Response(status=500)
        response: web.Response = answer.value
        return response

    def _is_ours(self, request: web.Request) -> bool:
        names = {f"127.0.0.1:{self.port}", f"localhost:{self.port}"}
        ours = {f"http://{name}" for name in names}
        if request.headers.getall("Sec-Fetch-Site", []) == ["same-origin"]:
            # From a page that gives no referrer browsers send this; no page can set the
            # other header (Fetch, "append a request Origin header").
            ours |= {"null"}
        return request.headers.getall("Host", []) in ([name] for name in names) and (
            all(origin in ours for origin in request.headers.getall("Origin", []))
        )

    def _has_key(self, request: web.Request) -> bool:
        given = request.headers.get("x-functions-key") or request.query.get("code", "")
        # A header may hold bytes that are no UTF-8: they must not match, nor fail.
        raw = given.encode("utf-8", "surrogateescape")
        return hmac.compare_digest(raw, self._key.encode())


def http_request(
    request: web.Request, body: bytes, parts: Mapping[str, str], principal: str = ""
) -> object:
    """The `func.HttpRequest` of a request, by azure.functions' own converter.

    ``principal`` is what the platform writes into it of who is signed in, if anybody.
    """

    def texts(values: MultiMapping[str]) -> dict[str, meta.Datum]:
        # The host joins what came more than once (.NET StringValues.ToString).
        return {
            name: meta.Datum(",".join(values.getall(name)), "string")
            for name in dict.fromkeys(values)
        }

    signed = {sign_in.HEADER: meta.Datum(principal, "string")} if principal else {}
    value = {
        "method": meta.Datum(request.method, "string"),
        "url": meta.Datum(f"http://{request.host}{request.path_qs}", "string"),
        "headers": texts(request.headers) | signed,
        "query": texts(request.query),
        "params": {name: meta.Datum(text, "string") for name, text in parts.items()},
        "body": meta.Datum(body, "bytes"),
    }
    converted: object = HttpRequestConverter.decode(
        meta.Datum(value, "http"), trigger_metadata={}
    )
    return converted


def http_response(value: object) -> web.Response:
    """
    The answer that a function's return value means.

    Nothing is 204. Raises TypeError for what is neither text nor `func.HttpResponse`,
    as the worker does.
    """
    if value is None:
        return web.Response(status=204)
    try:
        datum = HttpResponseConverter.encode(value, expected_type=None)
    except NotImplementedError:
        kind = type(value).__name__
        raise TypeError(f"an HTTP function returned {kind}") from None
    if datum.type == "string":
        return web.Response(text=datum.value)
    parts = datum.value
    response = web.Response(
        status=int(parts["status_code"].value), body=parts["body"].value
    )
    for name, text in parts["headers"].items():
        response.headers[name] = text.value
    for cookie in parts["cookies"] or ():
        for morsel in cookie.values():
            response.headers.add("Set-Cookie", morsel.OutputString())
    return response
