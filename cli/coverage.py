"""`firewatch coverage`: which documented alert types a policy answers, and how."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from cli import tables
from cli.incidents import Json, print_json
from shared.actions.routing import Routing
from shared.model.alert import ROAD_RANK, Alert, AlertStatus, Road, Severity, Version
from shared.sources.terms import UNKNOWN_SEVERITY
from shared.triage import catalogue
from shared.triage import policy as policies
from shared.triage.incidents import opened

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from shared.actions.routing import Route
    from shared.model.incident import Incident
    from shared.triage.catalogue import AlertType
    from shared.triage.policy import Policy

SHIPPED = Path(__file__).parents[1] / "policy.yaml"

# The synthetic incident: no resource, and a subscription that no policy names.
SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"
_AT = datetime(2026, 1, 1, tzinfo=UTC)

console = tables.console()


class Verdict(StrEnum):
    """Whether a type has responders at all, some or none of its severities."""

    ANSWERED = "answered"
    PARTLY = "partly"
    UNANSWERED = "unanswered"


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What the policy does at these severities; ``routes`` count from 0."""

    severities: tuple[Severity, ...]
    routes: tuple[int, ...]
    responders: tuple[str, ...]


class Covered(msgspec.Struct, frozen=True, kw_only=True):
    """One documented type and its answers.

    ``is_severity_documented`` is false where the severity that every alert without one
    gets was tried instead.
    """

    alert_type: str
    title: str
    plan: str
    is_severity_documented: bool
    verdict: Verdict
    answers: tuple[Answer, ...]

    @property
    def name(self) -> str:
        """The identifier, or the title where there is none."""
        return self.alert_type or self.title

    @property
    def responders(self) -> set[str]:
        """Whoever answers it, at any severity."""
        return {name for answer in self.answers for name in answer.responders}

    @property
    def routes(self) -> set[int]:
        """The routes that answer it, at any severity."""
        return {place for answer in self.answers for place in answer.routes}


class Coverer:
    """A policy's routing, asked about alert types."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._routing = Routing(policy.routes)
        # Each alone, to know which of them fit; also one that goes to nobody.
        self._alone = [
            Routing([msgspec.structs.replace(route, to=("fits",))])
            for route in policy.routes
        ]

    def __call__(self, alert_type: AlertType) -> Covered:
        """What the policy does about the type, at each of its severities."""
        grouped: dict[tuple[tuple[int, ...], tuple[str, ...]], list[Severity]] = {}
        for severity in alert_type.severities or (UNKNOWN_SEVERITY,):
            incident = synthetic(alert_type, severity)
            names = tuple(routed.responder for routed in self._routing(incident))
            how = (tuple(self._routes(incident)), names)
            grouped.setdefault(how, []).append(severity)
        return Covered(
            alert_type=alert_type.identifier,
            title=alert_type.title,
            plan=alert_type.plan,
            is_severity_documented=bool(alert_type.severities),
            verdict=_verdict([responders for _, responders in grouped]),
            answers=tuple(
                Answer(severities=tuple(found), routes=routes, responders=responders)
                for (routes, responders), found in grouped.items()
            ),
        )

    def _routes(self, incident: Incident) -> Iterator[int]:
        for place, (route, alone) in enumerate(
            zip(self._policy.routes, self._alone, strict=True)
        ):
            if alone(incident):
                yield place
                if not route.goes_on:
                    return


def synthetic(alert_type: AlertType, severity: Severity) -> Incident:
    """The incident that one alert of the type would open."""
    alert = Alert(
        id="coverage",
        version=Version(at=_AT, rank=ROAD_RANK[Road.HUB], digest=""),
        scope=SUBSCRIPTION,
        alert_type=alert_type.name,
        title=alert_type.title,
        description="",
        severity=severity,
        status=AlertStatus.OPEN,
        started_at=_AT,
        ended_at=_AT,
        point=_AT,
        tactics=alert_type.tactics,
    )
    return opened(alert, "coverage", partition="00", now=_AT)


def coverage(
    policy: Annotated[
        Path,
        typer.Option(
            help="Your policy.yaml.", exists=True, dir_okay=False, readable=True
        ),
    ] = SHIPPED,
    as_json: Json = False,
) -> None:
    """Show which alert types that Microsoft documents the policy answers, and how."""
    found = policies.load(policy.read_bytes(), name=policy.name)
    cover = Coverer(found)
    types = [t for t in catalogue.load().types if not t.is_deprecated]
    covered = [cover(alert_type) for alert_type in types]
    if as_json:
        print_json(_as_json(found, covered))
    else:
        _print(found, covered)


def _verdict(responders: Sequence[tuple[str, ...]]) -> Verdict:
    if all(responders):
        return Verdict.ANSWERED
    return Verdict.PARTLY if any(responders) else Verdict.UNANSWERED


def _as_json(policy: Policy, covered: Sequence[Covered]) -> dict[str, object]:
    return {
        "types": len(covered),
        **_verdicts(covered),
        "plans": [
            {
                "plan": plan,
                "types": len(inside),
                **_verdicts(inside),
                "responders": _by_responder(policy, inside),
            }
            for plan, inside in _plans(covered)
        ],
        "routes": [
            {"route": place, **msgspec.to_builtins(route), "types": types}
            for place, (route, types) in enumerate(_by_route(policy, covered))
        ],
        "alert_types": covered,
    }


def _print(policy: Policy, covered: Sequence[Covered]) -> None:
    answered = _verdicts(covered)[Verdict.ANSWERED]
    uses = {name: given.get("use", "?") for name, given in policy.responders.items()}
    console.print(
        tables.table(
            f"{answered} of {len(covered)} documented alert types answered"
            " (deprecated ones left out)",
            ("plan", ">types", ">answered", ">partly", ">not", "by whom"),
            (
                (
                    plan.removeprefix("Defender for "),
                    len(inside),
                    *_verdicts(inside).values(),
                    ", ".join(
                        f"{name} {types}"
                        for name, types in _by_responder(policy, inside).items()
                    ),
                )
                for plan, inside in (*_plans(covered), ("all", covered))
            ),
        )
    )
    console.print(
        tables.table(
            "Routes",
            (">route", ">types", "to", "continue", "match"),
            (
                (
                    place,
                    types,
                    ", ".join(f"{name} ({uses[name]})" for name in route.to),
                    "yes" if route.goes_on else "no",
                    ", ".join(route.match) or "everything",
                )
                for place, (route, types) in enumerate(_by_route(policy, covered))
            ),
        )
    )
    for plan, inside in _plans(covered):
        console.print(
            tables.table(
                plan,
                ("alert type", "severity", ">route", "responders"),
                _lines(inside),
            )
        )
    for verdict in (Verdict.PARTLY, Verdict.UNANSWERED):
        _print_those(verdict, covered)


def _print_those(verdict: Verdict, covered: Sequence[Covered]) -> None:
    """List what nobody answers; last, where people look."""
    those = [each for each in covered if each.verdict is verdict]
    if those:
        how = (
            "answered at some severities only" if verdict is Verdict.PARTLY else verdict
        )
        console.print(
            tables.table(
                f"{len(those)} {how}",
                ("alert type", "not at"),
                ((each.name, _not_at(each)) for each in those),
            )
        )


def _lines(covered: Iterable[Covered]) -> Iterator[Sequence[object]]:
    for each in covered:
        for answer in each.answers:
            yield (
                each.name,
                _words(each, answer),
                ", ".join(str(place) for place in answer.routes),
                ", ".join(answer.responders) or Verdict.UNANSWERED,
            )


def _words(each: Covered, answer: Answer) -> str:
    words = ", ".join(answer.severities)
    return words if each.is_severity_documented else f"{words}, assumed"


def _not_at(each: Covered) -> str:
    return ", ".join(_words(each, a) for a in each.answers if not a.responders)


def _plans(covered: Sequence[Covered]) -> list[tuple[str, list[Covered]]]:
    """Each plan with its types, the plans by name."""
    found: dict[str, list[Covered]] = {}
    for each in sorted(covered, key=lambda c: c.plan.casefold()):
        found.setdefault(each.plan, []).append(each)
    return list(found.items())


def _verdicts(covered: Iterable[Covered]) -> dict[str, int]:
    counts = Counter(each.verdict for each in covered)
    return {verdict.value: counts[verdict] for verdict in Verdict}


def _by_responder(policy: Policy, covered: Iterable[Covered]) -> dict[str, int]:
    counts = Counter(name for each in covered for name in each.responders)
    return {name: counts[name] for name in policy.responders if counts[name]}


def _by_route(
    policy: Policy, covered: Iterable[Covered]
) -> Iterator[tuple[Route, int]]:
    counts = Counter(place for each in covered for place in each.routes)
    for place, route in enumerate(policy.routes):
        yield route, counts[place]
