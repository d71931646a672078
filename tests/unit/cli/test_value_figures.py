"""What tables, queries and alert types came to, and what to do about them."""

from __future__ import annotations

import shlex
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from cli.value import advice, figures, usage
from cli.value.figures import Told, Volume
from cli.value.kinds import Kind, counts, kinds
from devhost import kql_parser
from shared.actions import matchers
from shared.enrichment.pack import pack
from shared.model.evidence import EvidenceStatus, Lack
from shared.model.incident import (
    OWN,
    QUIET,
    Classification,
    IncidentStatus,
    Mark,
    Verdict,
)
from shared.model.risk import Factor, summed
from shared.triage import policy as policies
from tests.factories import NOON, make_evidence, make_incident, make_problem
from tests.unit.enrichment.parser import needs_parser

if TYPE_CHECKING:
    from shared.model.evidence import Evidence
    from shared.model.incident import Incident

BENIGN, TRUE = Classification.BENIGN_POSITIVE, Classification.TRUE_POSITIVE
HOUR = timedelta(hours=1)
# What makes a line of the policy a policy.
ABOVE = "responders: {}\nroutes: [{to: []}]\n"


def decided_by(*queries: str) -> Any:  # noqa: ANN401
    """A score that these queries are part of."""
    factors = [
        Factor(name=query, points=10, because="So.", evidence=query)
        for query in queries
    ]
    return summed(tuple(factors))


def closed(classification: Classification, **changes: Any) -> Incident:  # noqa: ANN401
    """An incident that somebody had for an hour, and closed."""
    return make_incident(
        status=IncidentStatus.CLOSED,
        acknowledged=Mark(by="ana", at=NOON),
        resolved=Mark(by="ana", at=NOON + HOUR),
        verdict=Verdict(classification=classification),
        **changes,
    )


def told(*evidence: Evidence, **changes: Any) -> Told:  # noqa: ANN401
    return Told(make_incident(**changes), evidence)


def nothing(query: str) -> Evidence:
    return make_evidence(query, rows=(), row_count=0)


def lacking(query: str, lack: Lack) -> Evidence:
    return make_evidence(
        query,
        rows=(),
        row_count=0,
        status=EvidenceStatus.UNAVAILABLE,
        reason=lack.value,
    )


def asked(*incidents: Told, query: str = "new-devices") -> figures.Asked:
    """What came of one query, with what to do about it."""
    found = figures.queries(figures.by_query(incidents), pack())
    return advice.of_query(next(each for each in found if each.query == query))


def table(
    name: str,
    *incidents: Told,
    rules: dict[str, list[str]] | None = None,
) -> figures.Table:
    """What came of a table of 10 GB, at 2 a GB, with what to do about it."""
    volumes = {name: Volume(12, 10)}
    found = figures.tables(
        figures.by_query(incidents), pack(), volumes, {"": 2.0}, rules
    )
    return advice.of_table(next(each for each in found if each.table == name))


def kind(*heads: Incident) -> Kind:
    [found] = kinds(heads)
    return advice.of_kind(found)


def test_a_query_is_counted_by_what_came_of_it() -> None:
    """Questions, answers, rows, and scores that it changed: each incident once."""
    found = asked(
        told(
            make_evidence("new-devices"),
            make_evidence("new-devices", subject="account b"),
            risk=decided_by("new-devices"),
        ),
        told(nothing("new-devices"), id="0b"),
        told(lacking("new-devices", Lack.TIMEOUT), id="0c"),
        told(make_evidence("account-facts"), id="0d"),
    )

    assert (found.questions, found.answered, found.found) == (4, 3, 2)
    assert found.decided == 1
    assert found.factors == ("new_device",)
    assert found.lacks == {"timeout": 1}
    assert found.to_do == ""


def test_points_of_zero_change_no_score() -> None:
    """Nor does a factor that the alerts themselves give."""
    factors = (
        Factor(name="a", points=0, because="So.", evidence="new-devices"),
        Factor(name="b", points=40, because="So."),
    )

    assert figures.decisive(make_incident(risk=summed(factors))) == set()


@pytest.mark.parametrize(
    ("evidence", "said"),
    [
        (nothing("new-devices"), "5 answers without a row: leave it out of"),
        (make_evidence("new-devices"), "never changed a score"),
        (make_evidence("new-devices"), "risk: {new_device: 0}"),
        (lacking("new-devices", Lack.FORBIDDEN), "Log Analytics Reader"),
        (lacking("new-devices", Lack.MISSING_TABLE), "send one of its tables"),
        (lacking("new-devices", Lack.TIMEOUT), "never answered (timeout)"),
    ],
)
def test_a_query_that_is_good_for_nothing_is_said_with_what_to_do(
    evidence: Evidence, said: str
) -> None:
    """From five questions on; fewer are chance."""
    five = [told(evidence, id=f"0{n}") for n in range(5)]

    found = asked(*five)
    assert said in " ".join((found.to_do, *found.by))
    assert asked(*five[:4]).to_do == ""


def test_one_that_changed_a_score_is_left_alone() -> None:
    """Once is enough."""
    evidence = make_evidence("new-devices")
    four = [told(evidence, id=f"0{n}") for n in range(4)]

    assert asked(*four, told(evidence, risk=decided_by("new-devices"))).to_do == ""


def test_one_that_can_change_no_score_only_tells() -> None:
    """Most of the pack is for people to read."""
    five = [told(make_evidence("host-dns"), id=f"0{n}") for n in range(5)]

    found = asked(*five, query="host-dns")

    assert found.factors == ()
    assert found.to_do == ""


def test_the_policy_without_the_useless_names_all_others() -> None:
    """`enrich.queries` are the only ones that are asked."""
    five = [told(nothing("host-dns"), id=f"0{n}") for n in range(5)]

    line = advice.without_useless(figures.queries(figures.by_query(five), pack()))

    remaining = policies.load(f"{ABOVE}{line}".encode()).enrich.queries
    assert {*pack()} - {*remaining} == {"host-dns"}
    assert (
        advice.without_useless(figures.queries(figures.by_query(five[:1]), pack()))
        == ""
    )


def test_a_table_is_worth_what_its_queries_found() -> None:
    """Cost by what is paid for; incidents and scores by the queries that read it."""
    found = table(
        "SigninLogs",
        told(make_evidence("new-devices"), risk=decided_by("new-devices")),
        told(nothing("new-devices"), id="0b"),
        told(make_evidence("host-dns"), id="0c"),
    )

    assert (found.gb, found.billable_gb, found.money) == (12, 10, 20.0)
    assert "new-devices" in found.queries
    assert (found.questions, found.found) == (2, 1)
    assert (found.incidents, found.decided) == (1, 1)
    assert found.to_do == ""


@pytest.mark.parametrize(
    ("name", "evidence", "rules", "said"),
    [
        ("Shop_CL", None, None, "rules are not known"),
        ("Shop_CL", None, {}, "no query of the pack reads it, and no rule does"),
        ("Shop_CL", None, {}, "LAQueryLogs | where QueryText has 'Shop_CL'"),
        (
            "Shop_CL",
            None,
            {},
            "retention: {tables: {Shop_CL: {interactive_days: 30, total_days: 365}}}",
        ),
        ("Shop_CL", None, {"Shop_CL": ["a rule"]}, ""),
        ("DnsEvents", None, {}, "no incident was about what"),
        ("DnsEvents", None, {"DnsEvents": ["a rule"]}, ""),
        ("DnsEvents", nothing("host-dns"), {}, "never a row about an incident"),
        ("DnsEvents", make_evidence("host-dns"), {}, ""),
    ],
)
def test_a_table_that_is_paid_for_and_tells_nothing_is_said(
    name: str, evidence: Evidence | None, rules: dict[str, list[str]] | None, said: str
) -> None:
    """With what to look at first, and the line of the policy."""
    five = [told(evidence, id=f"0{n}") for n in range(5)] if evidence else []

    found = table(name, *five, rules=rules)

    assert said in " ".join((found.to_do, *found.by))
    assert bool(found.to_do) == bool(said)
    for line in found.by:
        if line.startswith("retention"):
            assert policies.load(f"{ABOVE}{line}".encode()).retention.tables


def test_what_is_not_known_is_none_and_no_zero() -> None:
    """No workspace said a volume; no price was given; rules were not read."""
    [first, *_] = figures.tables({}, pack(), None, {"": 2.0}, None)
    assert (first.gb, first.billable_gb, first.money) == (None, None, None)
    assert first.rules is None

    [only] = [
        each
        for each in figures.tables({}, pack(), {"A": Volume(1, 1)}, {"B": 2.0}, {})
        if each.table == "A"
    ]
    assert (only.billable_gb, only.money, only.rules) == (1, None, ())


def test_a_price_may_be_of_one_table() -> None:
    """Any other has the one for all."""
    volumes = {"A": Volume(1, 1), "B": Volume(1, 1)}
    found = figures.tables({}, {}, volumes, {"": 2.0, "A": 0.5}, None)

    assert {each.table: each.money for each in found} == {"A": 0.5, "B": 2.0}


def test_verdicts_and_time_are_of_the_problem_that_led() -> None:
    """Alerts are counted for each type; an incident's hour is nobody else's."""
    problems = {
        "a": make_problem(),
        "b": make_problem(alert_type="VM_Other", title="Other", count=2),
    }
    head = closed(BENIGN, problems=problems)

    web, other = kinds([head])

    assert (web.alert_type, web.alerts, web.incidents, web.led) == (
        *("VM_WebShellDetected", 3, 1, 1),
    )
    assert (web.verdicts, web.benign) == ({"benign_positive": 1}, 1.0)
    assert (web.seconds, web.timed) == (3600, 1)
    assert (other.alerts, other.incidents, other.led) == (2, 1, 0)
    assert (other.verdicts, other.benign, other.timed) == ({}, None, 0)


@pytest.mark.parametrize(
    "changes",
    [
        {"acknowledged": None},
        {"epoch": 2},
        {"resolved": Mark(by=QUIET, at=NOON + 7 * 24 * HOUR)},
        {"resolved": Mark(by="ana", at=NOON - HOUR)},
    ],
)
def test_time_that_nobody_spent_is_not_counted(changes: dict[str, Any]) -> None:
    """Nobody took it, or time ended it, or clocks disagree."""
    head = closed(BENIGN)

    found = kind(msgspec.structs.replace(head, **changes))

    assert found.timed == 0


def test_rules_of_sentinel_are_told_apart_by_their_titles() -> None:
    """Their incidents have one type for all of them."""
    heads = [
        make_incident(
            id=f"0{n}",
            problems={"a": make_problem(alert_type="SentinelIncident", title=title)},
        )
        for n, title in enumerate(["Rare logon", "Rare logon", "Mass download"])
    ]

    found = kinds(heads)

    assert [(each.name, each.led) for each in found] == [
        ("Rare logon", 2),
        ("Mass download", 1),
    ]


def test_a_rule_that_is_mostly_benign_is_said_with_the_command() -> None:
    """As the shell and the matcher take it, whatever a type is called; High breaks through."""
    hostile = "x\" $(reboot) '; `id` | y"
    problems = {"a": make_problem(alert_type=hostile)}
    heads = [closed(BENIGN, id=f"0{n}", problems=problems) for n in range(9)]

    found = kind(*heads, closed(TRUE, id="0f", problems=problems))

    assert found.benign == 0.9
    assert "9 of 10 were benign or false" in found.to_do
    command = shlex.split(found.by[0])
    assert command[:3] == ["firewatch", "silences", "add"]
    matcher = matchers.parse(command[command.index("--match") + 1])
    assert (matcher.field, matcher.value) == ("alert_type", hostile)
    assert command[command.index("--break-through") + 1] == "severity>=high"


@pytest.mark.parametrize(
    ("heads", "said"),
    [
        ([closed(BENIGN)] * 4, ""),
        ([closed(BENIGN)] * 4 + [closed(TRUE)], ""),
        (
            [make_incident(status=IncidentStatus.RESOLVED)] * 5,
            "5 ended and nobody said what they were",
        ),
        ([make_incident()] * 5, ""),
    ],
)
def test_few_verdicts_say_nothing_and_none_is_said(
    heads: list[Incident], said: str
) -> None:
    """A rule is not judged by four incidents."""
    to_do = kind(*heads).to_do

    assert said in to_do
    assert bool(to_do) == bool(said)


@pytest.mark.parametrize(
    ("changes", "does"),
    [
        ({}, True),
        ({"is_sample": True}, False),
        ({"sources": (OWN,)}, False),
        ({"status": IncidentStatus.MERGED}, False),
    ],
)
def test_what_says_nothing_of_detectors_does_not_count(
    changes: dict[str, Any], *, does: bool
) -> None:
    """Samples, what Firewatch says itself, and what went on in another."""
    assert counts(make_incident(**changes)) is does


# As the workspace has it (log-analytics.md 3), as far as it is asked for.
USAGE = {
    "TimeGenerated": "datetime",
    "DataType": "string",
    "Quantity": "real",
    "IsBillable": "bool",
}


# The parser takes seconds to start.
@pytest.mark.soak
@needs_parser
def test_the_workspace_is_asked_in_its_own_language() -> None:
    """Microsoft's parser knows tables and columns, also of what people are told to ask."""
    advised = table("Shop_CL").by[0]
    texts = [
        kql_parser.Text("usage", usage.text(NOON, NOON + HOUR)),
        kql_parser.Text("who", advised),
    ]

    asked_for, who = kql_parser.check(texts, {**kql_parser.tables(), "Usage": USAGE})

    assert [*asked_for.diagnostics, *who.diagnostics] == []
    assert asked_for.tables == ["Usage"]
    assert [c.name for c in asked_for.columns] == ["DataType", "GB", "BillableGB"]
    assert who.tables == ["LAQueryLogs"]
