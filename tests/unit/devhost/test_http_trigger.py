from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import azure.functions as func
import pytest
from yarl import URL

from devhost import sign_in
from devhost.functions import Function
from devhost.http_trigger import (
    LARGEST_BODY,
    HttpListener,
    http_response,
    route_pattern,
)
from devhost.invocation import Invoker
from devhost.settings import SetupError
from shared.api import who

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from multidict import CIMultiDictProxy

KEY = "the-key"
KEYED = {"x-functions-key": KEY}


class Server:
    """A served app and a client for it."""

    def __init__(self, listener: HttpListener, invoker: Invoker) -> None:
        self.listener = listener
        self.invoker = invoker
        self.seen: list[func.HttpRequest] = []

    async def ask(
        self,
        path: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        data: object = None,
    ) -> tuple[int, bytes, CIMultiDictProxy[str]]:
        url = f"http://127.0.0.1:{self.listener.port}{path}"
        async with (
            aiohttp.ClientSession() as session,
            session.request(
                method, url, headers=headers, params=params, data=data
            ) as answer,
        ):
            return answer.status, await answer.read(), answer.headers


def _http(
    call: Callable[..., object], *, name: str = "f", **trigger: object
) -> Function:
    usual: dict[str, object] = {
        "type": "httpTrigger",
        "name": "req",
        "authLevel": "FUNCTION",
    }
    return Function(name=name, call=call, trigger=usual | trigger)


@asynccontextmanager
async def _serving(
    *functions: Function,
    prefix: str = "api",
    port: int = 0,
    largest_body: int = LARGEST_BODY,
    signed_in: str = "",
) -> AsyncIterator[Server]:
    async def status() -> dict[str, Any]:
        return {"functions": [function.name for function in functions]}

    invoker = Invoker(functions)
    listener = HttpListener(
        functions,
        invoker,
        key=KEY,
        status=status,
        prefix=prefix,
        port=port,
        largest_body=largest_body,
        signed_in=signed_in,
    )
    await listener.start()
    try:
        yield Server(listener, invoker)
    finally:
        await listener.stop(grace_s=5)
        invoker.close()


def _echo(seen: list[func.HttpRequest]) -> Callable[..., object]:
    async def call(req: func.HttpRequest) -> func.HttpResponse:
        seen.append(req)
        return func.HttpResponse(req.get_body(), status_code=201)

    return call


@pytest.mark.parametrize("signed_in", ["0b1f6471-1bf0-4dda-aec3-cb9272f09590", ""])
async def test_somebody_is_signed_in(signed_in: str) -> None:
    """Whoever says who they are themselves is not heard, as on the platform."""
    seen: list[func.HttpRequest] = []
    forged = {**KEYED, "X-MS-Client-Principal": sign_in.principal("somebody else")}

    async with _serving(_http(_echo(seen)), signed_in=signed_in) as server:
        await server.ask("/api/f", headers=forged)

    headers = {name.lower(): value for name, value in seen[0].headers.items()}
    assert who.ids(headers, easy_auth=True) == ({signed_in} if signed_in else set())


@pytest.mark.parametrize(
    ("template", "path", "parts"),
    [
        ("api/f", "/api/f", {}),
        ("api/f", "/API/F/", {}),
        ("api/f", "/api/f/x", None),
        ("a/{id}", "/a/7", {"id": "7"}),
        ("a/{id}", "/a", None),
        ("a/{id?}", "/a", {"id": None}),
        ("a/{id:int}/b", "/a/7/b", {"id": "7"}),
        ("a/{id:int}/b", "/a/x/b", None),
        ("a/{id:alpha?}", "/a/x", {"id": "x"}),
        ("a/{*rest}", "/a/b/c", {"rest": "b/c"}),
        ("a.b/{x}-{y}", "/a.b/1-2", {"x": "1", "y": "2"}),
        ("a.b", "/aXb", None),
    ],
)
def test_routes(template: str, path: str, parts: dict[str, str] | None) -> None:
    """Route templates match as on Azure, whatever the case of the letters."""
    found = route_pattern(template, where="f").fullmatch(path)

    assert (found.groupdict() if found else None) == parts


@pytest.mark.parametrize("template", ["a/{id:regex(x)}", "a/{id:length}", "a/{"])
def test_unknown_routes_are_refused(template: str) -> None:
    """A constraint that devhost cannot check is refused, not ignored."""
    with pytest.raises(SetupError):
        route_pattern(template, where="f")


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("/api/things/0d9eeb301d377b52", "0d9eeb301d377b52"),
        ("/api/Things/x%20y/", "x y"),
        ("/api/things/a%2Fb", "a%2Fb"),
        ("/api/things/a%2fb", "a%2Fb"),
        ("/api/things/a%252Fb", "a%2Fb"),
        ("/api/things/%C3%BC", "ü"),
        ("/api/things/2517_x-y.z~", "2517_x-y.z~"),
    ],
)
async def test_a_part_of_the_route_reaches_the_function(path: str, part: str) -> None:
    """With its escapes resolved, but for a slash, as Kestrel leaves it."""
    seen: list[func.HttpRequest] = []

    async with _serving(_http(_echo(seen), route="things/{id}")) as server:
        url = URL(f"http://127.0.0.1:{server.listener.port}{path}", encoded=True)
        async with (
            aiohttp.ClientSession() as session,
            session.get(url, headers=KEYED) as answer,
        ):
            assert answer.status == 201

    assert dict(seen[0].route_params) == {"id": part}
    assert seen[0].url.endswith(path)


async def test_methods_of_one_route_are_functions_of_their_own() -> None:
    """Each method goes to its own; one that none takes is 404, as the host has it."""
    functions = [
        _http(_saying(f"{method} {route}"), name=name, route=route, methods=[method])
        for name, method, route in (
            ("list", "GET", "things"),
            ("make", "POST", "things"),
            ("show", "GET", "things/{id}"),
            ("end", "DELETE", "things/{id}"),
            ("parts", "GET", "things/{id}/parts"),
        )
    ]

    async with _serving(*functions) as server:
        found = {
            (method, path): await server.ask(path, method=method, headers=KEYED)
            for method, path in (
                ("GET", "/api/things"),
                ("POST", "/api/things"),
                ("GET", "/api/things/7"),
                ("DELETE", "/api/things/7"),
                ("GET", "/api/things/7/parts"),
                ("PUT", "/api/things/7"),
                ("POST", "/api/things/7"),
                ("GET", "/api/things/7/8"),
                ("GET", "/api/things/7/parts/8"),
            )
        }

    assert {key: (status, body) for key, (status, body, _) in found.items()} == {
        ("GET", "/api/things"): (200, b"GET things"),
        ("POST", "/api/things"): (200, b"POST things"),
        ("GET", "/api/things/7"): (200, b"GET things/{id}"),
        ("DELETE", "/api/things/7"): (200, b"DELETE things/{id}"),
        ("GET", "/api/things/7/parts"): (200, b"GET things/{id}/parts"),
        ("PUT", "/api/things/7"): (404, b""),
        ("POST", "/api/things/7"): (404, b""),
        ("GET", "/api/things/7/8"): (404, b""),
        ("GET", "/api/things/7/parts/8"): (404, b""),
    }


def _saying(text: str) -> Callable[..., object]:
    async def call(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001
        return func.HttpResponse(text)

    return call


async def test_a_request_arrives_whole() -> None:
    """Method, url, headers, query, route and the raw body reach the function."""
    seen: list[func.HttpRequest] = []
    raw = bytes(range(256))

    async with _serving(_http(_echo(seen), route="take/{id}")) as server:
        status, body, _ = await server.ask(
            "/api/take/x%20y?a=1&b=2&a=3",
            method="POST",
            data=raw,
            headers=KEYED | {"X-Signature": "s"},
        )
        port = server.listener.port

    assert (status, body) == (201, raw)
    (request,) = seen
    assert request.method == "POST"
    assert request.url == f"http://127.0.0.1:{port}/api/take/x%20y?a=1&b=2&a=3"
    assert request.headers.get("x-signature") == "s"
    assert dict(request.params) == {"a": "1,3", "b": "2"}
    assert dict(request.route_params) == {"id": "x y"}
    assert request.get_body() == raw


async def test_a_response_leaves_whole() -> None:
    """Status, headers, cookies and body of the function's answer go back."""

    def call(req: func.HttpRequest) -> func.HttpResponse:
        answer = func.HttpResponse(
            req.method, status_code=418, mimetype="application/json"
        )
        answer.headers.add("X-Pot", "short")
        answer.headers.add("Set-Cookie", "a=1; Path=/")
        answer.headers.add("Set-Cookie", "b=2")
        return answer

    async with _serving(_http(call)) as server:
        status, body, headers = await server.ask("/api/f", headers=KEYED)

    assert (status, body) == (418, b"GET")
    assert headers["X-Pot"] == "short"
    assert headers["Content-Type"] == "application/json"
    assert headers.getall("Set-Cookie") == ["a=1; Path=/", "b=2"]


@pytest.mark.parametrize(
    ("level", "request_with", "status"),
    [
        ("ANONYMOUS", {}, 201),
        ("FUNCTION", {}, 401),
        ("FUNCTION", {"headers": KEYED}, 201),
        ("FUNCTION", {"headers": {"x-functions-key": "the-kez"}}, 401),
        ("FUNCTION", {"headers": {"x-functions-key": "schlüssel"}}, 401),
        ("FUNCTION", {"params": {"code": KEY}}, 201),
        ("FUNCTION", {"params": {"code": ""}}, 401),
        ("ADMIN", {"params": {"code": KEY}}, 201),
        ("ADMIN", {}, 401),
    ],
)
async def test_keys(level: str, request_with: dict[str, Any], status: int) -> None:
    """A function that is not anonymous wants the key, by header or by ?code=."""
    async with _serving(_http(_echo([]), authLevel=level)) as server:
        answered, body, _ = await server.ask("/api/f", **request_with)

    assert answered == status
    assert body == b""


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 201),
        ({"Host": "localhost:{port}"}, 201),
        ({"Host": "firewatch.example:{port}"}, 403),
        ({"Host": "127.0.0.1"}, 403),
        ({"Host": "127.0.0.1:1"}, 403),
        ({"Origin": "http://127.0.0.1:{port}"}, 201),
        ({"Origin": "http://localhost:{port}"}, 201),
        ({"Origin": "https://127.0.0.1:{port}"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "null", "Sec-Fetch-Site": "cross-site"}, 403),
        ({"Origin": "null", "Sec-Fetch-Site": "same-origin"}, 201),
        ({"Origin": "http://evil.example", "Sec-Fetch-Site": "same-origin"}, 403),
    ],
)
async def test_web_pages_are_kept_out(headers: dict[str, str], status: int) -> None:
    """Only our own names pass as Host, and no Origin but our own."""
    async with _serving(_http(_echo([]), authLevel="ANONYMOUS")) as server:
        port = server.listener.port
        sent = {name: text.format(port=port) for name, text in headers.items()}
        answered, _, _ = await server.ask("/api/f", method="POST", headers=sent)

    assert answered == status


async def test_methods_are_part_of_the_route() -> None:
    """A method that no function takes is not found; two functions share a path."""
    get = _http(lambda req: req.method, name="get", route="x", methods=["GET"])
    put = _http(lambda req: req.method, name="put", route="x", methods=["PUT"])

    async with _serving(get, put) as server:
        statuses = [
            (await server.ask("/api/x", method=method, headers=KEYED))[0]
            for method in ("GET", "PUT", "DELETE")
        ]

    assert statuses == [200, 200, 404]


async def test_the_route_prefix_can_be_empty() -> None:
    """Without a prefix the route stands alone, its default the function's name."""
    async with _serving(_http(_echo([])), prefix="") as server:
        assert (await server.ask("/f", headers=KEYED))[0] == 201
        assert (await server.ask("/api/f", headers=KEYED))[0] == 404


@pytest.mark.parametrize("is_chunked", [False, True])
async def test_large_bodies_are_refused(*, is_chunked: bool) -> None:
    """A body may be as large as the limit and no larger, whoever counts it."""

    async def chunks(size: int) -> AsyncIterator[bytes]:
        yield b"x" * size

    seen: list[func.HttpRequest] = []
    async with _serving(_http(_echo(seen)), largest_body=1000) as server:
        statuses = [
            (
                await server.ask(
                    "/api/f",
                    method="POST",
                    data=chunks(size) if is_chunked else b"x" * size,
                    headers=KEYED,
                )
            )[0]
            for size in (1000, 1001)
        ]

    assert statuses == [201, 413]
    assert len(seen) == 1


@pytest.mark.parametrize("value", [{"a": 1}, 7, b"raw"])
async def test_other_return_values_are_errors(value: object) -> None:
    """A function that returns neither text nor a response has failed."""
    with pytest.raises(TypeError):
        http_response(value)
    async with _serving(_http(lambda req: (req, value)[1])) as server:
        status, body, _ = await server.ask("/api/f", headers=KEYED)
        counts = server.invoker.counts()

    assert (status, body) == (500, b"")
    assert counts["f"]["failed"] == 1


async def test_nothing_returned_is_no_content() -> None:
    """A function that returns None answers 204."""
    async with _serving(_http(lambda req: (req, None)[1])) as server:
        assert (await server.ask("/api/f", headers=KEYED))[0] == 204


async def test_an_exception_is_an_empty_500() -> None:
    """What a function raises does not leak to the caller."""

    def call(req: func.HttpRequest) -> None:
        raise LookupError(req.url)

    async with _serving(_http(call)) as server:
        assert (await server.ask("/api/f", headers=KEYED))[:2] == (500, b"")


async def test_status_wants_the_key() -> None:
    """The host's status is for who has the key, and is not cut off by routes."""
    async with _serving(_http(_echo([]), route="{*all}"), prefix="") as server:
        refused, _, _ = await server.ask("/admin/host/status")
        status, body, _ = await server.ask("/admin/host/status", headers=KEYED)

    assert refused == 401
    assert status == 200
    assert body == b'{"functions": ["f"]}'


async def test_stopping_answers_what_runs() -> None:
    """A request under way when the host stops is answered."""
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def call(req: func.HttpRequest) -> str:
        begun.set()
        await may_end.wait()
        return str(req.method)

    async with _serving(_http(call)) as server:
        asking = asyncio.create_task(server.ask("/api/f", headers=KEYED))
        await asyncio.wait_for(begun.wait(), 10)
        stopping = asyncio.create_task(server.listener.stop(grace_s=10))
        await asyncio.sleep(0)
        may_end.set()
        status, body, _ = await asking
        await stopping

    assert (status, body) == (200, b"GET")


async def test_a_taken_port_is_refused() -> None:
    """A port in use is an error that names it."""
    async with _serving(_http(_echo([]))) as server:
        taken = server.listener.port
        with pytest.raises(SetupError, match=str(taken)):
            async with _serving(_http(_echo([])), port=taken):
                pass
