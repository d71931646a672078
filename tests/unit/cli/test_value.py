"""`firewatch value`, over incidents in both tables and workspaces that answer."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from msgspec.structs import replace
from rich.console import Console
from typer.testing import CliRunner

from cli import incidents
from cli.main import app
from cli.value import rules, showing
from devhost.outside import Fault, Outside
from devhost.outside.log_analytics import Odd, Way
from shared.log_retention.workspace import Workspace
from shared.model.errors import FailureReason, PermanentFailure
from shared.model.incident import (
    Classification,
    Incident,
    IncidentStatus,
    Mark,
    Verdict,
)
from shared.store import rows
from shared.store.ports import Put, Row
from shared.wiring.parts import utc_now
from tests.factories import make_evidence_row, make_incident, make_problem, make_risk
from tests.fakes.azure import SOC
from tests.fakes.firewatch import World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from typer.testing import Result

    from shared.clouds.storage import Storage
    from shared.model.evidence import EvidenceRow

WORKSPACE = "0b1f6471-1bf0-4dda-aec3-cb9272f09590"
HERE, THERE = "00000000000000aa", "00000000000000bb"
HOSTILE = "a|b [x](http://evil) <img> `c`"
POLICY = "responders: {}\nroutes: [{to: []}]\n"


def head(**changes: Any) -> Incident:  # noqa: ANN401
    """An incident of yesterday that was closed as benign after an hour."""
    at = utc_now() - timedelta(days=1)
    return make_incident(
        opened_at=at,
        status=IncidentStatus.CLOSED,
        acknowledged=Mark(by="ana", at=at),
        resolved=Mark(by="ana", at=at + timedelta(hours=1)),
        verdict=Verdict(classification=Classification.BENIGN_POSITIVE),
        risk=make_risk(),
        **changes,
    )


async def keep(world: World, kept: Incident, *evidence: EvidenceRow) -> None:
    """Put an incident and its evidence where they lie while it goes on."""
    partition = rows.partition_of_incident(kept.id)
    found = [Put(rows.incident(kept.id), rows.encode(kept))]
    found += [Put(key, doc) for key, doc in written(*evidence)]
    await world.ledger.table.commit(partition, found)


async def file(world: World, kept: Incident, *evidence: EvidenceRow) -> None:
    """Put them into history."""
    found = [Row(rows.incident(kept.id), rows.encode(kept), "")]
    found += [Row(key, doc, "") for key, doc in written(*evidence)]
    await world.history.keep({kept.id: found})


def written(*evidence: EvidenceRow) -> list[tuple[str, bytes]]:
    return [
        (rows.evidence(e.incident, e.evidence.query, e.about), rows.encode(e))
        for e in evidence
    ]


class Asker:
    """The command over a fake account, and a stand-in of logs."""

    def __init__(self, outside: Outside, world: World, policy: Path) -> None:
        self.outside = outside
        self.world = world
        self._policy = policy
        policy.write_text(POLICY)

    async def run(self, *more: object, workspace: str = WORKSPACE) -> Result:
        """Run it as in a process of its own."""
        given = ["value", "--account", "fake", "--policy", str(self._policy)]
        given += ["--url", f"{self.outside.url}/log-analytics"]
        given += ["--arm-url", f"{self.outside.url}/arm"]
        given += ["--workspace", workspace] if workspace else []
        invoke = CliRunner().invoke
        return await asyncio.to_thread(invoke, app, [*given, *map(str, more)])

    async def json(self, *more: object, workspace: str = WORKSPACE) -> dict[str, Any]:
        """What it prints for programs."""
        done = await self.run("--json", *more, workspace=workspace)
        assert done.exit_code == 0, done.output
        found: dict[str, Any] = json.loads(done.stdout)
        return found


@pytest.fixture
async def asker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Asker]:
    """An incident that goes on, and one in history, each with evidence."""
    world = World()

    async def close() -> None:
        pass

    async def opened(_: str) -> Storage:
        storage = SimpleNamespace(
            ledger=world.worker.ledger, history=world.history, close=close
        )
        return cast("Storage", storage)

    monkeypatch.setattr(incidents, "open_account", opened)
    monkeypatch.setattr(showing, "console", Console(width=120))
    world.clock.step(utc_now() - world.clock())
    await keep(
        world,
        replace(head(id=HERE), status=IncidentStatus.OPEN, resolved=None),
        make_evidence_row(HERE, "threat-intelligence"),
        make_evidence_row(HERE, "host-dns", rows=(), row_count=0),
    )
    await file(world, head(id=THERE), make_evidence_row(THERE, "host-dns"))
    async with Outside.start() as outside:
        yield Asker(outside, world, tmp_path / "policy.yaml")


async def test_evidence_of_both_tables_counts(asker: Asker) -> None:
    """What goes on, and what ended and moved; by query, by table, by type."""
    found = await asker.json("--price-per-gb", "2", "--price-per-gb", "AKSAudit=0.5")

    assert found["incidents"] == 2
    asked = {each["query"]: each for each in found["queries"]}
    assert asked["host-dns"]["questions"] == 2
    assert asked["host-dns"]["found"] == 1
    assert asked["threat-intelligence"]["decided"] == 1
    tables = {each["table"]: each for each in found["tables"]}
    assert tables["AKSAudit"]["money"] == 206.25
    assert tables["SecurityEvent"]["money"] == 376.5
    assert tables["DnsEvents"]["questions"] == 2
    assert "pack reads it" in tables["ShopAudit_CL"]["to_do"]
    [kind] = found["kinds"]
    assert (kind["led"], kind["verdicts"]) == (2, {"benign_positive": 1})
    assert kind["seconds"] == 3600
    assert found["missing"] == ["rules of Sentinel and Azure Monitor: look by --rules"]


async def test_people_see_cost_use_and_what_to_do(asker: Asker) -> None:
    """A table each, and sentences below."""
    done = await asker.run("--price-per-gb", "2")

    assert done.exit_code == 0, done.output
    assert "in 30 days" in done.stdout
    assert "ShopAudit_CL: no query of the pack reads it" in done.stdout
    assert "Possible web shell detected" in done.stdout
    assert "100%" in done.stdout
    assert "not known: rules of Sentinel" in done.stdout


async def test_only_what_was_opened_in_these_days_counts(asker: Asker) -> None:
    """An incident of two months ago says nothing of this one."""
    long_ago = utc_now() - timedelta(days=60)
    old = "00000000000000cc"
    await keep(asker.world, replace(head(id=old), opened_at=long_ago))

    assert (await asker.json())["incidents"] == 2
    assert (await asker.json("--days", "90"))["incidents"] == 3


async def test_what_an_alert_says_is_text_in_markdown(asker: Asker) -> None:
    """No link, no HTML, no code, no cell of its own."""
    problems = {"a": make_problem(title=HOSTILE, alert_type=HOSTILE)}
    await keep(asker.world, head(id="00000000000000cc", problems=problems))

    done = await asker.run("--markdown")

    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    [line] = [each for each in lines if "evil" in each]
    assert line.endswith(r"| a\|b \[x\](http://evil) \<img\> \`c\` |")
    assert line.replace(r"\|", "").count("|") == 9
    assert lines[0].startswith("## ")
    assert "## Not known" in lines


@pytest.mark.parametrize(
    ("workspace", "odd", "said"),
    [
        ("", None, "volumes: name a workspace"),
        (WORKSPACE, Odd(missing=("Usage",)), "volumes of workspace 0b1f6471"),
        (WORKSPACE, Odd(way=Way.BAD_QUERY), "bad query"),
    ],
)
async def test_what_cannot_be_had_is_said_and_the_rest_is_there(
    asker: Asker, workspace: str, odd: Odd | None, said: str
) -> None:
    """No volume is none, and no zero."""
    if odd:
        asker.outside.log_analytics.odd.append(odd)

    found = await asker.json(workspace=workspace)

    assert any(said in each for each in found["missing"])
    assert {each["gb"] for each in found["tables"]} == {None}
    assert found["incidents"] == 2
    assert found["money"] is None


async def test_a_workspace_that_cannot_be_read_hides_no_other(asker: Asker) -> None:
    """The volumes of the others are there, and which is missing is said."""
    other = "5d6ac3b1-6f0e-4a7f-9f3c-0b1d5f9a7c01"
    asker.outside.log_analytics.odd.append(Odd(workspace=other, missing=("Usage",)))

    found = await asker.json("--workspace", other)

    tables = {each["table"]: each for each in found["tables"]}
    assert tables["AKSAudit"]["billable_gb"] == 412.5
    assert any(f"volumes of workspace {other}" in each for each in found["missing"])


async def test_rules_that_cannot_be_read_are_not_taken_for_none(asker: Asker) -> None:
    """Whoever stops collecting a table because no rule reads it must know."""
    asker.outside.faults.add(Fault(side="arm", status=403))

    found = await asker.json("--rules")

    assert {each["rules"] for each in found["tables"]} == {None}
    assert any("answered 403" in each for each in found["missing"])


async def test_rules_that_are_on_use_their_tables(asker: Asker) -> None:
    """Sentinel's and Azure Monitor's, of a workspace that is found by its GUID."""
    asker.outside.manager.resources.write(
        {
            "id": f"{SOC.partition('/providers/')[0]}/providers/Microsoft.Insights"
            "/scheduledQueryRules/web",
            "name": "web",
            "properties": {"criteria": {"allOf": [{"query": "AppServiceHTTPLogs"}]}},
        }
    )

    found = await asker.json("--rules")

    tables = {each["table"]: each for each in found["tables"]}
    assert tables["ShopAudit_CL"]["rules"] == ["Shop audit: prices changed at night"]
    assert tables["ShopAudit_CL"]["to_do"] == ""
    assert tables["AppServiceHTTPLogs"]["rules"] == ["web"]
    assert tables["AKSAudit"]["rules"] == []
    assert not any("rules" in each for each in found["missing"])


@pytest.mark.parametrize("price", ["much", "-1", "nan", "AKSAudit=", "1=x"])
def test_a_price_is_a_number(price: str) -> None:
    """Any other is a mistake in the command, said before anything is asked."""
    done = CliRunner().invoke(app, ["value", "--price-per-gb", price])

    assert done.exit_code == 2
    assert "expected a price" in done.output


class FakeArm:
    """``list_all`` of two APIs, as far as rules go."""

    def __init__(self, listed: dict[str, list[dict[str, Any]]]) -> None:
        self._listed = listed
        self.asked: list[str] = []

    async def list_all(
        self, path: str, *, permission: str = ""
    ) -> list[dict[str, Any]]:
        self.asked.append(f"{path} by {permission}")
        kind = path.partition("?")[0].rpartition("/")[2]
        if kind not in self._listed:
            raise PermanentFailure(FailureReason.AUTH, f"no {kind}")
        return self._listed[kind]


def rule(query: object, **more: object) -> dict[str, Any]:
    return {"name": "a1", "properties": {"displayName": "R", "query": query, **more}}


@pytest.mark.parametrize(
    ("kind", "listed", "found"),
    [
        ("alertRules", rule("Shop_CL | where x"), {"Shop_CL": ["R"]}),
        ("alertRules", rule('Other | where x == "Shop_CL" // Shop_CL'), {}),
        ("alertRules", rule("Shop_CL", enabled=False), {}),
        ("alertRules", rule(None), {}),
        ("alertRules", {"properties": None}, {}),
        (
            "scheduledQueryRules",
            {
                "name": "m1",
                "properties": {"criteria": {"allOf": [{"query": "Shop_CL"}, {}, None]}},
            },
            {"Shop_CL": ["m1"]},
        ),
        ("scheduledQueryRules", {"name": "m1", "properties": {"criteria": []}}, {}),
    ],
)
async def test_tables_are_found_in_the_text_of_rules(
    kind: str, listed: dict[str, Any], found: dict[str, list[str]]
) -> None:
    """As words of KQL, not in its strings; rules that are off read nothing."""
    both: dict[str, list[dict[str, Any]]] = {
        "alertRules": [],
        "scheduledQueryRules": [],
    }
    arm = FakeArm(both | {kind: [listed]})
    workspace = Workspace(cast("Any", arm), SOC)

    assert await rules.readers(cast("Any", arm), [workspace], {"Shop_CL"}) == found
    assert [each.partition("?")[0].rpartition("/")[2] for each in arm.asked] == [*both]


async def test_some_rules_are_not_all_rules() -> None:
    """Where one API does not say, nothing is said."""
    arm = FakeArm({"alertRules": [rule("Shop_CL")]})
    workspace = Workspace(cast("Any", arm), SOC)

    with pytest.raises(PermanentFailure, match="no scheduledQueryRules"):
        await rules.readers(cast("Any", arm), [workspace], {"Shop_CL"})
