"""The triggers of the HTTP API: one function for each of its routes."""

import json
import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import azure.functions as func
import msgspec

from shared.api.routes import ROUTES
from shared.api.wire import Answer, Request

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from shared.bootstrap import App

# What a browser is kept from doing with an answer that somebody opens in it.
HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}

# json writes the rest of what a terminal would obey as \uXXXX.
_DELETE = re.compile("\x7f")


def blueprint(app: "App") -> func.Blueprint:
    """The functions of the API, to be registered with the app's own."""
    functions = func.Blueprint()  # type: ignore[no-untyped-call]
    for name, (method, route) in ROUTES.items():
        bind = functions.route(
            route=route, methods=[method], auth_level=func.AuthLevel.FUNCTION
        )
        functions.function_name(name)(bind(function(app, name)))
    return functions


def function(
    app: "App", name: str
) -> "Callable[[func.HttpRequest], Awaitable[func.HttpResponse]]":
    """The function of one operation."""

    # The worker reads these annotations when it indexes the app: they are no texts.
    async def answer(req: func.HttpRequest) -> func.HttpResponse:
        # Most workers start for something else, and do without what answers are made of.
        from shared.api.desk import Desk
        from shared.api.operations import OPERATIONS

        return response(await Desk(app, OPERATIONS)(name, request(req)))

    answer.__name__ = name
    answer.__doc__ = " /api/".join(ROUTES[name])
    return answer


def request(req: func.HttpRequest) -> Request:
    """The request as the desk takes it.

    The query is read from the address: the host joins what is given more than once
    with commas, which a value may hold too.
    """
    query = parse_qs(urlsplit(req.url).query, keep_blank_values=True)
    return Request(
        headers={name.lower(): value for name, value in req.headers.items()},
        path=req.route_params,
        query=query,
        body=req.get_body(),
    )


def response(answer: Answer) -> func.HttpResponse:
    """The answer as the host takes it."""
    if answer.content is None:
        return func.HttpResponse(
            status_code=answer.status, headers={**HEADERS, **answer.headers}
        )
    text = json.dumps(msgspec.to_builtins(answer.content, str_keys=True))
    headers = {**HEADERS, **answer.headers}
    kind = headers.pop("content-type", "application/json")
    return func.HttpResponse(
        _DELETE.sub(r"\\u007f", text),
        status_code=answer.status,
        headers=headers,
        mimetype=kind,
    )
