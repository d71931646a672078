"""The tags of an incident: what is shown of them, and what its head keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from shared.enrichment.tagging import ResourceTags
from shared.enrichment.tags import Found, Tags
from shared.model.evidence import Evidence, EvidenceStatus, Lack
from shared.model.incident import MOST_TAGS, IncidentStatus
from tests.factories import NOON, VM, make_incident
from tests.fakes.clock import Clock
from tests.fakes.tags import FakeGraph

if TYPE_CHECKING:
    from shared.model.incident import Incident

VAULT = VM.replace("microsoft.compute/virtualmachines/vm-web-01", "a.b/vaults/kv")
BOTH = make_incident(resources=(VM, VAULT))


def tagging(
    graph: FakeGraph, *names: str, critical: tuple[str, ...] = ()
) -> ResourceTags:
    """What asks that graph, for these names."""

    async def asked() -> frozenset[str]:
        return frozenset(names)

    tags = Tags(graph, clock=Clock())
    return ResourceTags(tags, critical=critical, names=asked)


async def evidence(graph: FakeGraph, head: Incident = BOTH, *critical: str) -> Evidence:
    """What is said of an incident."""
    return await tagging(graph, critical=critical or ("env=prod",))(head, NOON)


class TestEvidence:
    """What people and the score are told."""

    async def test_critical_tags_come_first(self) -> None:
        """Each with its resource, and the sentence says so."""
        graph = FakeGraph(
            {VM: {"a": "1", "env": "Prod"}, VAULT: {"owner": "ops", "env": "dev"}}
        )

        found = await evidence(graph)

        assert found.status is EvidenceStatus.COMPLETE
        assert found.rows[0] == ("vm-web-01", "env", "Prod", "true", VM)
        assert [row[3] for row in found.rows] == ["true", "false", "false", "false"]
        assert found.reading == (
            "Critical by the policy: env=Prod on vm-web-01; 3 more tags."
        )
        assert found.subject == "vm-web-01, kv"

    async def test_where_none_is_critical_the_tags_are_told(self) -> None:
        """They may say whose it is."""
        graph = FakeGraph({VM: {"owner": "ops"}, VAULT: {}})

        found = await evidence(graph)

        assert found.reading == (
            "Tags: owner=ops on vm-web-01; none is critical by the policy."
        )

    async def test_without_any_tag_that_is_said(self) -> None:
        """It is an answer."""
        found = await evidence(FakeGraph({VM: {}, VAULT: {}}))

        assert (found.status, found.rows) == (EvidenceStatus.COMPLETE, ())
        assert found.reading == "Its resources have no tags."

    async def test_what_is_not_shown_is_missing(self) -> None:
        """In part, or all of it."""
        part = await evidence(FakeGraph({VM: {}}))
        nothing = await evidence(FakeGraph({}))

        assert (part.status, part.reason) == (EvidenceStatus.PARTIAL, Lack.PARTIAL)
        assert (nothing.status, nothing.reason) == (
            EvidenceStatus.UNAVAILABLE,
            Lack.FORBIDDEN,
        )

    async def test_a_tag_is_critical_on_the_resource_that_has_it(self) -> None:
        """With the value that the policy names; other tags of its resource are not."""
        graph = FakeGraph({VM: {"env": "test", "tier": "prod"}, VAULT: {}})

        found = await evidence(graph, BOTH, "env=prod", "tier=PROD")

        assert [(row[1], row[3]) for row in found.rows] == [
            ("tier", "true"),
            ("env", "false"),
        ]

    async def test_many_tags_fit(self) -> None:
        """What is critical among them is there."""
        many = {f"t{n:03}": "x" * 256 for n in range(49)} | {"z": "y"}
        resources = tuple(f"{VM}{n}" for n in range(20))
        graph = FakeGraph(dict.fromkeys(resources, many))

        found = await evidence(graph, make_incident(resources=resources), "z=y")

        assert found.rows[0][1:4] == ("z", "y", "true")
        assert found.is_truncated
        assert found.subject == "vm-web-010, vm-web-011 and 18 more"

    async def test_what_tags_hold_is_harmless(self) -> None:
        """Whoever may write tags may write what they like."""
        evil = "x\n\u202ehttps://evil.example/" + "y" * 200
        found = await evidence(FakeGraph({VM: {evil: evil}, VAULT: {}}))

        assert found.reading.isprintable()
        assert "https://" not in found.reading
        assert len(found.reading) < 300

    @pytest.mark.parametrize(
        ("critical", "head"),
        [
            ((), BOTH),
            (("env=prod",), make_incident(resources=())),
            (("env=prod",), make_incident(is_sample=True)),
            (("env=prod",), make_incident(resources=("/subscriptions/x",))),
        ],
    )
    async def test_where_nothing_can_come_of_it_nobody_is_asked(
        self, critical: tuple[str, ...], head: Incident
    ) -> None:
        """No tag matters, or there is no resource; those of samples are made up."""
        assert tagging(FakeGraph({}), critical=critical).subject(head) == ""

    def test_one_more_resource_is_another_subject(self) -> None:
        """An answer of before does not do for it."""
        ask = tagging(FakeGraph({}), critical=("a=b",)).subject
        subjects = {
            ask(make_incident(resources=tuple(f"{VM}{n}" for n in range(number))))
            for number in range(1, 6)
        }

        assert len(subjects) == 5


async def onto(graph: FakeGraph, head: Incident, *names: str) -> Incident:
    """The head after a look."""
    asking = tagging(graph, *names)
    return await asking.onto(head) if await asking.is_wanted(head) else head


class TestHead:
    """What matchers find there."""

    async def test_it_has_what_matchers_ask_for(self) -> None:
        """And nothing else: what a resource does not have is empty."""
        graph = FakeGraph({VM: {"env": "Prod", "owner": "ops"}, VAULT: {}})

        head = await onto(graph, BOTH, "env", "tier")

        assert head.tags == {
            VM: {"env": "Prod", "tier": ""},
            VAULT: {"env": "", "tier": ""},
        }

    async def test_what_is_not_shown_is_not_there(self) -> None:
        """So nobody takes it for empty."""
        head = await onto(FakeGraph({VM: {}}), BOTH, "env")

        assert head.tags == {VM: {"env": ""}}

    async def test_what_is_known_is_not_asked_for(self) -> None:
        """Another name is, and one that nobody asks for any more goes."""
        graph = FakeGraph({VM: {"a": "1", "b": "2"}})
        head = await onto(graph, make_incident(), "a")
        again = await onto(graph, head, "a")
        other = await onto(graph, again, "b")

        assert again == head
        assert other.tags == {VM: {"b": "2"}}
        assert len(graph.asked) == 2

    async def test_what_is_known_is_not_lost_to_a_failure(self) -> None:
        """Another resource came, and nobody says anything of either."""
        head = await onto(FakeGraph({VM: {"a": "1"}}), make_incident(), "a")
        more = make_incident(resources=(VM, VAULT), tags=head.tags)

        assert (await onto(FakeGraph({}), more, "a")).tags == head.tags

    @pytest.mark.parametrize(
        "changes",
        [
            {"status": IncidentStatus.RESOLVED},
            {"was_active": False},
            {"is_sample": True},
            {"resources": ()},
        ],
    )
    async def test_nobody_is_asked_in_vain(self, changes: dict[str, Any]) -> None:
        """About what is over, never was, or is made up."""
        graph = FakeGraph({VM: {}})

        await onto(graph, make_incident(**changes), "env")
        await onto(graph, make_incident())

        assert graph.asked == []

    async def test_a_head_holds_so_many_and_no_more(self) -> None:
        """Of the first resources all; of the others nothing, and that is final."""
        resources = tuple(f"{VM}{n:02}" for n in range(50))
        graph = FakeGraph({each: {} for each in resources})
        head = make_incident(resources=resources)
        names = ("a", "b", "c")

        found = await onto(graph, head, *names)

        assert len(found.tags) == MOST_TAGS // len(names)
        assert await onto(graph, found, *names) == found
        assert len(graph.asked) == 1


async def test_the_fake_says_what_the_real_one_would() -> None:
    """Tags or nothing, of each that is asked for."""
    assert await Tags(FakeGraph({"a": {"b": "c"}}), clock=Clock()).of(["a", "x"]) == (
        Found({"a": {"b": "c"}}, Lack.FORBIDDEN)
    )
