"""What a score is the sum of, factor by factor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from shared.enrichment.pack import pack
from shared.enrichment.tagging import ResourceTags
from shared.enrichment.verdicts import OwnVerdicts
from shared.model.alert import Severity
from shared.model.evidence import (
    OWN_QUESTIONS,
    TAGS,
    VERDICTS,
    Evidence,
    EvidenceStatus,
    Lack,
)
from shared.model.risk import Factor, Risk, Weights, summed
from shared.triage import risk
from tests.factories import make_evidence, make_incident, make_problem

if TYPE_CHECKING:
    from collections.abc import Sequence

PLAIN = make_incident(severity=Severity.LOW, tactics=())

# Questions that are put to others than workspaces.
OWN = {each.topic.name: each.topic for each in (OwnVerdicts, ResourceTags)}


def known_columns(query: str) -> Sequence[str]:
    """The columns of the answers to a question."""
    if query in OWN:
        return OWN[query].columns
    return [column.name for column in pack()[query].columns]


def said(query: str, *rows: dict[str, str], **changes: Any) -> Evidence:  # noqa: ANN401
    """What a query said, in rows of these cells."""
    columns = tuple(dict.fromkeys(name for row in rows for name in row))
    # A query or column that is renamed would be a factor that never comes again.
    assert {*columns} <= {*known_columns(query)}
    cells = tuple(tuple(row.get(name, "") for name in columns) for row in rows)
    return make_evidence(query, columns=columns, rows=cells, **changes)


def from_logs(*evidence: Evidence) -> list[tuple[str, int, str]]:
    """The factors that come of it, but for their sentences."""
    found = risk.score(PLAIN, evidence, Weights())
    return [(f.name, f.points, f.evidence) for f in found.factors if f.evidence]


@pytest.mark.parametrize(
    ("severity", "points"),
    [(Severity.HIGH, 40), (Severity.MEDIUM, 25), (Severity.LOW, 10)],
)
def test_severity_counts(severity: Severity, points: int) -> None:
    """By a weight for each; the alerts say so, and no query."""
    found = risk.score(make_incident(severity=severity), (), Weights())

    assert found.factors[0].points == found.total == points
    assert found.factors[0].evidence == ""
    assert severity.value in found.factors[0].because


def test_what_is_worth_nothing_is_no_factor() -> None:
    """A table of zeros would hide what counts."""
    plain = make_incident(severity=Severity.INFORMATIONAL)

    assert risk.score(plain, (), Weights()) == Risk()


@pytest.mark.parametrize(("number", "points"), [(1, 0), (2, 4), (5, 16), (30, 16)])
def test_more_problems_count_up_to_a_bound(number: int, points: int) -> None:
    """Each beyond the first, four at most."""
    problems = {str(n): make_problem() for n in range(number)}

    found = risk.score(make_incident(problems=problems), (), Weights(high=0))

    assert found.total == points


@pytest.mark.parametrize(
    ("tactics", "points"),
    [
        (("Persistence",), 0),
        (("InitialAccess", "initialaccess", "Unknown"), 0),
        (("Execution", "Impact", "InitialAccess"), 10),
        (tuple(f"T{n}" for n in range(20)), 20),
    ],
)
def test_an_attack_that_gets_on_counts(tactics: tuple[str, ...], points: int) -> None:
    """Different stages, however often and in whatever case they are named."""
    found = risk.score(make_incident(tactics=tactics), (), Weights(high=0))

    assert found.total == points


@pytest.mark.parametrize(("alerts", "points"), [(9, 0), (10, 5), (9_000, 5)])
def test_many_alerts_count_once(alerts: int, points: int) -> None:
    """However many more there are."""
    found = risk.score(make_incident(alerts=alerts), (), Weights(high=0))

    assert found.total == points


@pytest.mark.parametrize(
    ("name", "points", "query", "row"),
    [
        *(
            ("privileged account", 15, query, row)
            for query, row in [
                ("account-facts", {"Name": "Eve", "Roles": "Global Administrator"}),
                ("role-membership", {"Role": "User Admin", "Result": "success"}),
                ("role-assignments", {"Role": "Owner", "Result": "Success"}),
            ]
        ),
        ("threat intelligence", 20, "threat-intelligence", {"Indicator": "192.0.2.4"}),
        ("new country", 10, "new-countries", {"Country": "NL"}),
        ("new device", 5, "new-devices", {"Device": "Linux / Chrome"}),
        *(
            ("failures then success", 15, query, row)
            for query, row in [
                ("failures-then-success", {"Address": "192.0.2.4", "Failures": "3"}),
                ("account-sign-ins", {"Failures": "3", "Successes": "1"}),
                ("host-logons", {"Failures": "10", "Successes": "1"}),
            ]
        ),
        *(
            ("critical asset", 15, query, row)
            for query, row in [
                ("watchlists", {"Watchlist": "High Value Assets", "Name": "kv"}),
                ("watchlists", {"Watchlist": "HighValueAssets", "Name": "kv"}),
                ("watchlists", {"Watchlist": "Estate", "Tags": "prod, Tier 0"}),
                ("account-facts", {"Roles": "none", "Tags": "Sensitive"}),
                (TAGS, {"Tag": "env", "Value": "prod", "IsCritical": "true"}),
            ]
        ),
        ("true positive", 15, "earlier-incidents", {"Classification": "TruePositive"}),
        ("true positive", 15, VERDICTS, {"Classification": "true_positive"}),
        *(
            (
                "false positive",
                -20,
                VERDICTS,
                {"Classification": verdict, "IsWhole": "true"},
            )
            for verdict in ("false_positive", "benign_positive")
        ),
        *(
            (
                "false positive",
                -20,
                "earlier-incidents",
                {"Classification": verdict, "SameThings": "true", "IsThis": "false"},
            )
            for verdict in ("FalsePositive", "BenignPositive")
        ),
    ],
)
def test_what_logs_say_counts(
    name: str, points: int, query: str, row: dict[str, str]
) -> None:
    """Once, whatever else is in the answer; the factor names its query."""
    evidence = said(query, {}, row, row)

    assert from_logs(evidence, evidence) == [(name, points, query)]
    partial = replace(evidence, status=EvidenceStatus.PARTIAL, reason=Lack.PARTIAL)
    assert from_logs(partial) == [(name, points, query)]
    assert from_logs(replace(evidence, status=EvidenceStatus.UNAVAILABLE)) == []
    assert from_logs(replace(evidence, query="sql-audit")) == []


@pytest.mark.parametrize(
    ("query", "row"),
    [
        ("account-facts", {"Name": "Admin", "Roles": "none", "Tags": "prod"}),
        ("account-facts", {"Roles": "Global Reader"}),
        ("role-membership", {"Role": "User Admin", "Result": "failure"}),
        ("role-assignments", {"Role": "Reader", "Result": "Success"}),
        ("threat-intelligence", {"Indicator": " ", "Threat": "botnet"}),
        ("new-countries", {"City": "Delft"}),
        ("failures-then-success", {"Failures": "2"}),
        ("account-sign-ins", {"Failures": "300", "Successes": "0"}),
        ("host-logons", {"Failures": "9", "Successes": "1"}),
        ("host-logons", {"Failures": "1e9", "Successes": "1"}),
        ("host-logons", {"Failures": "9" * 5_000, "Successes": "1"}),
        ("host-logons", {"Failures": "٣٣٣", "Successes": "1"}),
        ("watchlists", {"Watchlist": "Offices", "Tags": "prod"}),
        (TAGS, {"Tag": "env", "Value": "critical", "IsCritical": "false"}),
        ("earlier-incidents", {"Classification": "Undetermined"}),
        (VERDICTS, {"Classification": "undetermined", "IsWhole": "true"}),
        (VERDICTS, {"Classification": "false_positive", "IsWhole": "false"}),
        (
            "earlier-incidents",
            {"Classification": "TruePositive", "IsThis": "true"},
        ),
        (
            "earlier-incidents",
            {"Classification": "FalsePositive", "SameThings": "false"},
        ),
    ],
)
def test_what_is_nothing_of_the_sort_counts_for_nothing(
    query: str, row: dict[str, str]
) -> None:
    """Nor does a cell that is not what its column says."""
    assert from_logs(said(query, row)) == []


def test_what_it_reads_is_asked() -> None:
    """Each query is of the pack, or a question of ours; each factor has its weight."""
    asked = {query for tests in risk.FACTORS.values() for query in tests}
    assert asked <= {*pack(), *OWN}
    assert OWN_QUESTIONS == {*OWN} <= asked
    assert {*risk.FACTORS} <= {*Weights.__struct_fields__}


def test_a_verdict_of_true_outweighs_one_of_false() -> None:
    """Whoever is in doubt looks."""
    evidence = said(
        "earlier-incidents",
        {"Classification": "FalsePositive", "SameThings": "true"},
        {"Classification": "TruePositive", "SameThings": "true"},
    )

    assert from_logs(evidence) == [("true positive", 15, "earlier-incidents")]


@pytest.mark.parametrize("own", ["true_positive", "false_positive"])
def test_own_verdicts_and_those_of_sentinel_count_once(own: str) -> None:
    """They may be of one and the same; ours is named, and true outweighs false."""
    ours = said(
        VERDICTS,
        {
            "Classification": own,
            "Times": "3 times",
            "Last": "2026-11-02T08:00:00.000Z",
            "By": "ada",
            "Incident": "0d9eeb301d377b52",
            "IsWhole": "true",
        },
    )
    theirs = said("earlier-incidents", {"Classification": "TruePositive"})

    found = risk.score(PLAIN, [theirs, ours], Weights()).factors[-1]

    assert from_logs(theirs, ours) == [("true positive", 15, found.evidence)]
    if own == "true_positive":
        assert found.because == (
            "Closed as true positive 3 times, last on 2026-11-02 by ada"
            " (incident 0d9eeb301d377b52)."
        )
    else:
        assert found.evidence == "earlier-incidents"


def test_weights_are_the_policys() -> None:
    """What it sets to 0 is not counted."""
    weights = Weights(low=1, threat_intelligence=99, new_country=0)
    evidence = (
        said("threat-intelligence", {"Indicator": "192.0.2.4"}),
        said("new-countries", {"Country": "NL"}),
    )

    found = risk.score(PLAIN, evidence, weights)

    assert [f.points for f in found.factors] == [1, 99]
    assert found.formula == "1 + 99 = 100"


@pytest.mark.parametrize(
    ("points", "total", "formula"),
    [
        ((), 0, "0"),
        ((40,), 40, "40 = 40"),
        ((40, 15, -20), 35, "40 + 15 - 20 = 35"),
        ((90, 20), 100, "90 + 20 = 110, at most 100: 100"),
        ((-20, 10), 0, "-20 + 10 = -10, at least 0: 0"),
    ],
)
def test_a_sum_is_shown_as_one_does_it_by_hand(
    points: tuple[int, ...], total: int, formula: str
) -> None:
    """And where it leaves the scale, that is shown too."""
    found = summed(tuple(Factor(name="a", points=p, because="B.") for p in points))

    assert found.total == total
    assert found.formula == formula


def test_questions_without_an_answer_are_counted() -> None:
    """Those that bear on it; of a table that is not there nothing would come."""
    lost = {"status": EvidenceStatus.UNAVAILABLE, "rows": (), "row_count": 0}
    evidence = [
        make_evidence("threat-intelligence", reason=Lack.TIMEOUT, **lost),
        make_evidence("", reason=Lack.DEFECT, **lost),
        make_evidence("watchlists", reason=Lack.MISSING_TABLE, **lost),
        make_evidence("sql-audit", reason=Lack.TIMEOUT, **lost),
        make_evidence("new-countries"),
    ]

    assert risk.score(PLAIN, evidence, Weights()).missing == 2


def test_news_of_alerts_counts_before_logs_are_asked_again() -> None:
    """What they said before stays."""
    evidence = [said("threat-intelligence", {"Indicator": "192.0.2.4"})]
    before = risk.score(PLAIN, evidence, Weights())

    after = risk.again(replace(PLAIN, severity=Severity.HIGH), before, Weights())

    assert (before.formula, after.formula) == ("10 + 20 = 30", "40 + 20 = 60")
    assert risk.again(PLAIN, None, Weights()).total == 10


def test_sentences_are_harmless() -> None:
    """What an attacker writes into logs is cut, on one line, and no link."""
    evil = "x\n\u202ehttps://evil.example/" + "y" * 300

    found = risk.score(
        PLAIN, [said("threat-intelligence", {"Indicator": evil})], Weights()
    )

    because = found.factors[-1].because
    assert "hxxps://" in because
    assert because.isprintable()
    assert len(because) < 160
