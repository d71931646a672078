"""Incidents by HTTP: which there are."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from shared.model.incident import IncidentStatus
from tests.alerts import NOON
from tests.factories import make_incident
from tests.unit.api.heads import MERGED_AWAY, put

if TYPE_CHECKING:
    from tests.fakes.api import Api


async def put_many(api: Api, number: int) -> list[str]:
    """Incidents a minute apart, the latest first; some at one moment."""
    made = [
        make_incident(
            id=f"{n % 16:02x}{n:014x}", opened_at=NOON + timedelta(minutes=n // 2)
        )
        for n in range(number)
    ]
    await put(api, *made)
    return [h.id for h in sorted(made, key=lambda h: (h.opened_at, h.id), reverse=True)]


class TestList:
    """GET /api/incidents."""

    async def test_pages_hold_each_incident_once_in_order(self, api: Api) -> None:
        """Following the links to their end gives all of them, the latest first."""
        await put_many(api, 25)
        heads = await api.world.heads()
        path, found = "/api/incidents?limit=10", []

        while path:
            reply = await api.get(path)
            assert reply.status == 200
            found += [each["id"] for each in reply.body["incidents"]]
            link = reply.headers.get("link", "")
            assert bool(link) is bool(reply.body["next"])
            path = link.removeprefix("<").partition(">")[0]

        heads.sort(key=lambda head: (head.opened_at, head.id), reverse=True)
        assert found == [head.id for head in heads]
        assert len(found) == 26

    async def test_a_page_keeps_its_place_while_others_are_opened(
        self, api: Api
    ) -> None:
        """What is new belongs to the first page, and shifts no other."""
        wanted = await put_many(api, 6)
        first = (await api.get("/api/incidents?limit=3")).body
        newer = make_incident(id="0f" + "f" * 14, opened_at=NOON + timedelta(days=1))
        await put(api, newer)

        second = await api.get(f"/api/incidents?limit=3&cursor={first['next']}")

        shown = [each["id"] for each in second.body["incidents"]]
        assert newer.id not in shown
        assert not {*shown} & {each["id"] for each in first["incidents"]}
        assert {*shown} < {*wanted, *(h.id for h in await api.world.heads())}

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("", {"open", "resolved"}),
            ("status=open", {"open"}),
            ("status=merged", {"merged"}),
            ("status=resolved&status=open", {"open", "resolved"}),
            ("filter=severity%3E%3Dhigh", {"open", "resolved"}),
            ("filter=severity%3Dlow", set()),
            ("filter=severity%3Dhigh&filter=sample%3Dtrue", set()),
            ("filter=severity!%3Dlow&status=open", {"open"}),
            ("filter=title%3D%22a%2Cb%22", set()),
            ("since=2026-11-23T12:00:00Z", {"open", "resolved"}),
            ("until=2026-11-23T12:00:00Z", set()),
            ("since=2026-11-24T00:00:00%2B01:00", set()),
            ("code=the-function-key", {"open", "resolved"}),
        ],
    )
    async def test_filters_say_which(
        self, api: Api, query: str, found: set[str]
    ) -> None:
        """Matchers may hold commas; merged incidents are listed by that name alone."""
        head = await api.world.head()
        loser = make_incident(
            id=MERGED_AWAY, status=IncidentStatus.MERGED, merged_into=head.id
        )
        ended = make_incident(id="00" + "c" * 14, status=IncidentStatus.RESOLVED)
        await put(api, loser, ended)

        reply = await api.get(f"/api/incidents?{query}")

        assert reply.status == 200
        assert {each["status"] for each in reply.body["incidents"]} == found

    @pytest.mark.parametrize(
        ("query", "paths"),
        [
            ("limit=0", ["query.limit"]),
            ("limit=201", ["query.limit"]),
            ("limit=ten", ["query.limit"]),
            ("limit=1&limit=2", ["query.limit"]),
            ("status=asleep", ["query.status[0]"]),
            ("filter=severity", ["query.filter[0]"]),
            ("filter=severity%3Dhigh&filter=ip%3Dx", ["query.filter[1]"]),
            ("since=yesterday", ["query.since"]),
            ("since=2026-11-23T12:00:00", ["query.since"]),
            ("since=0001-01-01T00:00:00%2B14:00", ["query.since"]),
            ("cursor=AAAA", ["query.cursor"]),
            ("cursor=%27%20or%201", ["query.cursor"]),
            ("colour=red", ["query.colour"]),
            ("colour=red&limit=0", ["query.colour", "query.limit"]),
        ],
    )
    async def test_every_mistake_of_a_query_is_named(
        self, api: Api, query: str, paths: list[str]
    ) -> None:
        """400, and each field that is wrong with what was expected."""
        reply = await api.get(f"/api/incidents?{query}")

        assert reply.status == 400
        assert reply.headers["content-type"] == "application/problem+json"
        assert [each["path"] for each in reply.body["problems"]] == paths
