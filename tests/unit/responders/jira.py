"""Jira as responders have it, and a site to make issues at."""

from __future__ import annotations

import base64
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import msgspec

from devhost.outside import Outside
from responders.jira import Jira
from responders.tickets import adf
from shared.clouds.http import HttpClient
from tests.fakes.clock import Clock
from tests.fakes.ports import make_ports

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from devhost.outside.jira import Issue
    from shared.model.http import Http


SETTINGS: dict[str, Any] = {
    "url": "https://contoso.atlassian.net",
    "user": "firewatch@contoso.com",
    "token": {"setting": "TOKEN"},
    "project": "SEC",
}


def make_jira(http: Http, **changes: Any) -> Jira:  # noqa: ANN401  settings
    config = msgspec.convert(SETTINGS | changes, Jira.Config)
    return Jira("tickets", config, make_ports(http, {"TOKEN": "t0ken"}))


class Site:
    """A site that Firewatch and people work on."""

    def __init__(self, outside: Outside, http: HttpClient, clock: Clock) -> None:
        self.outside = outside
        self.http = http
        self.clock = clock

    def jira(self, **changes: Any) -> Jira:  # noqa: ANN401  settings
        return make_jira(self.http, url=f"{self.outside.url}/jira", **changes)

    @property
    def issue(self) -> Issue:
        """The only one there is."""
        [issue] = self.outside.jira.issues.values()
        return issue

    @property
    def said(self) -> list[str]:
        """The comments, as people read them."""
        return [adf.text(each.body) for each in self.issue.comments]

    async def person(self, method: str, path: str, body: dict[str, Any]) -> None:
        """What somebody there does with the issue."""
        self.clock.step(timedelta(seconds=1))
        pair = base64.b64encode(b"grace@contoso.com:x").decode()
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.request(
                method,
                f"{self.outside.url}/jira/rest/api/3/issue/SEC-1/{path}",
                json=body,
                headers={"authorization": f"Basic {pair}"},
            )
        assert answer.status_code < 300, answer.text


@asynccontextmanager
async def a_site() -> AsyncIterator[Site]:
    clock, http = Clock(), HttpClient()
    async with Outside.start(clock=clock) as outside:
        try:
            yield Site(outside, http, clock)
        finally:
            await http.close()
