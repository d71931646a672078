"""How much an incident matters, as a sum that a person can check."""

from __future__ import annotations

import msgspec

LEAST = 0
MOST = 100


class Weights(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The points of each factor; one that is 0 is not counted, nor shown.

    The first four are of the severity, of which one counts. ``problem`` and ``tactic``
    are for each beyond the first. ``critical_tags`` are no points: tags of resources, as
    ``name=value``, that make one a critical asset.
    """

    high: int = 40
    medium: int = 25
    low: int = 10
    informational: int = 0
    problem: int = 4
    many_alerts: int = 5
    tactic: int = 5
    privileged_account: int = 15
    threat_intelligence: int = 20
    new_country: int = 10
    new_device: int = 5
    failures_then_success: int = 15
    critical_asset: int = 15
    true_positive: int = 15
    false_positive: int = -20
    critical_tags: tuple[str, ...] = ()


class Factor(msgspec.Struct, frozen=True, kw_only=True):
    """One reason for a score.

    ``because`` is one sentence, harmless to show. ``evidence`` is the query whose rows
    say so; empty where the alerts themselves do.
    """

    name: str
    points: int
    because: str
    evidence: str = ""


class Risk(msgspec.Struct, frozen=True, kw_only=True):
    """A score from ``LEAST`` to ``MOST``, and the factors that it is the sum of.

    ``missing`` counts the questions behind factors that logs did not answer: with their
    answers it might be another one.
    """

    total: int = LEAST
    factors: tuple[Factor, ...] = ()
    missing: int = 0

    @property
    def because(self) -> list[str]:
        """A line for each factor: its points, and what says so."""
        return [
            f"{each.points:+} {each.name}: {each.because}"
            + (f" ({each.evidence})" if each.evidence else "")
            for each in self.factors
        ]

    @property
    def formula(self) -> str:
        """The sum as a person writes it, such as ``40 + 15 - 20 = 35``."""
        points = [factor.points for factor in self.factors]
        if not points:
            return f"{self.total}"
        terms = "".join(f" {'-' if p < 0 else '+'} {abs(p)}" for p in points[1:])
        summed = f"{points[0]}{terms} = {sum(points)}"
        if sum(points) == self.total:
            return summed
        bound = f"at most {MOST}" if sum(points) > MOST else f"at least {LEAST}"
        return f"{summed}, {bound}: {self.total}"


def summed(factors: tuple[Factor, ...], missing: int = 0) -> Risk:
    """The score of these factors."""
    total = sum(factor.points for factor in factors)
    return Risk(
        total=max(LEAST, min(MOST, total)), factors=factors, missing=max(0, missing)
    )
