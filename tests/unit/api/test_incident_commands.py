"""What is said about an incident by HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.api.heads import MERGED_AWAY

if TYPE_CHECKING:
    from tests.fakes.api import Api


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
