"""What people said of the incidents before this one that had the same problem.

The verdicts are Firewatch's own: whoever closed those incidents gave them.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from shared import telemetry
from shared.enrichment.inquiries import Topic, answer
from shared.model.errors import StoreError
from shared.model.evidence import VERDICTS, Lack
from shared.model.incident import Classification
from shared.model.text import instant, plain

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from datetime import datetime
    from typing import TypeAlias

    from shared.model.evidence import Evidence
    from shared.model.incident import Incident, Judged

    # The verdicts before an incident on one problem of it, by its fingerprint, the
    # latest first; and whether there are no more.
    Find: TypeAlias = Callable[
        [Incident, str], Awaitable[tuple[Sequence[Judged], bool]]
    ]

# Of the worst problems so many are asked about; each is a request or two.
MOST_PROBLEMS = 2

_SHOWN = 60

# Somebody looked, and it was nothing to be woken for.
_HARMLESS = frozenset({Classification.FALSE_POSITIVE, Classification.BENIGN_POSITIVE})


class OwnVerdicts:
    """An ``Inquiry`` of the store; ``find`` raises StoreError."""

    topic = Topic(
        VERDICTS,
        "Were incidents with the same problem closed before, and as what?",
        ("Classification", "Times", "Last", "By", "Incident", "IsWhole"),
        -2,
    )

    def __init__(self, find: Find) -> None:
        self._find = find

    def subject(self, head: Incident) -> str:
        """The worst problems: those of the highest severity that any has."""
        worst = _worst(head)
        titles = [plain(head.problems[each].title, _SHOWN) for each in worst]
        named = ", ".join(titles[:MOST_PROBLEMS])
        severity = head.problems[worst[0]].severity
        if len(worst) == 1:
            return f"{severity} problem: {named}"
        return f"{len(worst)} {severity} problems: {named}"

    async def __call__(self, head: Incident, now: datetime) -> Evidence:
        """A row for each classification, the latest first."""
        worst = _worst(head)
        subject = self.subject(head)
        try:
            found = await asyncio.gather(
                *(self._find(head, each) for each in worst[:MOST_PROBLEMS])
            )
        except StoreError as error:
            telemetry.emit(telemetry.VERDICTS_UNREAD, incident=head.id, error=error)
            return answer(self.topic, subject, now, lack=Lack.UNREACHABLE)
        of_each = [judged for judged, _ in found]
        is_all = all(is_all for _, is_all in found)
        # An attacker's alert beside a known noise is not known.
        is_whole = len(worst) <= MOST_PROBLEMS and all(
            any(each.classification in _HARMLESS for each in judged)
            for judged in of_each
        )
        tallies = _tallied(of_each)
        return answer(
            self.topic,
            subject,
            now,
            rows=[tally.row(is_all=is_all, is_whole=is_whole) for tally in tallies],
            reading=_reading(tallies, is_all=is_all),
            is_truncated=not is_all,
        )


class _Tally(NamedTuple):
    """How often incidents were closed as one thing, and the last of them."""

    times: int
    last: Judged

    def row(self, *, is_all: bool, is_whole: bool) -> tuple[str, ...]:
        return (
            self.last.classification.value,
            _times(self.times, is_all=is_all),
            instant(self.last.at),
            self.last.by,
            self.last.incident,
            str(is_whole).lower(),
        )

    def said(self, *, is_all: bool) -> str:
        word = self.last.classification.replace("_", " ")
        return (
            f"as {word} {_times(self.times, is_all=is_all)}, last on"
            f" {self.last.at:%Y-%m-%d} by {plain(self.last.by, _SHOWN) or 'somebody'}"
        )


def _worst(head: Incident) -> list[str]:
    """The fingerprints of the problems that have the highest severity."""
    most = max(problem.severity.rank for problem in head.problems.values())
    worst = [
        (problem.first_seen, name)
        for name, problem in head.problems.items()
        if problem.severity.rank == most
    ]
    return [name for _, name in sorted(worst)]


def _tallied(of_each: Sequence[Sequence[Judged]]) -> list[_Tally]:
    """By classification, the one that was given last first; an incident counts once."""
    judged = {each.incident: each for found in of_each for each in found}
    tallies: dict[Classification, _Tally] = {}
    for each in sorted(judged.values(), key=lambda one: one.at, reverse=True):
        before = tallies.get(each.classification, _Tally(0, each))
        tallies[each.classification] = before._replace(times=before.times + 1)
    return list(tallies.values())


def _reading(tallies: Sequence[_Tally], *, is_all: bool) -> str:
    if not tallies and not is_all:
        return (
            "None of the latest incidents with this problem was closed with a verdict."
        )
    if not tallies:
        return "No incident with this problem was closed with a verdict before."
    said = "; ".join(tally.said(is_all=is_all) for tally in tallies)
    return f"Incidents with this problem were closed {said}."


def _times(number: int, *, is_all: bool) -> str:
    said = "once" if number == 1 else f"{number} times"
    return said if is_all else f"at least {said}"
