"""Where a resource sends its logs, against the stand-in of Resource Manager."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from devhost.outside import Fault, Outside
from shared.clouds.arm import Arm
from shared.clouds.credentials import Credentials
from shared.clouds.diagnostic_settings import DiagnosticSettings
from shared.clouds.http import HttpClient
from shared.model.errors import FailureReason, PermanentFailure, TransientFailure
from shared.model.evidence import EvidenceStatus, Lack
from tests.fakes.app import POLICY, FakeApp
from tests.fakes.logs import an_ask

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

SHOP = "5d6ac3b1-6f0e-4a7f-9f3c-0b1d5f9a7c01"
CENTRAL = "0b1f6471-1bf0-4dda-aec3-cb9272f09590"
GROUP = f"/subscriptions/{SHOP}/resourceGroups/rg-shop"
VAULT = f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv"
MACHINE = f"{GROUP}/providers/Microsoft.Compute/virtualMachines/web01"
ACCOUNT = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/lake7"
WORKSPACE = f"{GROUP}/providers/Microsoft.OperationalInsights/workspaces/law-shop"
RULE = f"{GROUP}/providers/Microsoft.Insights/dataCollectionRules/security"
IDS = {"law-shop": SHOP, "law-other": CENTRAL}


class Side(DiagnosticSettings):
    """The app's reader of a stand-in, and the stand-in."""

    def __init__(self, outside: Outside, http: HttpClient) -> None:
        token = Credentials("").token
        super().__init__(Arm(f"{outside.url}/arm", http=http, token=token))
        self.outside = outside

    def sends(
        self, scope: str, *workspaces: object, logs: object = ({"enabled": True},)
    ) -> None:
        """Give a resource diagnostic settings to these."""
        self.outside.arm.document(
            f"{scope}/providers/Microsoft.Insights/diagnosticSettings",
            {
                "value": [
                    {"properties": {"workspaceId": each, "logs": logs}}
                    for each in workspaces
                ]
            },
        )

    def there_is(self, workspace: str, customer: object) -> None:
        """Have a workspace of this id."""
        self.outside.arm.document(workspace, {"properties": {"customerId": customer}})


@pytest.fixture
async def side() -> AsyncIterator[Side]:
    """A stand-in with two workspaces."""
    http = HttpClient()
    async with Outside.start() as outside:
        made = Side(outside, http)
        for name, customer in IDS.items():
            made.there_is(WORKSPACE.replace("law-shop", name), customer)
        yield made
    await http.close()


async def test_a_resource_logs_where_its_settings_say(side: Side) -> None:
    """Each workspace once, by the id that queries go to."""
    other = WORKSPACE.replace("law-shop", "law-other")
    side.sends(VAULT, WORKSPACE, other.upper(), WORKSPACE)

    assert await side(VAULT.lower()) == (SHOP, CENTRAL)
    assert side.outside.arm.refused == []


async def test_a_resource_without_settings_logs_nowhere(side: Side) -> None:
    """An empty list is no failure."""
    assert await side(VAULT.lower()) == ()


@pytest.mark.parametrize(
    "logs", [[], [{"enabled": False}], None, "logs", [7], [{"enabled": "true"}]]
)
async def test_a_setting_of_metrics_alone_counts_for_nothing(
    side: Side, logs: object
) -> None:
    """No category of logs is on."""
    side.sends(VAULT, WORKSPACE, logs=logs)

    assert await side(VAULT.lower()) == ()


async def test_a_storage_account_logs_by_its_services(side: Side) -> None:
    """The settings that matter hang on the services."""
    side.sends(f"{ACCOUNT}/blobServices/default", WORKSPACE)

    assert await side(ACCOUNT.lower()) == (SHOP,)


async def test_a_machine_logs_by_its_data_collection_rules(side: Side) -> None:
    """What its agent sends is in no diagnostic setting."""
    side.outside.arm.document(
        f"{MACHINE}/providers/Microsoft.Insights/dataCollectionRuleAssociations",
        {
            "value": [
                {"properties": {"dataCollectionRuleId": RULE}},
                {"properties": {"dataCollectionEndpointId": "/subscriptions/x"}},
            ]
        },
    )
    destination = {"workspaceResourceId": WORKSPACE, "name": "law"}
    side.outside.arm.document(
        RULE, {"properties": {"destinations": {"logAnalytics": [destination]}}}
    )

    assert await side(MACHINE.lower()) == (SHOP,)


async def test_a_workspace_that_is_gone_is_left_out(side: Side) -> None:
    """A setting may outlive it."""
    side.sends(VAULT, f"{WORKSPACE}-gone", WORKSPACE)

    assert await side(VAULT.lower()) == (SHOP,)


@pytest.mark.parametrize(
    "workspace",
    [
        7,
        None,
        "",
        "/subscriptions/x/../../evil",
        f"{WORKSPACE}/../law-other",
        f"{WORKSPACE}?api-version=1&x=",
        f"{WORKSPACE}/tables/x",
        VAULT,
    ],
)
async def test_what_a_document_says_leads_nowhere_else(
    side: Side, workspace: object
) -> None:
    """Only the id of a workspace is read as one."""
    side.sends(VAULT, workspace)

    assert await side(VAULT.lower()) == ()
    assert side.outside.arm.refused == []


@pytest.mark.parametrize("content", [{}, {"value": 7}, {"value": [7, {}, None]}])
async def test_an_odd_list_is_empty(side: Side, content: dict[str, Any]) -> None:
    """Nothing in it can be made out."""
    path = f"{VAULT}/providers/Microsoft.Insights/diagnosticSettings"
    side.outside.arm.document(path, content)

    assert await side(VAULT.lower()) == ()


@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [
        (401, PermanentFailure, FailureReason.AUTH),
        (403, PermanentFailure, FailureReason.AUTH),
        (429, TransientFailure, FailureReason.RATE_LIMITED),
        (503, TransientFailure, FailureReason.UNAVAILABLE),
    ],
)
async def test_who_may_not_look_is_told_so(
    side: Side,
    status: int,
    kind: type[PermanentFailure | TransientFailure],
    reason: FailureReason,
) -> None:
    """That is no resource that logs nowhere."""
    side.sends(VAULT, WORKSPACE)
    side.outside.faults.add(Fault(side="arm", status=status))

    with pytest.raises(kind) as caught:
        await side(VAULT.lower())

    assert caught.value.reason is reason
    if reason is FailureReason.AUTH:
        assert "Monitoring Reader" in str(caught.value)


@pytest.mark.parametrize("status", [400, 404])
async def test_a_type_without_settings_logs_nowhere(side: Side, status: int) -> None:
    """Resource Manager refuses to list what there cannot be."""
    side.outside.faults.add(Fault(side="arm", status=status))

    assert await side(VAULT.lower()) == ()


@pytest.fixture
async def app(side: Side, tmp_path: Path) -> AsyncIterator[FakeApp]:
    """An app whose resources keep their own workspaces."""
    section = "workspaces: {topology: per_resource, access: workspace}"
    made = FakeApp(
        tmp_path,
        policy=f"{POLICY}\n{section}\n",
        changes={
            "FIREWATCH_ARM_URL": f"{side.outside.url}/arm",
            "FIREWATCH_LOGS_URL": f"{side.outside.url}/log-analytics",
        },
    )
    yield made
    await made.close()


async def test_the_app_asks_the_workspace_that_it_finds(
    side: Side, app: FakeApp
) -> None:
    """From the settings and the policy to the evidence."""
    side.sends(VAULT, WORKSPACE)
    enrichment = await app.enrichment()

    started = enrichment.start([an_ask()], [VAULT], deadline=timedelta(seconds=20))
    [found] = await started.rest()

    assert enrichment.is_on
    assert (found.status, found.workspace) == (EvidenceStatus.COMPLETE, SHOP)
    [request] = side.outside.log_analytics.asked
    assert (request["workspace"], request["query"]) == (SHOP, "caller-operations")


async def test_without_the_section_there_is_nobody_to_ask(
    side: Side, tmp_path: Path
) -> None:
    """The app of today goes on as it did, and its evidence would say why it is none."""
    app = FakeApp(tmp_path)
    enrichment = await app.enrichment()

    started = enrichment.start([an_ask()], [VAULT], deadline=timedelta(seconds=1))
    [found] = await started.rest()

    assert not enrichment.is_on
    assert found.reason == Lack.NO_WORKSPACE
    assert await app.enrichment() is enrichment
    await app.close()
    assert side.outside.log_analytics.asked == []
