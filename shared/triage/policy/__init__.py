"""policy.yaml as typed values; every mistake is named at once, with its path."""

from __future__ import annotations

from shared.model.errors import SettingsError
from shared.triage.policy import document, reading, rules
from shared.triage.policy.doubts import warnings
from shared.triage.policy.reading import Problem, convert
from shared.triage.policy.schema import MOST_PROBLEMS, Policy, Reconcile

__all__ = [
    "MOST_PROBLEMS",
    "Policy",
    "Problem",
    "Reconcile",
    "convert",
    "load",
    "warnings",
]


def load(text: bytes, *, name: str = "policy.yaml") -> Policy:
    """The policy of a YAML text. Raises SettingsError naming every mistake in it.

    A mistake is named by its path and, where it stands in the text, by its line.
    """
    try:
        found = document.read(text)
    except ValueError as error:
        raise SettingsError([f"{name}: {error}"]) from None
    policy, problems = reading.convert(
        found.value, Policy, each=rules.references(found.value)
    )
    problems += [Problem(path, document.DUPLICATE) for path in found.duplicates]
    if policy is None or problems:
        placed = [(document.line_of(each.path, found.lines), each) for each in problems]
        raise SettingsError(
            [
                f"{name}: {problem}" + (f" (line {line})" if line else "")
                for line, problem in sorted(placed, key=lambda each: each[0])
            ]
        )
    return policy
