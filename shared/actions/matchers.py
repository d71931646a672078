"""Matchers: one test of an incident each, in Alertmanager's syntax.

Routes and silences are made of them. A test whose answer is not known, such as that of
a tag that nobody has looked up, is never taken for yes where somebody would then not be
told (law 6: notices fail open).
"""

from __future__ import annotations

import ipaddress
import re
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from shared.actions import patterns
from shared.model import resource
from shared.model.alert import Severity
from shared.model.incident import MOST_OF_ANY, MOST_RESOURCES, MOST_TACTICS
from shared.model.risk import LEAST, MOST

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from shared.model.incident import Incident

FIELDS = (
    "severity",
    "alert_type",
    "title",
    "sample",
    "source",
    "product",
    "plan",
    "tactic",
    "technique",
    "subscription",
    "resource_group",
    "resource",
    "resource_type",
    "account",
    "ip",
    "host",
    "risk",
)

RISK = "risk"

# What follows is the tag's name.
TAG = "tag."

# What a matcher may ask for.
LONGEST = 1_000

EXPECTED = "expected field=value, such as severity>=medium"

_HEAD = re.compile(r'\s*([^\s=!~<>"]+)\s*(=~|!~|!=|>=|=|<)\s*')
_TAG_NAME = re.compile(r"[A-Za-z0-9_.:-]{1,200}")
# As Alertmanager reserves them; one that begins so is a misspelt operator.
_BARE = re.compile(r"[^\s\"'`,\\=~][^\s\"'`,\\]*")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
# Any other backslash stands for itself, so that "\d" need not be doubled.
_ESCAPE = re.compile(r'\\([\\"n])')
_ESCAPED = {"\\": "\\", '"': '"', "n": "\n"}

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Operator(StrEnum):
    """How a matcher compares; ``>=`` is for severity and risk, ``<`` for risk alone."""

    EQUAL = "="
    UNEQUAL = "!="
    LIKE = "=~"
    UNLIKE = "!~"
    AT_LEAST = ">="
    BELOW = "<"

    @property
    def is_negative(self) -> bool:
        """Whether it fits where none of the values is the one named."""
        return self in {Operator.UNEQUAL, Operator.UNLIKE}

    @property
    def is_pattern(self) -> bool:
        """Whether its value is a pattern."""
        return self in {Operator.LIKE, Operator.UNLIKE}


class Matcher(NamedTuple):
    """One test, such as ``severity>=medium``; as text, what ``parse`` takes."""

    field: str
    operator: Operator
    value: str

    def __str__(self) -> str:
        if _BARE.fullmatch(self.value):
            return f"{self.field}{self.operator}{self.value}"
        return f'{self.field}{self.operator}"{_escaped(self.value)}"'

    def test(self, incident: Incident) -> bool | None:
        """Whether the incident passes; None where that cannot be known yet.

        Any of its values is enough; with a negative operator none may be the one named.
        An incident with no value at all has the empty one, as in Alertmanager. While its
        score may be another one, it has at least any.
        """
        if self.field == RISK:
            return self._rates(incident)
        if self.operator is Operator.AT_LEAST:
            return incident.severity.rank >= Severity(self.value).rank
        if self.field.startswith(TAG):
            return self._tests_tags(_tags(incident, self.field))
        values = _values(incident, self.field) or ("",)
        return any(map(self._names, values)) is not self.operator.is_negative

    def covers(self, incident: Incident) -> bool:
        """Whether the test is known to hold for everything that the incident is about.

        Where ``test`` asks for one of its values, this asks for every one, so that a
        silence of one machine does not hide another's alerts beside it. Of a list that
        is full nobody knows what else would be on it.
        """
        # What is held back is not asked about, so that its score would never rise.
        if _is_full(incident, self.field) or self.field == RISK:
            return False
        if self.field.startswith(TAG):
            return self._covers_tags(_tags(incident, self.field))
        if self.operator.is_negative or self.operator is Operator.AT_LEAST:
            return self.test(incident) is True
        return all(map(self._names, _values(incident, self.field) or ("",)))

    def _tests_tags(self, values: Sequence[str | None]) -> bool | None:
        """As of any field, as far as the values are known; of nothing none is."""
        known = [value for value in values if value]
        if any(map(self._names, known)):
            return not self.operator.is_negative
        if None in values or not values:
            return None
        return any(map(self._names, known or [""])) is not self.operator.is_negative

    def _covers_tags(self, values: Sequence[str | None]) -> bool:
        """Whether it holds for every resource; one without the tag has the empty one."""
        return bool(values) and all(
            value is not None and self._names(value) is not self.operator.is_negative
            for value in values
        )

    def holds(self, incident: Incident) -> bool:
        """Whether the test is known to pass: what containment asks (law 6).

        A score behind which a question has no answer is none, and a list that is full
        does not show that something is not on it.
        """
        if self.field == RISK:
            found = incident.risk
            if found is None or found.missing:
                return False
            is_below = found.total < int(self.value)
            return is_below is (self.operator is Operator.BELOW)
        if self.operator.is_negative and _is_full(incident, self.field):
            return False
        return self.test(incident) is True

    def _rates(self, incident: Incident) -> bool | None:
        least, found = int(self.value), incident.risk
        if self.operator is Operator.BELOW:
            if found is not None and found.total >= least:
                return False
            return True if found is not None and not found.missing else None
        # Nobody is left untold because logs did not answer.
        return found is None or found.missing > 0 or found.total >= least

    def _names(self, value: str) -> bool:
        if self.operator.is_pattern:
            return patterns.fits(self.value, value)
        if self.field == "ip" and self.value:
            return _is_within(value, network(self.value))
        return value.lower() == self.value.lower()


def all_fit(matchers: Iterable[Matcher], incident: Incident) -> bool:
    """Whether every one is known to fit: what routes ask."""
    return all(matcher.test(incident) is True for matcher in matchers)


def all_cover(matchers: Iterable[Matcher], incident: Incident) -> bool:
    """Whether every one holds for all of the incident: what a silence asks."""
    return all(matcher.covers(incident) for matcher in matchers)


def all_may_fit(matchers: Iterable[Matcher], incident: Incident) -> bool:
    """Whether none is known not to fit: what breaks through a silence, in doubt too."""
    return all(matcher.test(incident) is not False for matcher in matchers)


@lru_cache(maxsize=1024)
def parse(text: str) -> Matcher:
    """A matcher from its text.

    Raises ValueError saying what was expected; long texts are not repeated.
    """
    head = _HEAD.match(text)
    if head is None:
        raise ValueError(EXPECTED)
    field, operator = head[1], Operator(head[2])
    if not _is_field(field):
        raise ValueError(
            f"unknown field {field[:40]}; known are {', '.join(FIELDS)}, {TAG}NAME"
        )
    if field.startswith(TAG):
        field = field.lower()
    value = _value(text[head.end() :].rstrip())
    if len(value) > LONGEST:
        raise ValueError(f"expected a value of at most {LONGEST} characters")
    return _checked(field, operator, value)


def tags_in(texts: Iterable[str]) -> frozenset[str]:
    """The names of the tags that these matchers ask for, in lower case.

    Raises ValueError for a text that is none.
    """
    fields = (parse(text).field for text in texts)
    return frozenset(f.removeprefix(TAG) for f in fields if f.startswith(TAG))


def parse_of_silence(text: str) -> Matcher:
    """A matcher of a silence, from its text: it asks for no score.

    Raises ValueError saying what was expected.
    """
    found = parse(text)
    if found.field == RISK:
        raise ValueError("risk is for routes: a silence cannot ask for it")
    return found


@lru_cache(maxsize=1024)
def network(text: str) -> _Network:
    """The network of a text that names one, or a single address.

    Raises ValueError saying what was expected.
    """
    try:
        return ipaddress.ip_network(text.strip())
    except ValueError:
        raise ValueError(
            "expected an address such as 203.0.113.7, or a network such as 10.0.0.0/8"
            " with no bit set behind its prefix"
        ) from None


def _is_field(field: str) -> bool:
    if field.startswith(TAG):
        return _TAG_NAME.fullmatch(field, len(TAG)) is not None
    return field in FIELDS


def _value(text: str) -> str:
    if _BARE.fullmatch(text):
        return text
    quoted = _QUOTED.fullmatch(text)
    if quoted is None:
        raise ValueError(
            f"{EXPECTED}; a value that is empty or has blanks, commas, quotes or"
            ' backslashes stands in double quotes, with \\" and \\\\ for those two'
        )
    return _ESCAPE.sub(lambda found: _ESCAPED[found[1]], quoted[1])


def _escaped(value: str) -> str:
    doubled = value.replace("\\", "\\\\").replace('"', '\\"')
    return doubled.replace("\n", "\\n")


def _checked(field: str, operator: Operator, value: str) -> Matcher:
    """The matcher, if its field can be compared so with such a value."""
    if field == RISK:
        return _of_risk(operator, value)
    if operator is Operator.AT_LEAST and field != "severity":
        raise ValueError(">= is for severity and risk alone")
    if operator is Operator.BELOW:
        raise ValueError("< is for risk alone")
    if operator.is_pattern:
        if field == "sample":
            raise ValueError("sample is compared with = and != alone")
        patterns.compiled(value)
        return Matcher(field, operator, value)
    match field:
        case "severity" if value.lower() not in list(Severity):
            raise ValueError(f"severity is one of {', '.join(Severity)}")
        case "sample" if value.lower() not in {"true", "false"}:
            raise ValueError("sample is true or false")
        case "severity" | "sample":
            value = value.lower()
        case "ip" if value:
            network(value)
    return Matcher(field, operator, value)


def _of_risk(operator: Operator, value: str) -> Matcher:
    if operator not in {Operator.AT_LEAST, Operator.BELOW}:
        raise ValueError("risk is compared with >= and < alone")
    is_number = value.isascii() and value.isdigit() and len(value) <= 3
    if not is_number or not LEAST <= int(value) <= MOST:
        raise ValueError(f"risk is a whole number from {LEAST} to {MOST}")
    return Matcher(RISK, operator, str(int(value)))


def _is_within(value: str, wanted: _Network) -> bool:
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address in wanted


def _values(incident: Incident, field: str) -> Sequence[str]:
    """What the incident has for a field that needs no evidence; none of it empty."""
    match field:
        case "severity":
            return (incident.severity.value,)
        case "sample":
            return (str(incident.is_sample).lower(),)
        case "subscription":
            return (incident.scope,)
        case "alert_type":
            found: Iterable[str] = (p.alert_type for p in incident.problems.values())
        case "title":
            found = (p.title for p in incident.problems.values())
        case "resource_group":
            found = map(resource.group, incident.resources)
        case "resource_type":
            found = map(resource.type_of, incident.resources)
        case _:
            found = _listed(incident, field)
    return tuple(filter(None, found))


def _tags(incident: Incident, field: str) -> list[str | None]:
    """The tag of each resource: empty where it has none, None where that is not known."""
    name = field.removeprefix(TAG)
    found: list[str | None] = [
        incident.tags.get(resource.whole(each) or "", {}).get(name)
        for each in incident.resources
    ]
    # Of others nobody knows.
    return [*found, None] if _is_full(incident, "resource") else found


def _is_full(incident: Incident, field: str) -> bool:
    match field:
        case "resource" | "resource_group" | "resource_type":
            return len(incident.resources) >= MOST_RESOURCES
        case "tactic":
            return len(incident.tactics) >= MOST_TACTICS
        case "source" | "product" | "plan" | "technique" | "account" | "ip" | "host":
            return len(_listed(incident, field)) >= MOST_OF_ANY
        case _:
            return False


def _listed(incident: Incident, field: str) -> Sequence[str]:
    listed: dict[str, Sequence[str]] = {
        "source": incident.sources,
        "product": incident.products,
        "plan": incident.plans,
        "tactic": incident.tactics,
        "technique": incident.techniques,
        "resource": incident.resources,
        "account": incident.accounts,
        "ip": incident.addresses,
        "host": incident.hosts,
    }
    return listed[field]
