"""What people said before of the same problem, as one evidence."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.enrichment.verdicts import MOST_PROBLEMS, OwnVerdicts
from shared.model.alert import Severity
from shared.model.errors import StoreUnavailable
from shared.model.evidence import Evidence, EvidenceStatus, Lack
from shared.model.incident import Classification, Incident, Judged
from tests.factories import NOON, make_incident, make_problem

TRUE, FALSE = Classification.TRUE_POSITIVE, Classification.FALSE_POSITIVE
BENIGN, OPEN = Classification.BENIGN_POSITIVE, Classification.UNDETERMINED


def judged(classification: Classification, days: int = 1, by: str = "ada") -> Judged:
    """An incident that was closed so many days ago."""
    return Judged(
        incident=f"{days:016x}",
        classification=classification,
        by=by,
        at=NOON - timedelta(days=days),
    )


class Store:
    """The verdicts on each problem; what was asked for."""

    def __init__(self, *, is_all: bool = True, **judged: list[Judged]) -> None:
        self.judged = judged
        self.is_all = is_all
        self.asked: list[str] = []

    async def __call__(self, _: Incident, problem: str) -> tuple[list[Judged], bool]:
        self.asked.append(problem)
        return self.judged.get(problem, []), self.is_all


def problems(**severities: Severity) -> Incident:
    """An incident with these problems, each later than the one before."""
    return make_incident(
        problems={
            name: make_problem(
                title=f"Title {name}",
                severity=severity,
                first_seen=NOON + timedelta(minutes=place),
            )
            for place, (name, severity) in enumerate(severities.items())
        }
    )


async def said(store: Store, head: Incident | None = None) -> Evidence:
    """The evidence of an incident, of one problem unless given."""
    return await OwnVerdicts(store)(head or problems(a=Severity.HIGH), NOON)


async def test_verdicts_are_counted_and_the_last_is_named() -> None:
    """By classification, and in a sentence."""
    found = await said(
        Store(a=[judged(FALSE, 2), judged(FALSE, 9, "bob"), judged(TRUE, 20)])
    )

    assert found.status is EvidenceStatus.COMPLETE
    assert found.rows == (
        (
            "false_positive",
            "2 times",
            "2026-11-21T12:00:00.000Z",
            "ada",
            f"{2:016x}",
            "true",
        ),
        (
            "true_positive",
            "once",
            "2026-11-03T12:00:00.000Z",
            "ada",
            f"{20:016x}",
            "true",
        ),
    )
    assert found.reading == (
        "Incidents with this problem were closed as false positive 2 times, last on"
        " 2026-11-21 by ada; as true positive once, last on 2026-11-03 by ada."
    )
    assert found.subject == "high problem: Title a"


async def test_that_there_are_none_is_an_answer() -> None:
    """The page says that it is new."""
    found = await said(Store())

    assert (found.status, found.row_count) == (EvidenceStatus.COMPLETE, 0)
    assert "No incident" in found.reading
    assert "latest" in (await said(Store(is_all=False))).reading


async def test_where_there_may_be_more_it_says_at_least() -> None:
    """In the row, which the score shows, and in the sentence."""
    found = await said(Store(a=[judged(FALSE)], is_all=False))

    assert found.rows[0][1] == "at least once"
    assert "at least once" in found.reading
    assert found.is_truncated


async def test_only_the_worst_problems_are_asked_about() -> None:
    """A few of the highest severity, the first of them first."""
    store = Store()
    head = problems(z=Severity.LOW, a=Severity.HIGH, b=Severity.HIGH, c=Severity.HIGH)

    found = await said(store, head)

    assert store.asked == ["a", "b"]
    assert len(store.asked) == MOST_PROBLEMS
    assert found.subject == "3 high problems: Title a, Title b"


@pytest.mark.parametrize(
    ("store", "severities", "is_whole"),
    [
        (Store(a=[judged(FALSE)]), {"a": Severity.HIGH}, "true"),
        (Store(a=[judged(BENIGN)]), {"a": Severity.HIGH, "b": Severity.LOW}, "true"),
        (Store(a=[judged(FALSE)]), {"a": Severity.HIGH, "b": Severity.HIGH}, "false"),
        (
            Store(a=[judged(FALSE)], b=[judged(BENIGN, 3)]),
            {"a": Severity.HIGH, "b": Severity.HIGH},
            "true",
        ),
        (
            Store(a=[judged(FALSE)], b=[judged(OPEN, 3)]),
            {"a": Severity.HIGH, "b": Severity.HIGH},
            "false",
        ),
        (
            Store(a=[judged(FALSE)], b=[judged(FALSE)], c=[judged(FALSE)]),
            {"a": Severity.HIGH, "b": Severity.HIGH, "c": Severity.HIGH},
            "false",
        ),
    ],
)
async def test_a_noise_hides_no_alert_beside_it(
    store: Store, severities: dict[str, Severity], is_whole: str
) -> None:
    """It is whole where each of the worst problems was closed as none."""
    found = await said(store, problems(**severities))

    assert {row[-1] for row in found.rows} == {is_whole}


async def test_an_incident_of_two_problems_counts_once() -> None:
    """It had both of them."""
    both = judged(FALSE)

    found = await said(
        Store(a=[both], b=[both]), problems(a=Severity.HIGH, b=Severity.HIGH)
    )

    assert [row[1] for row in found.rows] == ["once"]


async def test_without_a_store_it_says_so() -> None:
    """Nobody fails over it."""

    async def find(_: Incident, __: str) -> tuple[list[Judged], bool]:
        raise StoreUnavailable("table storage answered 503")

    found = await OwnVerdicts(find)(problems(a=Severity.HIGH), NOON)

    assert found.status is EvidenceStatus.UNAVAILABLE
    assert found.reason == Lack.UNREACHABLE


async def test_what_people_and_alerts_call_things_is_harmless() -> None:
    """Titles and names in the sentence are one line each."""
    evil = "x\n\u202ehttps://evil.example/" + "y" * 300
    head = make_incident(problems={"a": make_problem(title=evil)})

    found = await said(Store(a=[judged(FALSE, by=evil)]), head)

    for text in (found.subject, found.reading):
        assert text.isprintable()
        assert "https://" not in text
        assert len(text) < 300


def test_what_is_worse_or_more_is_another_subject() -> None:
    """An answer of before does not do for it."""
    ask = OwnVerdicts(Store()).subject
    one = problems(a=Severity.MEDIUM)
    subjects = [
        ask(one),
        ask(problems(a=Severity.MEDIUM, b=Severity.MEDIUM)),
        ask(problems(a=Severity.MEDIUM, b=Severity.HIGH)),
    ]

    assert len({*subjects}) == 3
    assert ask(problems(a=Severity.MEDIUM, b=Severity.LOW)) == ask(one)
