"""policy.yaml as typed values; every mistake is named at once, with its path."""

from __future__ import annotations

from shared.model.errors import SettingsError
from shared.triage.policy import between, document, reading, reloading
from shared.triage.policy.document import Problem
from shared.triage.policy.doubts import warnings
from shared.triage.policy.reading import convert
from shared.triage.policy.reloading import Reloaded
from shared.triage.policy.schema import MOST_PROBLEMS, Policy, Reconcile

__all__ = [
    "MOST_PROBLEMS",
    "Policy",
    "Problem",
    "Reconcile",
    "Reloaded",
    "convert",
    "load",
    "reload",
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
        found.value, Policy, each=between.references(found.value)
    )
    said = document.mistakes(found, problems)
    if policy is None or said:
        raise SettingsError([f"{name}: {each}" for each in said])
    return policy


def reload(text: bytes, deployed: Policy, *, name: str) -> Reloaded:
    """What a text makes of a deployed policy while the app runs.

    Raises SettingsError naming every mistake in it.
    """
    try:
        found = document.read(text)
    except ValueError as error:
        raise SettingsError([f"{name}: {error}"]) from None
    reloaded, said = reloading.reload(found, deployed)
    if reloaded is None:
        raise SettingsError([f"{name}: {each}" for each in said])
    return reloaded
