"""A score adds up, and no evidence is too hostile to be scored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from shared.enrichment.pack import pack
from shared.enrichment.tagging import ResourceTags
from shared.enrichment.verdicts import OwnVerdicts
from shared.model.alert import Severity
from shared.model.evidence import Evidence, EvidenceStatus, Lack
from shared.model.risk import Weights
from shared.triage import risk
from tests.factories import make_evidence, make_incident

if TYPE_CHECKING:
    from shared.model.incident import Incident

ANY_TEXT = st.text(st.characters(), max_size=30)
OWN = {each.topic.name: each.topic for each in (OwnVerdicts, ResourceTags)}
QUERIES = [*pack(), *OWN, ""]
NAMES = st.sampled_from(
    sorted(
        {column.name for query in pack().values() for column in query.columns}
        | {name for topic in OWN.values() for name in topic.columns}
    )
)
CELLS = ANY_TEXT | st.sampled_from(
    [
        *(
            "true_positive",
            "false_positive",
            "true",
            "True",
            "TruePositive",
            "FalsePositive",
            "Success",
            "Owner",
            "-1",
        ),
        *("3", "1" * 5_000, "\ud800", "high value", "nan", "٣", "https://x", "²"),
    ]
)
WEIGHTS = st.builds(
    Weights,
    **{
        name: st.integers(-100, 100)
        for name in Weights.__struct_fields__
        if name != "critical_tags"
    },
)
INCIDENTS = st.builds(
    make_incident,
    severity=st.sampled_from(Severity),
    alerts=st.integers(0, 10**9),
    tactics=st.lists(ANY_TEXT, max_size=8).map(tuple),
)


@st.composite
def answers(draw: st.DrawFn) -> Evidence:
    """What any query said, with any columns and cells, their numbers not equal."""
    columns = draw(st.lists(NAMES | ANY_TEXT, max_size=8))
    row = st.lists(CELLS, max_size=10).map(tuple)
    return make_evidence(
        draw(st.sampled_from(QUERIES)),
        columns=tuple(columns),
        rows=tuple(draw(st.lists(row, max_size=3))),
        status=draw(st.sampled_from(EvidenceStatus)),
        reason=draw(st.sampled_from(["", *Lack])),
    )


@given(INCIDENTS, st.lists(answers(), max_size=6), WEIGHTS)
def test_a_total_is_the_sum_of_what_is_shown(
    incident: Incident, evidence: list[Evidence], weights: Weights
) -> None:
    """Of anything, and within the scale."""
    found = risk.score(incident, evidence, weights)

    total = sum(factor.points for factor in found.factors)
    assert found.total == min(100, max(0, total))
    assert found.formula.endswith(str(found.total))
    assert all(factor.points for factor in found.factors)
    assert all(len(factor.because) < 250 for factor in found.factors)
    names = [factor.name for factor in found.factors]
    assert len(names) == len({*names})
    queries = {e.query for e in evidence if e.status is not EvidenceStatus.UNAVAILABLE}
    assert {f.evidence for f in found.factors} - {""} <= queries


@given(INCIDENTS, st.lists(answers(), max_size=4), WEIGHTS, st.data())
def test_evidence_without_a_row_changes_nothing(
    incident: Incident, evidence: list[Evidence], weights: Weights, data: st.DataObject
) -> None:
    """Wherever it stands among the rest."""
    empty = make_evidence(data.draw(st.sampled_from(QUERIES)), rows=(), row_count=0)
    place = data.draw(st.integers(0, len(evidence)))
    more = [*evidence[:place], empty, *evidence[place:]]

    assert risk.score(incident, more, weights) == risk.score(
        incident,
        evidence,
        weights,
    )
