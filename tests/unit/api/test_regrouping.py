"""Incidents that are merged and split by HTTP."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from shared.model.incident import IncidentStatus
from tests.alerts import NOON, alert_id, defender_alert, event, stamp, vm
from tests.factories import make_incident
from tests.unit.api.heads import MERGED_AWAY, put

if TYPE_CHECKING:
    from tests.fakes.api import Api


class TestRegrouping:
    """POST /api/incidents/{id}/merge and /split."""

    @pytest.fixture
    async def other(self, api: Api, incident: str) -> str:
        """The id of a later incident of the same subscription."""
        at = NOON + timedelta(hours=9)
        body = defender_alert(
            SystemAlertId=alert_id(2, at),
            AzureResourceId=vm("other"),
            ResourceIdentifiers=[],
            Entities=[],
            **dict.fromkeys(("StartTimeUtc", "EndTimeUtc"), stamp(at)),
        )
        await api.world.feed([event(body, place=2, received_at=at)])
        first = incident.rpartition("/")[2]
        (found,) = {head.id for head in await api.world.heads()} - {first}
        return found

    async def test_a_merge_ends_in_the_senior_one(
        self, api: Api, incident: str, other: str
    ) -> None:
        """Both ids answer for it, and who said so is in its timeline."""
        first = incident.rpartition("/")[2]
        path = f"/api/incidents/{other}"
        tag = (await api.get(path)).headers["etag"]

        stale = await api.post(f"{path}/merge", {"into": first}, if_match='"0-0"')
        reply = await api.post(
            f"{path}/merge", {"into": first, "note": "same"}, if_match=tag
        )

        assert stale.status == 412
        assert (reply.status, reply.body["id"]) == (200, first)
        assert reply.body["merged_from"] == other
        assert (await api.get(path)).body["id"] == first
        assert reply.headers["etag"] == (await api.get(incident)).headers["etag"]

    async def test_a_merge_into_itself_is_a_mistake(
        self, api: Api, incident: str
    ) -> None:
        """Also by way of one that was merged into it."""
        head = await api.world.head()
        away = make_incident(
            id=MERGED_AWAY, status=IncidentStatus.MERGED, merged_into=head.id
        )
        await put(api, away)

        for into in (head.id, MERGED_AWAY):
            reply = await api.post(f"{incident}/merge", {"into": into})
            assert reply.status == 400

    async def test_what_cannot_be_done_is_409(
        self, api: Api, incident: str, other: str
    ) -> None:
        """With the reason, which is written for people."""
        assert (await api.post(f"{incident}/resolve", {})).status == 200

        reply = await api.post(f"{incident}/merge", {"into": other})
        split = await api.post(f"{incident}/split", {"alerts": [alert_id()]})

        assert reply.status == 409
        assert "has ended" in reply.body["detail"]
        assert split.status == 409
        assert "no alert would be left" in split.body["detail"]

    async def test_a_split_answers_with_both(
        self, api: Api, incident: str, other: str
    ) -> None:
        """The tag is that of the one that was asked about."""
        await api.post(f"{incident}/merge", {"into": other})

        reply = await api.post(f"{incident}/split", {"alerts": [alert_id()]})

        head = await api.get(incident)
        assert reply.body["incident"]["id"] == head.body["id"]
        assert reply.body["split_off"]["alerts"] == 1
        assert reply.headers["etag"] == head.headers["etag"]
        assert len(await api.world.heads()) == 2
