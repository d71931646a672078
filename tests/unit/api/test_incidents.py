"""Reading incidents, and saying something about them, by HTTP."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from shared.model.evidence import EvidenceStatus, Gathered
from shared.model.incident import IncidentStatus
from shared.store import rows
from shared.store.ports import Put
from tests.alerts import NOON, alert_id, defender_alert, event, stamp, vm
from tests.factories import make_evidence_row, make_incident
from tests.fakes.firewatch import KEEP

if TYPE_CHECKING:
    from shared.model.incident import Incident
    from shared.store.draft import Draft
    from tests.fakes.api import Api

MERGED_AWAY = "00000000000000aa"


async def put(api: Api, *heads: Incident) -> None:
    """Write heads into the store as they are."""
    for head in heads:
        write = Put(rows.incident(head.id), rows.encode(head))
        partition = rows.partition_of_incident(head.id)
        await api.world.table.commit(partition, [write])


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


class TestCommands:
    """POST /api/incidents/{id}/..."""

    async def test_each_is_carried_out_and_answers_with_the_incident(
        self, api: Api, incident: str
    ) -> None:
        """Acknowledge, comment, close with a verdict, reopen."""
        acknowledged = await api.post(f"{incident}/acknowledge", {"note": "mine"})
        commented = await api.post(f"{incident}/comment", {"note": "odd\nindeed"})
        closed = await api.post(
            f"{incident}/resolve",
            {"classification": "benign_positive", "reason": "suspicious_but_expected"},
        )
        reopened = await api.post(f"{incident}/reopen")

        every = (acknowledged, commented, closed, reopened)
        assert [reply.status for reply in every] == [200] * 4
        assert acknowledged.body["acknowledged"]["by"] == "key"
        assert acknowledged.body["acknowledged"]["note"] == "mine"
        assert closed.body["status"] == "closed"
        assert closed.body["verdict"]["classification"] == "benign_positive"
        assert reopened.body["status"] == "open"
        assert len({reply.headers["etag"] for reply in every}) == 4
        now = await api.get(incident)
        assert now.headers["etag"] == reopened.headers["etag"]

    async def test_a_command_on_a_changed_incident_is_stale(
        self, api: Api, incident: str
    ) -> None:
        """412, and nothing is done; the tag of now, * and no tag pass."""
        before = (await api.get(incident)).headers["etag"]
        await api.post(f"{incident}/comment", {"note": "first"})

        stale = await api.post(f"{incident}/resolve", {}, if_match=before)

        assert stale.status == 412
        assert stale.headers["content-type"] == "application/problem+json"
        assert (await api.get(incident)).body["status"] == "open"
        now = (await api.get(incident)).headers["etag"]
        weak = await api.post(f"{incident}/resolve", {}, if_match=f"W/{now}")
        assert weak.status == 412
        for tag in (now, "*"):
            reply = await api.post(f"{incident}/resolve", {}, if_match=tag)
            assert reply.status == 200

    async def test_a_key_makes_it_once(self, api: Api, incident: str) -> None:
        """Again with the same key: the same answer, and no second entry."""
        once = {"idempotency_key": "a key of mine"}
        first = await api.post(f"{incident}/comment", {"note": "hello"}, **once)
        again = await api.post(
            f"{incident}/comment",
            {"note": "hello"},
            if_match=(await api.get(incident)).headers["etag"],
            **once,
        )
        other = await api.post(f"{incident}/comment", {"note": "bye"}, **once)

        assert first.headers["etag"] == again.headers["etag"]
        assert other.status == 409
        entries = (await api.get(f"{incident}/timeline")).body["timeline"]
        assert [e for e in entries if e["by"] == "key"][1:] == []

    @pytest.mark.parametrize(
        ("path", "body", "paths"),
        [
            ("acknowledge", {"note": 1, "who": "me"}, ["body.who", "body.note"]),
            ("acknowledge", [], ["body"]),
            ("acknowledge", {"note": "x" * 4_001}, ["body.note"]),
            ("comment", {}, ["body.note"]),
            ("comment", {"note": " \n"}, ["body.note"]),
            ("comment", {"note": "\u200b\u0007"}, ["body.note"]),
            ("resolve", {"classification": "dunno"}, ["body.classification"]),
            ("resolve", {"reason": "inaccurate_data"}, ["body.reason"]),
            ("merge", {"into": "../x"}, ["body.into"]),
            ("merge", {"into": "0" * 16}, ["body.into"]),
            ("split", {"alerts": []}, ["body.alerts"]),
            ("split", {"alerts": [""], "x" * 99: 1}, None),
        ],
    )
    async def test_every_mistake_of_a_body_is_named(
        self, api: Api, incident: str, path: str, body: object, paths: list[str] | None
    ) -> None:
        """400; fields that are not known are mistakes too, cut where they are long."""
        reply = await api.post(f"{incident}/{path}", body)

        assert reply.status == 400
        found = [each["path"] for each in reply.body["problems"]]
        assert found == (paths or ["body." + "x" * 39 + "…", "body.alerts[0]"])

    @pytest.mark.parametrize(
        ("headers", "path"),
        [
            ({"if_match": "1-abc"}, "header.if-match"),
            ({"if_match": '"a", "b"'}, "header.if-match"),
            ({"idempotency_key": ""}, "header.idempotency-key"),
            ({"idempotency_key": "x" * 201}, "header.idempotency-key"),
            ({"idempotency_key": "a\nb"}, "header.idempotency-key"),
        ],
    )
    async def test_headers_are_checked(
        self, api: Api, incident: str, headers: dict[str, str], path: str
    ) -> None:
        """400, and which."""
        reply = await api.post(f"{incident}/acknowledge", None, **headers)

        assert reply.status == 400
        assert [each["path"] for each in reply.body["problems"]] == [path]

    @pytest.mark.parametrize(
        ("raw", "kind", "status"),
        [
            (b"{}", "", 415),
            (b"{}", "text/plain", 415),
            (b"note=x", "application/x-www-form-urlencoded", 415),
            (b"{", "application/json", 400),
            (b'"\xff"', "application/json; charset=utf-8", 400),
            (b"[" * 5_000, "application/json", 400),
            (b'{"note": "' + b"x" * 300_000 + b'"}', "application/json", 413),
            (b"", "application/json", 200),
            (b"{}", "Application/JSON;charset=utf-8", 200),
        ],
    )
    async def test_a_body_is_json_and_not_long(
        self, api: Api, incident: str, raw: bytes, kind: str, status: int
    ) -> None:
        """Each way to be wrong has its own status."""
        reply = await api.ask(
            "POST",
            f"{incident}/acknowledge",
            body=raw,
            headers={"content-type": kind} if kind else {},
        )

        assert reply.status == status

    async def test_a_command_on_nothing_is_404(self, api: Api) -> None:
        """For every command."""
        for path, body in (
            ("acknowledge", {}),
            ("resolve", {}),
            ("reopen", {}),
            ("comment", {"note": "x"}),
            ("merge", {"into": "0" * 16}),
            ("split", {"alerts": ["x"]}),
        ):
            reply = await api.post(f"/api/incidents/{MERGED_AWAY}/{path}", body)
            assert reply.status == 404, path

    async def test_a_store_that_is_down_is_503(self, api: Api, incident: str) -> None:
        """With a time to come back, and no word of what is inside."""
        api.world.faults.go_down()

        for reply in (
            await api.get(incident),
            await api.post(f"{incident}/acknowledge", {}),
            await api.get("/api/incidents"),
        ):
            assert reply.status == 503
            assert reply.headers["retry-after"] == "5"
            assert reply.headers["content-type"] == "application/problem+json"
            assert b"fake" not in reply.raw


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
