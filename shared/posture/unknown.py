"""What could not be read, as findings of their own: neither well nor unwell."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from shared.model.alert import Severity
from shared.model.posture import CheckName
from shared.model.text import cut, one_line
from shared.posture.checks import CHECKS, clauses
from shared.posture.estate import Part
from shared.posture.finding import Check, Found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.posture.estate import Estate
    from shared.posture.wanted import Wanted

LONGEST_REASON = 400


def unread(estate: Estate, _: Wanted) -> Iterator[Found]:
    """One for each part of a subscription, however many reads of it failed."""
    reasons: defaultdict[tuple[Part, str], Counter[str]] = defaultdict(Counter)
    for each in estate.unread:
        reasons[each.part, each.scope][cut(one_line(each.reason), LONGEST_REASON)] += 1
    for (part, scope), found in sorted(reasons.items()):
        [(reason, _count)] = found.most_common(1)
        count = sum(found.values())
        times = f" ({count} times)" if count > 1 else ""
        title = f"{part.value} could not be read{times}: {reason}"
        yield Found(scope, title, subject=part.value, severity=hidden(part))


def hidden(part: Part) -> Severity:
    """The worst that may be wrong with what could not be read.

    That nobody named an account hides nothing from whoever did not.
    """
    if part is Part.INCIDENTS:
        return Severity.INFORMATIONAL
    found = [each.severity for each in CHECKS if part in each.needs]
    return max(found, key=lambda each: each.rank, default=CHECK.severity)


CHECK = Check(
    CheckName.UNKNOWN,
    Severity.HIGH,
    clauses.DETECTION,
    "What cannot be read is not known to be well, and nothing that was found there closes.",
    frozenset(),
    unread,
)
