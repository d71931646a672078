"""Whose logs are asked: the three topologies."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.enrichment.workspaces import MOST_RESOURCES, WorkspacesOf
from shared.model.errors import FailureReason, PermanentFailure, TransientFailure
from shared.model.logs import TOGETHER
from shared.model.workspaces import Access, Override, Topology, Workspaces
from tests.fakes.clock import Clock
from tests.fakes.loop import in_virtual_time

CENTRAL = "0b1f6471-1bf0-4dda-aec3-cb9272f09590"
SHOP = "5d6ac3b1-6f0e-4a7f-9f3c-0b1d5f9a7c01"
DATA = "c2b8e7d4-91a5-4e0b-8c66-7a40e3f5bd02"
SUBSCRIPTION = f"/subscriptions/{SHOP}"
GROUP = f"{SUBSCRIPTION}/resourcegroups/rg-shop"
WEB = f"{GROUP}/providers/microsoft.compute/virtualmachines/web01"
LAKE = f"{GROUP}/providers/microsoft.storage/storageaccounts/lake7"


class Found:
    """What discovery finds, and how often it was asked."""

    def __init__(self, **answers: tuple[str, ...] | Exception) -> None:
        self.answers = answers
        self.asked: Counter[str] = Counter()

    async def __call__(self, canonical_id: str) -> tuple[str, ...]:
        name = canonical_id.rsplit("/", 1)[-1]
        self.asked[name] += 1
        answer = self.answers.get(name, ())
        if isinstance(answer, Exception):
            raise answer
        return answer


class Side:
    """A policy, and what comes of it."""

    def __init__(self, found: Found | None = None, **policy: Any) -> None:  # noqa: ANN401
        self.clock = Clock()
        self.found = found or Found()
        self.workspaces_of = WorkspacesOf(
            Workspaces(**policy), discover=self.found, clock=self.clock
        )

    def __call__(self, *resources: str) -> list[str]:
        return asyncio.run(self._of(*resources))

    async def _of(self, *resources: str) -> list[str]:
        return await self.workspaces_of(resources)


def test_nobody_is_asked_unless_the_policy_says_so() -> None:
    """A deployment without the section goes on without evidence."""
    assert Side()(WEB) == []
    assert Workspaces().are_none


def test_central_is_asked_whatever_it_is_about() -> None:
    """Also where the incident names no resource at all."""
    side = Side(central=(CENTRAL, SHOP, CENTRAL.upper()))

    assert side() == side(WEB, LAKE) == [CENTRAL, SHOP]


def test_each_resource_is_asked_itself() -> None:
    """By its own id, the scale set and not its instance, each once."""
    side = Side(topology=Topology.PER_RESOURCE)

    found = side(WEB.upper(), f"{WEB}/extensions/x", LAKE, SUBSCRIPTION, GROUP)

    assert found == [WEB, LAKE]
    assert side.found.asked == {}


def test_or_by_the_workspace_it_sends_its_logs_to() -> None:
    """Two of one workspace are one question."""
    side = Side(
        Found(web01=(SHOP, DATA), lake7=(DATA,)),
        topology=Topology.PER_RESOURCE,
        access=Access.WORKSPACE,
    )

    assert side(WEB, LAKE) == [SHOP, DATA]


def test_hybrid_is_both() -> None:
    """The central ones first; what is both is asked once."""
    side = Side(
        Found(web01=(CENTRAL, DATA)),
        topology=Topology.HYBRID,
        central=(CENTRAL,),
        access=Access.WORKSPACE,
    )

    assert side(WEB) == [CENTRAL, DATA]
    assert side() == [CENTRAL]


@pytest.mark.parametrize("access", Access)
def test_an_override_wins_over_what_would_be_found(access: Access) -> None:
    """The narrowest one, in any case of its letters."""
    side = Side(
        Found(web01=(DATA,), lake7=(DATA,)),
        topology=Topology.PER_RESOURCE,
        access=access,
        overrides=(
            Override(resource=SUBSCRIPTION, workspaces=(CENTRAL,)),
            Override(resource=WEB.upper(), workspaces=(SHOP, DATA)),
        ),
    )

    assert side(WEB) == [SHOP, DATA]
    assert side(LAKE) == [CENTRAL]
    assert side.found.asked == {}


def test_an_override_is_for_what_is_inside_it_alone() -> None:
    """rg-shop is not rg-shop-test."""
    side = Side(
        topology=Topology.PER_RESOURCE,
        overrides=(Override(resource=GROUP, workspaces=(CENTRAL,)),),
    )
    other = WEB.replace("rg-shop", "rg-shop-test")

    assert side(other) == [other]


def test_workspaces_may_be_asked_together() -> None:
    """One query for all of them; a resource is asked by itself."""
    side = Side(
        topology=Topology.HYBRID,
        central=(CENTRAL, DATA),
        cross_workspace=True,
    )

    assert side(WEB) == [f"{CENTRAL}{TOGETHER}{DATA}", WEB]


def test_an_incident_of_many_resources_asks_a_few() -> None:
    """The first ones."""
    many = [WEB.replace("web01", f"web{n:02}") for n in range(40)]

    assert Side(topology=Topology.PER_RESOURCE)(*many) == many[:MOST_RESOURCES]


@given(st.text(), st.sampled_from(["?", "#", "%2e", " ", "/../", "/./", "\\", "ü"]))
def test_what_an_alert_says_leads_nowhere_else(text: str, trick: str) -> None:
    """An id goes into URLs: one that could change them is not asked."""
    side = Side(topology=Topology.PER_RESOURCE)

    found = side(f"{WEB}{trick}{text}", f"{GROUP}{trick}/providers/a/b/{text}", text)

    for each in found:
        assert set(each) <= set("abcdefghijklmnopqrstuvwxyz0123456789/._()-")
        assert not {".", "..", ""} & {*each.split("/")[1:]}


class TestDiscovery:
    """What was found is believed for a time."""

    def test_a_resource_is_looked_up_once_a_day(self) -> None:
        """And again on the next."""
        side = Side(
            Found(web01=(SHOP,)),
            topology=Topology.PER_RESOURCE,
            access=Access.WORKSPACE,
        )

        assert side(WEB) == side(WEB) == [SHOP]
        assert side.found.asked["web01"] == 1
        side.clock.step(timedelta(hours=24))
        side.found.answers["web01"] = (DATA,)
        assert side(WEB) == [DATA]

    def test_one_that_logs_nowhere_is_looked_up_each_hour(self) -> None:
        """Somebody may have mended that."""
        side = Side(topology=Topology.PER_RESOURCE, access=Access.WORKSPACE)

        assert side(WEB) == side(WEB) == []
        assert side.found.asked["web01"] == 1
        side.clock.step(timedelta(hours=1))
        side(WEB)
        assert side.found.asked["web01"] == 2

    @pytest.mark.parametrize("kind", [PermanentFailure, TransientFailure])
    def test_a_failure_is_told_and_costs_no_other(
        self,
        kind: type[PermanentFailure | TransientFailure],
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """Once in five minutes; the other resources are asked."""
        failure = kind(FailureReason.AUTH, "needs Monitoring Reader")
        side = Side(
            Found(web01=failure, lake7=(DATA,)),
            topology=Topology.PER_RESOURCE,
            access=Access.WORKSPACE,
        )

        assert side(WEB, LAKE) == side(WEB, LAKE) == [DATA]
        assert caplog.text.count("workspace.unknown") == 1
        assert "auth: needs Monitoring Reader" in caplog.text
        side.clock.step(timedelta(minutes=5))
        side(WEB)
        assert caplog.text.count("workspace.unknown") == 2

    def test_what_was_known_yesterday_stands_in_for_a_failure(self) -> None:
        """Resource Manager is away, the logs are where they were."""
        side = Side(
            Found(web01=(SHOP,)),
            topology=Topology.PER_RESOURCE,
            access=Access.WORKSPACE,
        )
        side(WEB)
        side.found.answers["web01"] = TransientFailure(FailureReason.TIMEOUT, "away")
        side.clock.step(timedelta(hours=25))

        assert side(WEB) == [SHOP]

    def test_a_search_that_hangs_keeps_nobody_from_the_central_ones(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Three seconds, and the page is still on time; told once."""

        async def hang(_: str) -> tuple[str, ...]:
            await asyncio.sleep(60)
            return ()

        async def scenario() -> tuple[list[str], float]:
            policy = Workspaces(
                topology=Topology.HYBRID, central=(CENTRAL,), access=Access.WORKSPACE
            )
            workspaces_of = WorkspacesOf(policy, discover=hang, clock=Clock())
            found = await workspaces_of([WEB, LAKE])
            assert await workspaces_of([WEB, LAKE]) == found
            return found, asyncio.get_running_loop().time()

        assert in_virtual_time(scenario()) == ([CENTRAL], 3)
        assert caplog.text.count("workspace.unknown") == 2
