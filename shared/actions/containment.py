"""Which rules of the policy want a deed, and how far they let it go. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from shared.actions import matchers
from shared.model import resource
from shared.model.guards import Mode, strictest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import timedelta

    from shared.actions.matchers import Matcher
    from shared.model.deed import Deed
    from shared.model.guards import Contain, Guards
    from shared.model.incident import Incident

# What says where something is or whom it is about: a deed is asked for its own.
_WHERE = frozenset(
    {"subscription", "resource_group", "resource", "resource_type", "host"}
    | {"account", "ip"}
)


class Rule(NamedTuple):
    """A rule with its matchers parsed; ``label`` is what people know it by."""

    label: str
    contain: Contain
    tests: tuple[Matcher, ...]

    def fits(self, view: Incident) -> bool:
        """Whether every matcher is known to fit, and those of places all of it."""
        return all(
            test.covers(view) if _is_where(test) else test.holds(view)
            for test in self.tests
        )

    def may_fit(self, incident: Incident) -> bool:
        """Whether it could fit a part of the incident."""
        return all(test.holds(incident) for test in self.tests if not _is_where(test))


class Rules:
    """Section ``contain``.

    Raises ValueError for a matcher that is none; a policy that loads has none of those.
    """

    def __init__(self, contain: Sequence[Contain]) -> None:
        self._rules = tuple(
            Rule(
                each.name or f"contain[{place}]",
                each,
                tuple(map(matchers.parse, each.match)),
            )
            for place, each in enumerate(contain)
        )

    def __iter__(self) -> Iterator[Rule]:
        return iter(self._rules)

    @property
    def tags(self) -> frozenset[str]:
        """The names of the tags that any rule asks for, in lower case."""
        return frozenset(
            test.field.removeprefix(matchers.TAG)
            for rule in self._rules
            for test in rule.tests
            if test.field.startswith(matchers.TAG)
        )

    def doers(self, incident: Incident) -> tuple[str, ...]:
        """Who is to plan for the incident, each once."""
        names = (
            name
            for rule in self._rules
            if rule.may_fit(incident)
            for name in rule.contain.do
        )
        return tuple(dict.fromkeys(names))

    def wanting(self, deed: Deed, view: Incident) -> tuple[Rule, ...]:
        """The rules that want the deed; ``view`` is the incident as far as it goes."""
        return tuple(
            rule
            for rule in self._rules
            if deed.responder in rule.contain.do and rule.fits(view)
        )


def mode_of(deed: Deed, rules: Sequence[Rule], guards: Guards) -> Mode:
    """How far it may go: the most restrictive of the policy, rules, doer and scopes."""
    return strictest(
        guards.mode,
        guards.responders.get(deed.responder, Mode.ACT),
        *(rule.contain.mode for rule in rules),
        *_of_scopes(deed, guards),
    )


def lasts(rules: Sequence[Rule]) -> timedelta | None:
    """How long it holds: the shortest time that a rule gives, None where none does."""
    times = [rule.contain.lasts for rule in rules]
    return min((time for time in times if time is not None), default=None)


def is_within(resource_id: str, scope: str) -> bool:
    """Whether a canonical id is that of a scope, or of something in it."""
    known = resource.canonical(scope) or f"/subscriptions/{scope.strip().lower()}"
    return resource_id == known or resource_id.startswith(f"{known}/")


def _of_scopes(deed: Deed, guards: Guards) -> Iterator[Mode]:
    for scope, mode in guards.scopes.items():
        if any(is_within(each, scope) for each in deed.resources):
            yield mode


def _is_where(test: Matcher) -> bool:
    return test.field in _WHERE or test.field.startswith(matchers.TAG)
