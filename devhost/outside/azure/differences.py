"""What is different between a resource before and after a change."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devhost.outside.azure.resources import Document

# What changes with everything, and says nothing.
_NOISE = frozenset({"etag", "provisioningState"})


def differences(
    before: Document | None, after: Document | None
) -> list[dict[str, str]]:
    """Each value that is not what it was: its place, and both; empty where it was not.

    A resource that comes or goes is one difference.
    """
    if before is None or after is None:
        said = (
            []
            if before is after
            else ["" if d is None else "there" for d in (before, after)]
        )
        return [{"what": "", "before": said[0], "after": said[1]}] if said else []
    was, now = dict(_leaves(before)), dict(_leaves(after))
    return [
        {"what": place, "before": was.get(place, ""), "after": now.get(place, "")}
        for place in dict.fromkeys((*was, *now))
        if was.get(place) != now.get(place)
    ]


def _leaves(value: Any, place: str = "") -> Iterator[tuple[str, str]]:  # noqa: ANN401  JSON
    if isinstance(value, dict):
        for name, inner in value.items():
            if name not in _NOISE:
                yield from _leaves(inner, f"{place}.{name}" if place else name)
    elif isinstance(value, str):
        yield place, value
    else:
        yield place, json.dumps(value, sort_keys=True)
