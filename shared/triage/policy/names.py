"""Names that one part of a policy gives, and another uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.model.guards import DOES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

# What a message repeats of a name.
LONGEST = 40


def suggestion(name: str, known: Iterable[str]) -> str:
    """What somebody may have meant by a name that is not known, as an end of a message."""
    # Imported here: only mistakes pay for it.
    from difflib import get_close_matches  # noqa: PLC0415

    near = get_close_matches(name[:LONGEST], [*known], n=1)
    return f"; did you mean {near[0]}?" if near else ""


def given(raw: object, *path: str) -> list[str] | None:
    """The names in a mapping of a policy, none where it is left out.

    None where what is there is no mapping, so that nobody can say which there are.
    """
    for name in path:
        if not isinstance(raw, dict):
            return None
        raw = raw.get(name, {})
    return [str(name) for name in raw] if isinstance(raw, dict) else None


def doing(raw: object, *, does: bool) -> list[str] | None:
    """The names of the responders that do something, or else of those that tell."""
    found = given(raw, "responders")
    if found is None or not isinstance(raw, dict):
        return None
    responders = raw.get("responders") or {}
    return [
        str(name) for name, settings in responders.items() if _does(settings) is does
    ]


def _does(settings: object) -> bool:
    return isinstance(settings, dict) and settings.get("use") in DOES


def check(known: list[str], what: str) -> Callable[[str], None]:
    """A check that a name is one of these."""

    def is_known(name: str) -> None:
        if name not in known:
            said = f"no {what} is named {name[:LONGEST]}"
            raise ValueError(said + suggestion(name, known))

    return is_known
