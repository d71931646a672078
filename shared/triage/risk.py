"""The score of an incident: factors that add up, each from the alerts or from evidence.

Evidence is read by the names of questions and columns. Its cells are an attacker's text:
one that is not as expected counts for nothing, and breaks nothing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from shared.model.evidence import TAGS, VERDICTS, EvidenceStatus, Lack
from shared.model.risk import Factor, Risk, summed
from shared.model.text import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from shared.model.evidence import Evidence
    from shared.model.incident import Incident
    from shared.model.risk import Weights

    Row = Mapping[str, str]
    Test = Callable[[Row], str]

# Problems and tactics beyond the first that count, and what many alerts are.
MOST_EACH = 4
MANY = 10

# Failures before a success that are more than a mistyped password; those on machines
# that face the internet are tried all day.
FAILURES = 3
FAILURES_ON_HOSTS = 10

_SHOWN = 60

_NUMBER = re.compile(r"[0-9]{1,18}")
# Roles that may change what others may do, or read what is secret.
_PRIVILEGED = re.compile(
    r"\b(\w*admin\w*|owner|contributor|officer|privileged)\b", re.IGNORECASE
)
# What people and Microsoft's templates call what matters most (HighValueAssets, VIPUsers).
_CRITICAL = re.compile(
    r"(critical|high.?value|crown.?jewel|tier.?0|mission|sensitive|\bvip)",
    re.IGNORECASE,
)


def score(incident: Incident, evidence: Sequence[Evidence], weights: Weights) -> Risk:
    """The score of an incident with that evidence."""
    factors = (*_of_alerts(incident, weights), *_of_evidence(evidence, weights))
    return summed(factors, sum(map(_is_missing, evidence)))


def again(incident: Incident, before: Risk | None, weights: Weights) -> Risk:
    """The score with what the alerts say now, and what evidence said before."""
    kept = [f for f in before.factors if f.evidence] if before else []
    missing = before.missing if before else 0
    return summed((*_of_alerts(incident, weights), *kept), missing)


def _of_alerts(incident: Incident, weights: Weights) -> Iterator[Factor]:
    severity = incident.severity.value
    points = {
        "high": weights.high,
        "medium": weights.medium,
        "low": weights.low,
        "informational": weights.informational,
    }
    found = [
        ("severity", points[severity], f"The severity is {severity}."),
        _beyond("problem", len(incident.problems), weights.problem),
        _beyond("tactic", len(_stages(incident)), weights.tactic),
    ]
    if incident.alerts >= MANY:
        said = f"There are {MANY} alerts or more."
        found.append(("many alerts", weights.many_alerts, said))
    for name, worth, because in found:
        if worth:
            yield Factor(name=name, points=worth, because=because)


def _beyond(noun: str, number: int, each: int) -> tuple[str, int, str]:
    more = min(max(number - 1, 0), MOST_EACH)
    said = f"{number} different {noun}s; {more} beyond the first, {each} each."
    if number - 1 > MOST_EACH:
        said = (
            f"{number} different {noun}s; {more} beyond the first count, {each} each."
        )
    return f"{noun}s", more * each, said


def _stages(incident: Incident) -> set[str]:
    return {tactic.lower() for tactic in incident.tactics} - {"", "unknown"}


def _of_evidence(evidence: Sequence[Evidence], weights: Weights) -> Iterator[Factor]:
    for field, tests in FACTORS.items():
        points = getattr(weights, field)
        found = _first(evidence, tests)
        # A verdict of true outweighs one of false: whoever is in doubt looks.
        if field == "false_positive" and _first(evidence, FACTORS["true_positive"]):
            continue
        if found and points:
            query, said = found
            name = field.replace("_", " ")
            yield Factor(name=name, points=points, because=said, evidence=query)


def _first(
    evidence: Sequence[Evidence], tests: Mapping[str, Test]
) -> tuple[str, str] | None:
    """The query and the sentence of the first row that says so; None where none does."""
    for query, test in tests.items():
        for each in evidence:
            if each.query != query or each.status is EvidenceStatus.UNAVAILABLE:
                continue
            for cells in each.rows:
                said = test(dict(zip(each.columns, cells, strict=False)))
                if said:
                    return query, said
    return None


def _is_missing(evidence: Evidence) -> bool:
    """Whether an answer might change the score; a table that is not there never will."""
    return (
        evidence.status is EvidenceStatus.UNAVAILABLE
        and evidence.reason != Lack.MISSING_TABLE
        and (not evidence.query or evidence.query in _READ)
    )


def _shown(row: Row, column: str, otherwise: str = "unknown") -> str:
    return plain(row.get(column, ""), _SHOWN) or otherwise


def _count(row: Row, column: str) -> int:
    text = row.get(column, "")
    return int(text) if text.isascii() and _NUMBER.fullmatch(text) else 0


def _is_true(row: Row, column: str) -> bool:
    return row.get(column, "").lower() == "true"


def _succeeded(row: Row) -> bool:
    return row.get("Result", "").lower() == "success"


def _directory_role(row: Row) -> str:
    if _PRIVILEGED.search(row.get("Roles", "")):
        return (
            f"{_shown(row, 'Name', 'The account')} has roles: {_shown(row, 'Roles')}."
        )
    return ""


def _membership(row: Row) -> str:
    if _succeeded(row) and _PRIVILEGED.search(row.get("Role", "")):
        return f"A membership of {_shown(row, 'Role')} changed lately."
    return ""


def _assignment(row: Row) -> str:
    if _succeeded(row) and _PRIVILEGED.search(row.get("Role", "")):
        who = _shown(row, "Principal", "somebody")
        return f"The role {_shown(row, 'Role')} was assigned to {who} lately."
    return ""


def _threat(row: Row) -> str:
    if not row.get("Indicator", "").strip():
        return ""
    threat = _shown(row, "Threat", "no kind given")
    return f"Threat intelligence knows {_shown(row, 'Indicator')}: {threat}."


def _country(row: Row) -> str:
    if not row.get("Country", "").strip():
        return ""
    return f"The account signed in from {_shown(row, 'Country')} for the first time."


def _device(row: Row) -> str:
    if not row.get("Device", "").strip():
        return ""
    return f"The account signed in with {_shown(row, 'Device')} for the first time."


def _run(row: Row) -> str:
    failures = _count(row, "Failures")
    if failures < FAILURES:
        return ""
    where = _shown(row, "Address")
    return f"{failures} failed sign-ins from {where} ended in a success."


def _sign_ins(row: Row) -> str:
    failures = _count(row, "Failures")
    if failures < FAILURES or not _count(row, "Successes"):
        return ""
    return (
        f"{failures} sign-ins from {_shown(row, 'Address')} failed, others succeeded."
    )


def _logons(row: Row) -> str:
    failures = _count(row, "Failures")
    if failures < FAILURES_ON_HOSTS or not _count(row, "Successes"):
        return ""
    return f"{failures} logons from {_shown(row, 'Address')} failed, others succeeded."


def _listed(row: Row) -> str:
    if _CRITICAL.search(f"{row.get('Watchlist', '')} {row.get('Tags', '')}"):
        where = _shown(row, "Watchlist", "a watchlist")
        tags = _shown(row, "Tags", "none")
        return f"{_shown(row, 'Name', 'It')} is on {where}, tags: {tags}."
    return ""


def _critical_tag(row: Row) -> str:
    if not _is_true(row, "IsCritical"):
        return ""
    tag = f"{_shown(row, 'Tag')}={_shown(row, 'Value')}"
    return f"{_shown(row, 'Resource', 'A resource')} is tagged {tag}."


def _tagged(row: Row) -> str:
    if _CRITICAL.search(row.get("Tags", "")):
        return f"{_shown(row, 'Name', 'The account')} is tagged {_shown(row, 'Tags')}."
    return ""


def _closed_true(row: Row) -> str:
    if row.get("Classification", "") != "true_positive":
        return ""
    return _closed(row)


def _closed_false(row: Row) -> str:
    # What is worse in the incident, or as bad, may be no part of the noise.
    is_false = row.get("Classification", "") in {"false_positive", "benign_positive"}
    return _closed(row) if is_false and _is_true(row, "IsWhole") else ""


def _closed(row: Row) -> str:
    word = _shown(row, "Classification").replace("_", " ")
    return (
        f"Closed as {word} {_shown(row, 'Times', 'before')}, last on"
        f" {_shown(row, 'Last')[:10]} by {_shown(row, 'By', 'somebody')}"
        f" (incident {_shown(row, 'Incident')})."
    )


def _was_true(row: Row) -> str:
    if _is_true(row, "IsThis") or row.get("Classification", "") != "TruePositive":
        return ""
    number = _shown(row, "Number", "?")
    return f"Incident {number} of Sentinel with such alerts was a true positive."


def _was_false(row: Row) -> str:
    words = {"FalsePositive": "false", "BenignPositive": "benign"}
    word = words.get(row.get("Classification", ""))
    # Of other things it says less: an attacker's first alert may look like their noise.
    if word is None or _is_true(row, "IsThis") or not _is_true(row, "SameThings"):
        return ""
    number = _shown(row, "Number", "?")
    return f"Incident {number} of Sentinel about the same was a {word} positive."


# What each weight is given for, by the queries that may say so, the surest first.
FACTORS: Mapping[str, Mapping[str, Test]] = {
    "privileged_account": {
        "account-facts": _directory_role,
        "role-membership": _membership,
        "role-assignments": _assignment,
    },
    "threat_intelligence": {"threat-intelligence": _threat},
    "new_country": {"new-countries": _country},
    "new_device": {"new-devices": _device},
    "failures_then_success": {
        "failures-then-success": _run,
        "account-sign-ins": _sign_ins,
        "host-logons": _logons,
    },
    "critical_asset": {
        TAGS: _critical_tag,
        "watchlists": _listed,
        "account-facts": _tagged,
    },
    # Own verdicts and Sentinel's may be of one and the same: either counts once.
    "true_positive": {VERDICTS: _closed_true, "earlier-incidents": _was_true},
    "false_positive": {VERDICTS: _closed_false, "earlier-incidents": _was_false},
}

_READ = frozenset(query for tests in FACTORS.values() for query in tests)
