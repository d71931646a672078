"""One incident by HTTP, and what is below it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from shared.model.evidence import EvidenceStatus, Gathered
from shared.model.incident import IncidentStatus
from shared.store import rows
from tests.alerts import NOON, alert_id, defender_alert, event, stamp, vm
from tests.factories import make_evidence_row, make_incident
from tests.unit.api.heads import MERGED_AWAY, put

if TYPE_CHECKING:
    from shared.store.draft import Draft
    from tests.fakes.api import Api


class TestOne:
    """GET /api/incidents/{id} and its parts."""

    async def test_it_holds_what_people_need_and_no_more(
        self, api: Api, incident: str
    ) -> None:
        """No lease, no counters of workers, no hashes of chains."""
        reply = await api.get(incident)

        head = await api.world.head()
        assert reply.status == 200
        assert reply.headers["etag"] == f'"{head.revision}"'
        assert reply.headers["cache-control"] == "no-store"
        assert reply.body["title"] == head.title
        assert reply.body["revision"] == head.revision
        assert not {*reply.body} & {"lease", "chain", "generation", "due", "attempts"}

    async def test_one_that_is_known_is_not_sent_again(
        self, api: Api, incident: str
    ) -> None:
        """304 for its own tag, strong or weak or among others; else 200."""
        tag = (await api.get(incident)).headers["etag"]

        for known in (tag, f"W/{tag}", f'"x", {tag}', "*"):
            reply = await api.get(incident, if_none_match=known)
            assert (reply.status, reply.raw) == (304, b"")
            assert reply.headers["etag"] == tag
        assert (await api.get(incident, if_none_match='"1-x"')).status == 200

    async def test_a_merged_one_answers_with_the_one_that_goes_on(
        self, api: Api
    ) -> None:
        """However many steps lie between; it says which id was asked for."""
        winner = await api.world.head()
        middle = make_incident(
            id="00" + "b" * 14, status=IncidentStatus.MERGED, merged_into=winner.id
        )
        loser = make_incident(
            id=MERGED_AWAY, status=IncidentStatus.MERGED, merged_into=middle.id
        )
        await put(api, middle, loser)

        reply = await api.get(f"/api/incidents/{MERGED_AWAY}")

        assert reply.body["id"] == winner.id
        assert reply.body["merged_from"] == MERGED_AWAY
        assert (await api.get(f"/api/incidents/{winner.id}")).body[
            "merged_from"
        ] is None

    async def test_its_parts_are_found_below_it(self, api: Api, incident: str) -> None:
        """Alerts, actions and timeline."""
        alerts = (await api.get(f"{incident}/alerts")).body
        actions = (await api.get(f"{incident}/actions")).body
        timeline = (await api.get(f"{incident}/timeline")).body

        (alert,) = alerts["alerts"]
        assert (alert["id"], alert["road"]) == (alert_id(), "hub")
        assert alert["incident"] == alerts["incident"] == incident.rpartition("/")[2]
        (action,) = actions["actions"]
        assert (action["responder"], action["status"]) == ("pager", "applied")
        assert "target" not in action
        assert timeline["timeline"][0]["facts"][0]["kind"] == "incident.opened"
        assert timeline["entries"] == len(timeline["timeline"])
        assert timeline["verified"] is None

    async def test_its_chain_is_proved_on_request(
        self, api: Api, incident: str
    ) -> None:
        """Consistent, anchored after a night; and not once a row is gone."""
        head = await api.world.head()
        good = (await api.get(f"{incident}/timeline?verify=true")).body
        api.world.clock.step(timedelta(days=1))
        await api.world.worker.audit()
        anchored = (await api.get(f"{incident}/timeline?verify=true")).body
        del api.world.table._rows[
            rows.partition_of_incident(head.id), rows.entry(head.id, 2)
        ]
        broken = (await api.get(f"{incident}/timeline?verify=true")).body

        assert (good["verified"], good["state"]) == (True, "consistent, not anchored")
        assert (good["entries"], good["anchored"]) == (head.sequence, None)
        assert (anchored["state"], anchored["anchored"]) == (
            "consistent, anchored",
            "2026-11-24T00:00:00Z",
        )
        assert (broken["verified"], broken["problem"]) == (
            False,
            "entry 2 is missing",
        )

    @pytest.mark.parametrize(
        "part", ["", "/alerts", "/actions", "/evidence", "/timeline"]
    )
    async def test_one_that_is_not_there_is_404(self, api: Api, part: str) -> None:
        """And one that cannot be is 400: no such key ever reaches the table."""
        gone = await api.get(f"/api/incidents/{MERGED_AWAY}{part}")
        gets = api.world.faults.calls["table.get"]
        wrong = await api.get(f"/api/incidents/00%7Ch%7C..%2F{part}")

        assert gone.status == 404
        assert wrong.status == 400
        assert wrong.body["problems"][0]["path"] == "path.id"
        assert api.world.faults.calls["table.get"] == gets

    async def test_a_score_comes_with_its_factors(
        self, api: Api, incident: str
    ) -> None:
        """Each with its points and the query behind it."""
        answer = await api.get(incident)

        risk = answer.body["risk"]
        assert risk["total"] == sum(each["points"] for each in risk["factors"]) > 0
        assert risk["factors"][0]["because"] == "The severity is high."
        assert risk["factors"][0]["evidence"] == ""

    async def test_evidence_of_one_that_nobody_asked_about_is_none(
        self, api: Api, incident: str
    ) -> None:
        """And says that it was never asked for."""
        answer = await api.get(f"{incident}/evidence")

        assert answer.status == 200
        assert answer.body["evidence"] == []
        assert answer.body["gathered_at"] is None

    async def test_evidence_is_all_that_one_needs_to_doubt_it(
        self, api: Api, incident: str
    ) -> None:
        """Query, place, time, rows, and what they come to; the most telling first."""
        head = await api.world.head()
        kept = [
            make_evidence_row(head.id, "b", place=1),
            make_evidence_row(head.id, "a", place=2, status=EvidenceStatus.PARTIAL),
        ]
        mark = Gathered(at=NOON, alerts=1, asked=2, answered=2, found=2)

        def decide(draft: Draft) -> None:
            for row in kept:
                draft.put_evidence(row, None)
            draft.change(replace(head, evidence=mark))

        ledger = api.world.worker.ledger
        await ledger.refresh(head.id[:2], [rows.incident(head.id)])
        await ledger.transact(head.id[:2], decide, by="a test")

        answer = await api.get(f"{incident}/evidence")

        assert answer.body["gathered_at"] == "2026-11-23T12:00:00Z"
        first, second = answer.body["evidence"]
        assert (first["query"], second["query"]) == ("b", "a")
        assert second["status"] == "partial"
        assert first["rows"] == [["2026-11-23T11:00:00Z", "mallory@contoso.com"]]
        assert first["reading"] == "1 operation by mallory@contoso.com."


async def test_text_of_alerts_stays_text(api: Api) -> None:
    """What an attacker wrote is escaped: no byte of an answer is a control or above ~."""
    hostile = 'x\x1b[2J\x7f\u202e\u2028</script><script>"\\'
    at = NOON + timedelta(days=9)
    await api.world.feed(
        [
            event(
                defender_alert(
                    SystemAlertId=alert_id(9, at),
                    AlertDisplayName=hostile,
                    CompromisedEntity=hostile,
                    StartTimeUtc=stamp(at),
                    AzureResourceId=vm("other"),
                    ResourceIdentifiers=[],
                ),
                received_at=at,
            )
        ]
    )

    listed = await api.get("/api/incidents?status=open")

    assert all(0x20 <= byte < 0x7F for byte in listed.raw)
    assert listed.headers["x-content-type-options"] == "nosniff"
    assert listed.headers["content-type"] == "application/json"
