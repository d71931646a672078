"""`firewatch posture` against the stand-ins."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from cli.main import app
from devhost.outside import Outside
from devhost.outside.azure.inventory import read
from shared.model.alert import Severity
from shared.model.posture import CheckName
from shared.triggers.health import report
from tests.estates import CUSTOMER, HUB_ID, Estate, sub
from tests.fakes.api import Api
from tests.fakes.app import POLICY as POLICY_OF_APP
from tests.faults import FAULTS, Case

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result

POLICY = f"""
responders: {{}}
routes: [{{to: []}}]
workspaces: {{central: ["{CUSTOMER}"]}}
retention: {{tables: {{SecurityEvent: {{total_days: 365}}}}}}
posture: {{hub: "{HUB_ID}"}}
"""


async def posture(
    estate: Estate, folder: Path, *options: str, policy: str = POLICY
) -> Result:
    """The command, as in a process of its own: it brings its own loop."""
    file = folder / "policy.yaml"
    file.write_text(policy)
    content = json.dumps(estate.inventory()).encode()
    async with Outside.start(inventory=read(content)) as outside:
        before = outside.manager.state()
        where = ["--url", f"{outside.url}/arm"]
        where += ["--logs-url", f"{outside.url}/log-analytics"]
        given = ["posture", "--policy", str(file), *where, *options]
        done = await asyncio.to_thread(CliRunner().invoke, app, given)
        # It reads, and never writes.
        assert outside.manager.changes == []
        assert outside.manager.state() == before
        assert outside.arm.refused == []
    return done


async def test_an_estate_in_which_nothing_is_wrong(tmp_path: Path) -> None:
    """All is read by HTTP; nobody knows of incidents without an account."""
    done = await posture(Estate(), tmp_path, "--json")

    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert [(f["check"], f["subject"]) for f in found["findings"]] == [
        ("unknown", "evidence of open incidents")
    ]
    assert found["layout"]["model"] == "central"
    assert found["subscriptions"] == [sub(n).rpartition("/")[2] for n in range(2)]


async def test_findings_decide_how_it_exits(tmp_path: Path) -> None:
    """By the severity that was asked about."""
    case = Case()
    FAULTS[CheckName.PLAN_OFF](case)

    high = await posture(case.estate, tmp_path)
    medium = Case()
    FAULTS[CheckName.GROUP_DEAD](medium)
    calm = await posture(medium.estate, tmp_path)
    strict = await posture(medium.estate, tmp_path, "--fail-on", Severity.MEDIUM.value)

    assert (high.exit_code, calm.exit_code, strict.exit_code) == (1, 0, 1)
    assert "KeyVaults is off: 14 documented alert types do not come" in _flat(high)
    assert "action group ag-left has no receiver that is on" in _flat(calm)


async def test_what_mends_it_is_printed(tmp_path: Path) -> None:
    """As a line for a shell, and in Markdown as Bicep too."""
    case = Case()
    FAULTS[CheckName.LOGS_NOT_KEPT](case)

    lines = await posture(case.estate, tmp_path, "--fixes")
    written = await posture(case.estate, tmp_path, "--markdown")

    assert "az monitor diagnostic-settings create --name security" in _flat(lines)
    assert "```bicep\n" in written.stdout
    assert "Microsoft.Insights/diagnosticSettings@2021-05-01-preview" in written.stdout
    assert (
        "### medium: vaults010001 \\(vaults\\) sends its logs nowhere" in written.stdout
    )


async def test_one_subscription_of_several(tmp_path: Path) -> None:
    """What it sends to elsewhere is not known to be well."""
    done = await posture(
        Estate(), tmp_path, "--json", "--subscription", sub(1).rpartition("/")[2]
    )

    found = json.loads(done.stdout)
    assert found["subscriptions"] == [sub(1).rpartition("/")[2]]
    assert {f["subject"] for f in found["findings"]} == {
        "evidence of open incidents",
        "the event hub of this app",
        "workspaces",
    }


@pytest.mark.parametrize(
    ("options", "policy"),
    [
        (("--subscription", "mine"), POLICY),
        ((), "posture: {plans: 7}"),
        (("--rehearse",), POLICY),
    ],
)
async def test_what_is_wrong_with_the_command_exits_with_two(
    tmp_path: Path,
    options: tuple[str, ...],
    policy: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Findings are one thing, not knowing another."""
    monkeypatch.setattr("cli.account.RUNS", tmp_path)

    done = await posture(Estate(1, 0), tmp_path, *options, policy=policy)

    assert done.exit_code == 2, done.output


async def test_an_identity_that_sees_nothing_exits_with_two(tmp_path: Path) -> None:
    """There is nothing to say."""
    empty = Estate(1, 0)
    empty.documents = {}

    done = await posture(empty, tmp_path)

    assert done.exit_code == 2
    assert "no subscription is shown" in done.output


def _flat(done: Result) -> str:
    """The text, however the table broke it."""
    return " ".join(done.stdout.split())


APP = f"""{POLICY_OF_APP}
workspaces: {{central: ["{CUSTOMER}"]}}
retention: {{tables: {{SecurityEvent: {{total_days: 365}}}}}}
posture: {{}}
"""


async def test_the_app_audits_as_it_is_wired(tmp_path: Path) -> None:
    """Its hub is that of its settings; what it found is told, and shown by the API."""
    case = Case()
    FAULTS[CheckName.CAP_REACHED](case)
    content = json.dumps(case.estate.inventory()).encode()
    async with Outside.start(inventory=read(content)) as outside:
        api = Api(
            tmp_path,
            policy=APP,
            changes={
                "FIREWATCH_ARM_URL": f"{outside.url}/arm",
                "FIREWATCH_LOGS_URL": f"{outside.url}/log-analytics",
                "AlertsHub__fullyQualifiedNamespace": "evhns-firewatch.example.com",
                "ALERTS_HUB": "alerts",
            },
        )
        # The clock of the world stands, and that of the stand-ins does not.
        api.world.clock.step(datetime.now(UTC) - api.world.clock())
        found = await (await api.app.audit_posture())()
        await api.app.close()

    assert found is not None
    assert [each.check for each in found.findings] == [CheckName.CAP_REACHED]
    [head] = await api.world.heads()
    assert head.title == "law-soc TAKES NO LOGS NOW (OverQuota): nothing is seen there"
    shown = await api.get("/api/posture")
    assert [each["check"] for each in shown.body["findings"]] == ["cap-reached"]
    health = await report(api.app)
    assert health.content is not None
    assert health.content["posture"] == {
        "at": found.at.isoformat(),
        "open": 1,
        "unknown": 0,
    }
