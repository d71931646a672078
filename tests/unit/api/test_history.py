"""Incidents that ended long ago, by HTTP."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from shared.model.incident import IncidentStatus
from tests.alerts import NOON, alert_id
from tests.factories import make_incident
from tests.fakes.firewatch import KEEP
from tests.unit.api.heads import put

if TYPE_CHECKING:
    from tests.fakes.api import Api


class TestHistory:
    """What ended long ago answers as it did, and changes no more."""

    @pytest.fixture
    async def past(self, api: Api, incident: str) -> str:
        """The address of the incident, which is in history."""
        assert (await api.post(f"{incident}/resolve", {"note": "over"})).status == 200
        await api.world.settle()
        api.world.clock.step(KEEP + timedelta(days=1))
        assert (await api.world.worker.retention()).moved == 1
        return incident

    async def test_it_is_read_as_before(self, api: Api, past: str) -> None:
        """Itself with its tag, its alerts, its actions, its timeline, and why."""
        found = await api.get(past)
        same = await api.get(past, if_none_match=found.headers["etag"])
        alerts = await api.get(f"{past}/alerts")
        actions = await api.get(f"{past}/actions")
        timeline = await api.get(f"{past}/timeline?verify=true")
        why = await api.get(f"{past}/explain")

        assert found.body["in_history"]
        assert found.body["status"] == "resolved"
        assert same.status == 304
        assert [each["id"] for each in alerts.body["alerts"]] == [alert_id()]
        assert {each["verb"] for each in actions.body["actions"]} == {
            "trigger",
            "resolve",
        }
        assert timeline.body["verified"]
        assert why.body["in_history"]

    async def test_it_is_listed_by_its_month_and_its_problem(
        self, api: Api, past: str
    ) -> None:
        """Together with what has not left; pages and filters are those of any list."""
        problem = next(iter((await api.world.history.month(NOON))[0].problems))
        here = make_incident(id="0f" + "f" * 14, status=IncidentStatus.CLOSED)
        await put(api, here)
        past_id = past.rpartition("/")[2]

        plain = await api.get("/api/incidents")
        month = await api.get("/api/incidents?ended_in=2026-11&limit=1")
        rest = await api.get(month.headers["link"].removeprefix("<").partition(">")[0])
        having = await api.get(f"/api/incidents?fingerprint={problem}")
        both = await api.get(
            f"/api/incidents?fingerprint={problem}&ended_in=2026-11&status=closed"
        )

        assert [each["id"] for each in plain.body["incidents"]] == [here.id]
        listed = month.body["incidents"] + rest.body["incidents"]
        assert {each["id"]: each["in_history"] for each in listed} == {
            past_id: True,
            here.id: False,
        }
        assert [each["id"] for each in having.body["incidents"]] == [past_id]
        assert both.body["incidents"] == []

    @pytest.mark.parametrize(
        "query", ["ended_in=2026-13", "ended_in=2026", "fingerprint=x%2Fy"]
    )
    async def test_what_cannot_be_meant_is_a_mistake(
        self, api: Api, query: str
    ) -> None:
        """400, with its name."""
        reply = await api.get(f"/api/incidents?{query}")

        assert reply.status == 400
        assert reply.body["problems"][0]["path"] == f"query.{query.partition('=')[0]}"

    @pytest.mark.parametrize(
        ("order", "body"),
        [
            ("acknowledge", None),
            ("resolve", None),
            ("reopen", None),
            ("comment", {"note": "x"}),
            ("merge", {"into": "0600000000000000"}),
            ("split", {"alerts": ["a"]}),
        ],
    )
    async def test_commands_are_refused(
        self, api: Api, past: str, order: str, body: dict[str, object] | None
    ) -> None:
        """409, with where it is."""
        reply = await api.post(f"{past}/{order}", body)

        assert reply.status == 409
        assert "is in history" in reply.body["detail"]

    async def test_nothing_is_merged_into_it(self, api: Api, past: str) -> None:
        """It is named in the body, so the body has the mistake."""
        await put(api, make_incident(id="06" + "f" * 14))
        into = past.rpartition("/")[2]

        reply = await api.post(f"/api/incidents/06{'f' * 14}/merge", {"into": into})

        assert reply.status == 400
        assert "history" in reply.body["problems"][0]["problem"]
