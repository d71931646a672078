"""Every query of the pack, asked about those whom the attack concerns."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from devhost.outside import Outside
from devhost.outside.azure.inventory import STORY as INVENTORY
from devhost.outside.azure.inventory import read
from devhost.outside.log_analytics import FOLDER, STORY
from shared.clouds.credentials import Credentials
from shared.clouds.log_analytics import LogAnalytics
from shared.enrichment.asking import Ask
from shared.enrichment.pack import pack
from shared.enrichment.query import Kind
from shared.enrichment.runner import Runner
from shared.enrichment.subjects import CONTEXT, SUBJECTS
from shared.model.evidence import EvidenceStatus

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from shared.enrichment.kql import Value
    from shared.enrichment.query import Query
    from shared.model.evidence import Evidence

WORKSPACE = "0b1f6471-1bf0-4dda-aec3-cb9272f09590"
SHOP = "/subscriptions/5d6ac3b1-6f0e-4a7f-9f3c-0b1d5f9a7c01/resourcegroups/rg-shop"
ATTACKER = "203.0.113.77"
UPN = "m.weber@contoso.com"


def _resource(resource: str) -> dict[str, Value]:
    """The values that a resource gives."""
    name = resource.rsplit("/", 1)[-1]
    subscription = resource.split("/")[2]
    return {
        "TheResource": resource,
        "TheResourceName": name,
        "TheSubscription": subscription,
    }


# The machine, the storage account, the server of databases, the vault, the cluster.
WEB01, LAKE7, SQL_CRM, KV_CORE, AKS_PROD = (
    next(
        each["id"].lower()
        for each in read(INVENTORY.read_bytes()).resources
        if each["id"].endswith(f"/{name}")
    )
    for name in ("web01", "lake7", "sql-crm", "kv-core", "aks-prod")
)

# Whom the attack concerns, by the kinds of subjects that they are.
CAST: Mapping[str, tuple[dict[str, Value], ...]] = {
    "account": (
        {
            "TheAccount": UPN,
            "TheAccountId": "7c1f0f0e-3a52-4f0b-9a54-1d2e6b7a9c10",
            "TheAccountName": "m.weber",
            "TheMailbox": UPN,
        },
    ),
    "address": ({"TheAddress": ATTACKER},),
    "application": ({"TheApplication": "0d2f6a51-4c0e-4f8e-9d1b-7a3f2b6c8e11"},),
    "container-image": ({"TheRepository": "example/xmr-worker", "TheTag": "latest"},),
    "container-registry": (
        _resource(f"{SHOP}/providers/microsoft.containerregistry/registries/crshop"),
    ),
    "cosmos-account": (
        _resource(
            f"{SHOP}/providers/microsoft.documentdb/databaseaccounts/cosmos-orders"
        ),
    ),
    "domain": ({"TheDomain": "pool.example.net"},),
    "file": (
        {"TheHash": "9f2c1e7ab0d44a5e8c6f3b7d21e0954c7a8b6d5e4f30291817a6b5c4d3e2f101"},
    ),
    "host": ({"TheHost": "web01", "TheMachine": WEB01},),
    "incident": tuple(
        {
            "TheAlerts": ["f1e0a7c4-0000-4000-8000-000000000001"],
            "TheAlertTypes": [alert_type],
            "TheAddresses": [ATTACKER],
            "TheNames": [resource.rsplit("/", 1)[-1]],
            "TheResources": [resource],
        }
        for resource, alert_type in (
            (WEB01, "VM_SshBruteForceSuccess"),
            (KV_CORE, "KV_PutGetAnomaly"),
            (SQL_CRM, "SQL.DB_PrincipalAnomaly"),
        )
    ),
    "kubernetes-cluster": (_resource(AKS_PROD),),
    "kubernetes-pod": (
        {
            "ThePod": "checkout-7c9d",
            "TheNamespace": "shop",
            "TheResource": AKS_PROD,
        },
    ),
    "mailbox": ({"TheMailbox": UPN},),
    "resource": tuple(map(_resource, (WEB01, LAKE7, SQL_CRM, KV_CORE, AKS_PROD))),
    "sql-server": (_resource(SQL_CRM),),
    "storage-account": (_resource(LAKE7),),
    "url": ({"TheUrl": "https://contoso-helpdesk.example/renew"},),
    "vault": (_resource(KV_CORE),),
    "web-app": (_resource(f"{SHOP}/providers/microsoft.web/sites/shop-web"),),
}


def asks_of(query: Query, began: datetime) -> Iterator[Ask]:
    """The query about everybody whom it can be asked about."""
    for entity in query.entities:
        for values in CAST[entity]:
            offered = {**values, "TheFirstAlert": began}
            given = {
                p.name: offered[p.name] for p in query.parameters if p.name in offered
            }
            if any(name not in CONTEXT for name in given):
                yield Ask(
                    query,
                    given,
                    entity,
                    began - query.reach,
                    began + timedelta(hours=3),
                )


@pytest.fixture(scope="module")
def found() -> Mapping[str, list[Evidence]]:
    """What the stand-in says to each query, through the client and the runner."""

    async def ask() -> dict[str, list[Evidence]]:
        async with Outside.start() as outside:
            token = Credentials("").token
            logs = LogAnalytics(f"{outside.url}/log-analytics", token=token)
            began = datetime.now(UTC) - STORY
            asks = [ask for query in pack().values() for ask in asks_of(query, began)]
            # As one identity may: 200 in half a minute.
            assert len(asks) < 180
            said = await Runner(logs, clock=lambda: datetime.now(UTC))(
                asks, [WORKSPACE], deadline=timedelta(seconds=60)
            )
            await logs.close()
        by_query: dict[str, list[Evidence]] = {name: [] for name in pack()}
        for each in said:
            by_query[each.query].append(each)
        return by_query

    return asyncio.run(ask())


def test_everybody_is_of_a_kind_that_is_known() -> None:
    """And gives nothing that this kind does not."""
    assert {*CAST} == {*SUBJECTS}
    for kind, members in CAST.items():
        for member in members:
            assert {*member} <= {*SUBJECTS[kind]}, kind


@pytest.mark.parametrize("name", pack())
def test_a_query_of_the_pack_finds_something(
    name: str, found: Mapping[str, list[Evidence]]
) -> None:
    """Rows in the columns of its header, and the sentence that they come to."""
    query = pack()[name]
    assert {each.status for each in found[name]} == {EvidenceStatus.COMPLETE}
    telling = [each for each in found[name] if each.row_count]

    assert telling
    for each in telling:
        assert each.columns == tuple(column.name for column in query.columns)
        assert not each.is_truncated
        assert each.reading != query.nothing
        # What is said of a row that has nothing to say there.
        assert "" in each.rows[0] or "unknown" not in each.reading, each.reading
    for each in found[name]:
        assert each.row_count or each.reading == query.nothing


@pytest.mark.parametrize("name", pack())
def test_nothing_is_told_of_what_had_not_happened(
    name: str, found: Mapping[str, list[Evidence]]
) -> None:
    """First comes before last, and neither lies ahead."""
    now = datetime.now(UTC) + timedelta(minutes=1)
    times = [
        column.name
        for column in pack()[name].columns
        if column.kind is Kind.DATETIME and column.name != "ValidUntil"
    ]
    for each in found[name]:
        for cells in each.rows:
            row = dict(zip(each.columns, cells, strict=True))
            at = {column: datetime.fromisoformat(row[column]) for column in times}
            assert all(moment <= now for moment in at.values()), row
            if "First" in at and "Last" in at:
                assert at["First"] <= at["Last"], row


def test_every_case_is_about_somebody() -> None:
    """A word that nobody in the story has would never be asked for."""
    words = {
        f"{value}".lower()
        for members in CAST.values()
        for member in members
        for value in member.values()
    }
    for file in FOLDER.glob("*.json"):
        for told in json.loads(file.read_bytes())["told"]:
            assert not told["about"] or any(
                about.lower() in word for about in told["about"] for word in words
            ), f"{file.stem}: {told['about']}"
