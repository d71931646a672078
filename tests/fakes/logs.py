"""Workspaces in memory, and what is asked of them."""

from __future__ import annotations

import asyncio
import re
from collections import Counter, deque
from datetime import datetime, timedelta
from typing import NamedTuple

from shared.enrichment.asking import Ask
from shared.enrichment.query import Column, Kind, Parameter, Query
from shared.model.errors import LogsUnavailable
from shared.model.evidence import Cost, Lack
from shared.model.logs import Answer
from tests.fakes.clock import START

WORKSPACE = "0b1f6471-1bf0-4dda-aec3-cb9272f09590"
OTHER = "5d6ac3b1-6f0e-4a7f-9f3c-0b1d5f9a7c01"
COLUMNS = ("TimeGenerated", "Caller")

_NAME = re.compile(r"// firewatch: (?P<name>\S+)", re.IGNORECASE)


class Asked(NamedTuple):
    """One query as a workspace got it, and when."""

    workspace: str
    query: str
    kql: str
    since: datetime
    until: datetime
    at: float


class Slow(NamedTuple):
    """An answer, or a failure, that takes its time."""

    seconds: float
    then: Answer | LogsUnavailable


def rows(*callers: str) -> Answer:
    """An answer with a row for each caller."""
    return Answer(
        columns=COLUMNS,
        rows=tuple(("2026-11-23T11:00:00.000Z", caller) for caller in callers),
    )


class FakeLogs:
    """``Logs`` that answers by workspace and query, from a script or with ``default``.

    ``asked`` is every query, in order; ``most_at_once`` the most that ran together.
    """

    def __init__(self, default: Answer | LogsUnavailable | Slow | None = None) -> None:
        self.default = default or rows("jdoe@contoso.com")
        self.script: dict[
            tuple[str, str], deque[Answer | LogsUnavailable | Slow | Exception]
        ] = {}
        self.asked: list[Asked] = []
        self.running = 0
        self.most_at_once = 0
        self.cancelled = 0

    def will(
        self,
        *answers: Answer | LogsUnavailable | Slow | Exception,
        workspace: str = WORKSPACE,
        query: str = "",
    ) -> None:
        """Answer so, one after the other, then with the default; "" is any query."""
        self.script.setdefault((workspace, query), deque()).extend(answers)

    async def query(
        self,
        workspace: str,
        kql: str,
        *,
        since: datetime,
        until: datetime,
        within: timedelta,
    ) -> Answer:
        assert within > timedelta(0)
        found = _NAME.match(kql)
        assert found, "the first line of a query is its name"
        name, now = found["name"], asyncio.get_running_loop().time()
        self.asked.append(Asked(workspace, name, kql, since, until, now))
        self.running += 1
        self.most_at_once = max(self.most_at_once, self.running)
        try:
            async with asyncio.timeout(within.total_seconds()):
                return await self._answer(workspace, name)
        except TimeoutError:
            raise LogsUnavailable(Lack.TIMEOUT) from None
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.running -= 1

    async def _answer(self, workspace: str, name: str) -> Answer:
        answer: Answer | LogsUnavailable | Slow | Exception = self.default
        for key in ((workspace, name), (workspace, "")):
            if self.script.get(key):
                answer = self.script[key].popleft()
                break
        if isinstance(answer, Slow):
            await asyncio.sleep(answer.seconds)
            answer = answer.then
        if isinstance(answer, Exception):
            raise answer
        return answer

    def counts(self) -> Counter[tuple[str, str]]:
        """How often each workspace was asked each query."""
        return Counter((each.workspace, each.query) for each in self.asked)


def a_query(name: str = "caller-operations", **changes: object) -> Query:
    """A query with one parameter."""
    fields = {
        "name": name,
        "question": f"What says {name}?",
        "entities": ("account",),
        "plans": ("any",),
        "tables": ("AzureActivity",),
        "parameters": (Parameter("Account", Kind.STRING),),
        "reach": timedelta(hours=24),
        "ahead": timedelta(hours=1),
        "lag": timedelta(minutes=20),
        "cost": Cost.LOW,
        "weight": 5,
        "columns": (
            Column("TimeGenerated", Kind.DATETIME),
            Column("Caller", Kind.STRING),
        ),
        "reading": "{count operation}, first by {Caller}.",
        "nothing": "No operations.",
        "text": "AzureActivity | where Caller == Account | take MostRows",
    }
    return Query(**(fields | changes))  # type: ignore[arg-type]


def an_ask(
    name: str = "caller-operations",
    *,
    account: object = "jdoe@contoso.com",
    at: datetime = START,
    **changes: object,
) -> Ask:
    """An ask of such a query about an account, around a time."""
    return Ask(
        query=a_query(name, **changes),
        values={"Account": account},  # type: ignore[dict-item]
        subject=f"account {account}",
        since=at - timedelta(hours=24),
        until=at + timedelta(hours=1),
    )


def asks(number: int) -> list[Ask]:
    """So many different ones."""
    return [an_ask(f"query-{n}") for n in range(number)]


def refused(
    lack: Lack, *, retry_after: float | None = None, table: str = ""
) -> LogsUnavailable:
    """A failure as the client raises it."""
    wait = None if retry_after is None else timedelta(seconds=retry_after)
    return LogsUnavailable(lack, retry_after=wait, table=table)


def wall() -> datetime:
    """A clock that goes with the running loop: ``START`` when the loop was made."""
    return START + timedelta(seconds=asyncio.get_running_loop().time())
