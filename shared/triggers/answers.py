"""The triggers of answers: a page for each link, its button, and calls of other sides.

Anonymous to the platform: who may, the link says, and on the second route whom the
platform signed in; a side shows by its signature who it is. Never is a function key put
into an address that is sent to people.
"""

from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import azure.functions as func

from shared.answers.links import ANYBODY, SIGNED_IN

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from shared.answers.pages import Page
    from shared.bootstrap import App
    from shared.triggers.pages import Asked

# Showing, which changes nothing; and acting.
SAFE, ACTING = ("GET", "HEAD", "OPTIONS"), ("POST",)

FUNCTIONS = {
    "show_answer": (ANYBODY, SAFE),
    "give_answer": (ANYBODY, ACTING),
    "show_answer_signed_in": (SIGNED_IN, SAFE),
    "give_answer_signed_in": (SIGNED_IN, ACTING),
}

CALLBACK, CALLED = "hear_callback", "callbacks/{responder}"

MIME = "text/html"


def blueprint(app: "App") -> func.Blueprint:
    """The functions of answers, to be registered with the app's own."""
    functions = func.Blueprint()  # type: ignore[no-untyped-call]
    for name, (route, methods) in FUNCTIONS.items():
        bind = functions.route(
            route=route, methods=methods, auth_level=func.AuthLevel.ANONYMOUS
        )
        functions.function_name(name)(bind(function(app, name)))
    bind = functions.route(
        route=CALLED, methods=ACTING, auth_level=func.AuthLevel.ANONYMOUS
    )
    functions.function_name(CALLBACK)(bind(callback(app)))
    return functions


def function(
    app: "App", name: str
) -> "Callable[[func.HttpRequest], Awaitable[func.HttpResponse]]":
    """The function of one route and what is done there."""
    route, methods = FUNCTIONS[name]

    # The worker reads these annotations when it indexes the app: they are no texts.
    async def answer(req: func.HttpRequest) -> func.HttpResponse:
        # Most workers start for something else, and do without what pages are made of.
        from shared.answers.pages import HEADERS
        from shared.triggers.pages import Pages

        if req.method == "OPTIONS":
            allow = {"allow": ", ".join((*SAFE, *ACTING))}
            return func.HttpResponse(status_code=204, headers={**HEADERS, **allow})
        page = await Pages(app)(asked(req, route))
        return response(page, is_head=req.method == "HEAD")

    answer.__name__ = name
    answer.__doc__ = f"{' and '.join(methods)} of a link's page."
    return answer


def callback(
    app: "App",
) -> "Callable[[func.HttpRequest], Awaitable[func.HttpResponse]]":
    """The function that hears other sides."""

    async def hear_callback(req: func.HttpRequest) -> func.HttpResponse:
        """Take what a side says of a notice."""
        from shared.triggers.callbacks import Callbacks

        answer = await Callbacks(app)(
            req.route_params.get("responder", ""),
            headers={name.lower(): value for name, value in req.headers.items()},
            body=req.get_body(),
        )
        headers = {"cache-control": "no-store", **answer.headers}
        return func.HttpResponse(status_code=answer.status, headers=headers)

    return hear_callback


def asked(req: func.HttpRequest, route: str) -> "Asked":
    """The request as the pages take it."""
    from shared.triggers.pages import Asked

    return Asked(
        method=req.method,
        route=route,
        headers={name.lower(): value for name, value in req.headers.items()},
        query=parse_qs(urlsplit(req.url).query, keep_blank_values=True),
        body=req.get_body(),
    )


def response(page: "Page", *, is_head: bool = False) -> func.HttpResponse:
    """The page as the host takes it."""
    from shared.answers.pages import HEADERS

    return func.HttpResponse(
        "" if is_head else page.html,
        status_code=page.status,
        headers=HEADERS,
        mimetype=MIME,
        charset="utf-8",
    )
