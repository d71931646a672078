"""Units that keep the shape of a format, so that hostile values get deep into it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from hypothesis import strategies as st

from shared.model.alert import Alert
from shared.sources.fields import Fields
from tests.property import hostile

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from shared.model.errors import AlertRejected


_DEEP = hostile.deep()


def objects(
    names: Sequence[str], known: Mapping[str, st.SearchStrategy[Any]] | None = None
) -> st.SearchStrategy[dict[str, Any]]:
    """An object with some of the names, in any case, over anything.

    ``known`` are the values that a name has as often as anything else.
    """
    chosen = known or {}
    anything = hostile.VALUES | st.just(_DEEP)
    fields = {
        name: chosen[name] | anything if name in chosen else anything for name in names
    }
    found = st.fixed_dictionaries({}, optional=fields)
    return found | found.map(lambda unit: {n.upper(): v for n, v in unit.items()})


def packed(value: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """The value, or the text of it as JSON, where there is one."""
    return value | value.map(_text)


def _text(value: object) -> str:
    try:
        return msgspec.json.encode(value).decode()
    except (ValueError, OverflowError, RecursionError):
        return "{"


def outcome(
    read: Callable[..., Alert | str], unit: Mapping[str, Any]
) -> Alert | str | AlertRejected:
    """What a reader makes of a unit, and that an alert of it can be stored."""
    found = hostile.outcome(read, Fields(dict(unit), "$"))
    if isinstance(found, Alert):
        # What cannot be written fails later, where nobody could tell why.
        msgspec.json.encode(found)
    return found
