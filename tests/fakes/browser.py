"""Whoever follows a link: a browser, a scanner, or somebody with other plans."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlencode, urlsplit

import azure.functions as func

from shared.triggers import answers as trigger

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.bootstrap import App

ORIGIN = "https://firewatch.example.com"
SAME_ORIGIN = {"sec-fetch-site": "same-origin", "origin": "null"}
FORM = {"content-type": "application/x-www-form-urlencoded"}


class Seen(HTMLParser):
    """What a parser of HTML makes of a page: its elements, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.others: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def handle_comment(self, data: str) -> None:
        self.others.append(data)

    def unknown_decl(self, data: str) -> None:
        self.others.append(data)

    def handle_pi(self, data: str) -> None:
        self.others.append(data)

    @property
    def tags(self) -> list[str]:
        """The elements in order."""
        return [tag for tag, _ in self.elements]

    @property
    def text(self) -> str:
        """All text, in one line."""
        return " ".join(" ".join(self.texts).split())


class Shown(NamedTuple):
    """What came back; header names in lower case."""

    status: int
    headers: dict[str, str]
    html: str

    @property
    def seen(self) -> Seen:
        """The page as a browser has it."""
        return Seen(self.html)

    @property
    def fields(self) -> dict[str, str]:
        """The hidden fields of its form; none where there is no form."""
        return {
            str(given["name"]): str(given["value"])
            for tag, given in self.seen.elements
            if tag == "input" and given.get("type") == "hidden"
        }


class Browser:
    """Asks the pages of an app as the host would."""

    def __init__(self, app: App) -> None:
        self._functions = {
            (route, method): trigger.function(app, name)
            for name, (route, methods) in trigger.FUNCTIONS.items()
            for method in methods
        }

    async def ask(
        self,
        method: str,
        href: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> Shown:
        """Any request."""
        route = urlsplit(href).path.removeprefix("/api/")
        request = func.HttpRequest(
            method=method,
            url=href,
            headers=dict(headers or {}),
            params={},
            route_params={},
            body=body,
        )
        answer = await self._functions[route, method](request)
        return Shown(
            answer.status_code,
            {"content-type": answer.mimetype}
            | {name.lower(): value for name, value in answer.headers.items()},
            answer.get_body().decode(),
        )

    async def follow(
        self, href: str, headers: Mapping[str, str] | None = None
    ) -> Shown:
        """GET."""
        return await self.ask("GET", href, headers=headers)

    async def press(
        self, href: str, headers: Mapping[str, str] | None = None, **fields: str
    ) -> Shown:
        """Follow a link, and press the button of the page."""
        page = await self.follow(href, headers)
        return await self.send(href, page.fields | fields, headers)

    async def send(
        self,
        href: str,
        fields: Mapping[str, str],
        headers: Mapping[str, str] | None = None,
    ) -> Shown:
        """POST a form as the page's own is sent."""
        given = {**SAME_ORIGIN, **FORM, **(headers or {})}
        body = urlencode(fields).encode()
        return await self.ask("POST", href, headers=given, body=body)
