"""The stand-in of Log Analytics: as strict as the real one, and it knows the story."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import httpx
import pytest

from cli.story import attack
from devhost.outside import Outside
from devhost.outside.log_analytics import FOLDER, STORY
from shared.clouds.credentials import Credentials
from shared.clouds.log_analytics import LogAnalytics
from shared.enrichment.asking import asks
from shared.enrichment.runner import Runner
from shared.model.event import Event
from shared.model.evidence import EvidenceStatus, Lack
from shared.store import reading
from tests.fakes.firewatch import World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from shared.model.evidence import Evidence

WORKSPACE = "0b1f6471-1bf0-4dda-aec3-cb9272f09590"
SPAN = "2026-11-22T12:00:00Z/2026-11-23T12:00:00Z"
ASKED = '// firewatch: vault-operations\nlet x = "kv-core";\nAZKVAuditLogs'
FILES = sorted(FOLDER.glob("*.json"))


class Asker:
    """Asks the stand-in as the SDK would."""

    def __init__(self, outside: Outside, client: httpx.AsyncClient) -> None:
        self.outside = outside
        self.client = client

    async def ask(
        self,
        content: object = None,
        *,
        workspace: str = WORKSPACE,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        return await self.client.post(
            f"/log-analytics/v1/workspaces/{workspace}/query",
            json={"query": ASKED, "timespan": SPAN} if content is None else content,
            headers={"authorization": "Bearer local"} if headers is None else headers,
        )

    async def control(
        self, method: str, path: str, content: object = None
    ) -> httpx.Response:
        headers = {"x-control-key": self.outside.control_key}
        return await self.client.request(
            method, f"/control/{path}", headers=headers, json=content
        )


@pytest.fixture
async def asker() -> AsyncIterator[Asker]:
    """A stand-in that is well."""
    async with (
        Outside.start() as outside,
        httpx.AsyncClient(base_url=outside.url, trust_env=False) as client,
    ):
        yield Asker(outside, client)


async def test_a_query_is_answered_by_its_name(asker: Asker) -> None:
    """With columns and rows in the service's shape, times relative to the attack."""
    answer = await asker.ask()

    [table] = answer.json()["tables"]
    assert table["name"] == "PrimaryResult"
    assert {"name": "First", "type": "datetime"} in table["columns"]
    assert table["rows"][0][0] == "m.weber@contoso.com"
    first = datetime.fromisoformat(table["rows"][0][-2])
    started = datetime.now(first.tzinfo) - STORY
    assert abs(first - started - timedelta(minutes=41)) < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("query", "columns"),
    [
        ('// firewatch: vault-operations\nlet x = "kv-other";', 10),
        ("// firewatch: no-such-query\nAzureActivity", 0),
        ("// firewatch: ../vault-operations\nAzureActivity", 0),
        ("AzureActivity | take 10", 0),
    ],
)
async def test_whatever_is_not_in_the_story_finds_nothing(
    asker: Asker, query: str, columns: int
) -> None:
    """Another vault, a query of nobody's, one without a name: an empty table."""
    answer = await asker.ask({"query": query, "timespan": SPAN})

    [table] = answer.json()["tables"]
    assert (len(table["columns"]), table["rows"]) == (columns, [])


@pytest.mark.parametrize(
    ("content", "workspace", "headers", "status", "code"),
    [
        (None, WORKSPACE, {}, 401, "AuthenticationFailed"),
        (None, "law-shop", None, 404, "PathNotFoundError"),
        ({}, WORKSPACE, None, 400, "BadArgumentError"),
        ([], WORKSPACE, None, 400, "BadArgumentError"),
        ({"query": " "}, WORKSPACE, None, 400, "BadArgumentError"),
        ({"query": "x"}, WORKSPACE, None, 400, "BadArgumentError"),
        ({"query": "x", "timespan": "P1D"}, WORKSPACE, None, 400, "BadArgumentError"),
    ],
)
async def test_what_the_service_would_refuse_is_refused(
    asker: Asker,
    *,
    content: object,
    workspace: str,
    headers: dict[str, str] | None,
    status: int,
    code: str,
) -> None:
    """No token, no workspace, no query, no time range; and it is kept."""
    answer = await asker.ask(content, workspace=workspace, headers=headers)

    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert asker.outside.log_analytics.asked == []
    assert len(asker.outside.log_analytics.refused) == 1


async def test_a_request_of_another_type_is_an_empty_200(asker: Asker) -> None:
    """As the service answers it, which no reader may take for an answer."""
    answer = await asker.client.post(
        f"/log-analytics/v1/workspaces/{WORKSPACE}/query",
        content=b"{}",
        headers={"authorization": "Bearer local"},
    )

    assert (answer.status_code, answer.content) == (200, b"")


class TestOdd:
    """What a workspace is told to have wrong."""

    async def test_a_workspace_may_lack_tables(self, asker: Asker) -> None:
        """The message is Kusto's own; another workspace has them."""
        odd = {"workspace": WORKSPACE, "missing": ["AZKVAuditLogs"]}

        assert (await asker.control("POST", "log-analytics", odd)).status_code == 204
        answer = await asker.ask()
        other = await asker.ask(workspace=WORKSPACE.replace("0b1f", "0b1e"))

        assert answer.status_code == 400
        inner = answer.json()["error"]["innererror"]["innererror"]
        assert inner["code"] == "SEM0100"
        assert inner["message"].endswith("expression named 'AZKVAuditLogs'")
        assert other.status_code == 200

    @pytest.mark.parametrize(
        ("way", "status"),
        [("partial", 200), ("no content", 204), ("bad query", 400), ("garbled", 200)],
    )
    async def test_one_query_may_go_wrong(
        self, asker: Asker, way: str, status: int
    ) -> None:
        """In a way that no status alone can show; the others go on."""
        await asker.control(
            "POST", "log-analytics", {"query": "vault-operations", "way": way}
        )

        answer = await asker.ask()
        other = await asker.ask({"query": "// firewatch: b\n", "timespan": SPAN})

        assert answer.status_code == status
        assert other.json()["tables"][0]["rows"] == []
        if way == "partial":
            assert answer.json()["error"]["code"] == "PartialError"
            assert answer.json()["tables"][0]["rows"]

    async def test_all_is_well_again(self, asker: Asker) -> None:
        """One request takes every fault away."""
        await asker.control("POST", "log-analytics", {"way": "bad query"})
        await asker.control("POST", "faults", {"side": "log-analytics", "status": 429})

        assert (await asker.ask()).status_code == 429
        await asker.control("DELETE", "faults")

        assert (await asker.ask()).status_code == 200

    async def test_a_misspelt_way_is_refused(self, asker: Asker) -> None:
        """The control says what is wrong with it."""
        answer = await asker.control("POST", "log-analytics", {"way": "sideways"})

        assert answer.status_code == 400


async def test_what_was_asked_is_kept(asker: Asker) -> None:
    """Whom, what and when; the texts of queries are for tests alone."""
    await asker.ask()

    shown = (await asker.control("GET", "received")).json()["log-analytics"]

    [asked] = shown["asked"]
    assert asked["query"] == "vault-operations"
    assert (asked["workspace"], asked["timespan"]) == (WORKSPACE, SPAN)
    assert "kql" not in asked
    assert asker.outside.log_analytics.asked[0]["kql"] == ASKED


async def _evidence_of_the_story(outside: Outside) -> dict[str, list[Evidence]]:
    """What is found about each incident of the attack, by its title."""
    world = World()
    now = world.clock()
    await world.feed(
        [
            Event(each.body, "hub/alerts/0", str(n), now)
            for n, each in enumerate(attack.attack(now))
        ]
    )
    logs = LogAnalytics(f"{outside.url}/log-analytics", token=Credentials("").token)
    run = Runner(logs, clock=world.clock)
    found = {}
    for head in await world.heads():
        rows = await reading.alerts_of(world.ledger, {head.id})
        found[head.title] = await run(
            asks(head, rows, most=12), [WORKSPACE], deadline=timedelta(seconds=20)
        )
    await logs.close()
    return found


async def test_every_incident_of_the_attack_has_evidence(asker: Asker) -> None:
    """Over the real SDK, rows and a sentence for each, and none of another's."""
    found = await _evidence_of_the_story(asker.outside)

    assert len(found) == 6
    for title, evidence in found.items():
        assert {each.status for each in evidence} == {EvidenceStatus.COMPLETE}, title
        assert all(each.reading for each in evidence), title
        telling = [each for each in evidence if each.row_count]
        assert len(telling) >= (1 if "SAMPLE" in title else 3), title
    [logons] = [
        each
        for each in found["Successful SSH brute force attack"]
        if each.query == "host-logons"
    ]
    assert logons.reading.startswith(
        "4 pairs of account and address: 3 logons and 1845 failures"
    )
    sample = found["[SAMPLE ALERT] Suspicious activity"]
    assert "host-logons" not in {each.query for each in sample if each.row_count}


async def test_with_a_dead_workspace_everything_says_what_is_missing(
    asker: Asker,
) -> None:
    """No incident is without evidence, and none with any."""
    await asker.control("POST", "faults", {"side": "log-analytics", "drop": True})

    found = await _evidence_of_the_story(asker.outside)

    reasons = {each.reason for evidence in found.values() for each in evidence}
    assert reasons == {Lack.UNREACHABLE}
