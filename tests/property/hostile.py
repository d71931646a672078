"""Units of a format whose fields hold anything that JSON can."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
from hypothesis import strategies as st

from shared.model.errors import AlertRejected

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from shared.model.alert import Alert
    from shared.sources.fields import Fields

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

_ANY_TEXT = st.text(st.characters(), max_size=40)
_TEXTS = st.one_of(
    _ANY_TEXT,
    st.sampled_from(
        [
            *("", " ", "High", "75", "Closed", "\ud83d", "[", "{", "true", "1" * 5_000),
            *(
                "2026-11-02T09:15:30.1234567Z",
                "3/24/2022 2:42:35 PM",
                "/subscriptions/",
            ),
            *("[SAMPLE ALERT] x", "https://x", "x" * 300, "T1059, T1003.001"),
            '[{"Type": "security-alert", "SystemAlertIds": ["a", 1, null]}]',
            "0" * 19 + "_00000000-0000-4000-8000-000000000007",
        ]
    ),
)
_NUMBERS = st.one_of(
    st.integers(),
    st.floats(),
    st.builds(pow, st.just(-10), st.sampled_from([19, 5_001])),
)
_NAMES = st.one_of(
    st.sampled_from(
        [
            *("Type", "kind", "properties", "systemAlertIds", "SystemAlertId", "$id"),
            *("$ref", "resourceId", "AzureResourceId", "Address", "tactics"),
        ]
    ),
    _ANY_TEXT,
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), _NUMBERS, _TEXTS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(_NAMES, inner, max_size=4)
    ),
    max_leaves=12,
)


def deep(levels: int = 400) -> Any:  # noqa: ANN401  JSON
    """A value as deep as a decoder lets through."""
    return msgspec.json.decode(b'[{"a":' * levels + b"1" + b"}]" * levels)


def units(names: Iterable[str], **fixed: object) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with some of the names, whose values are anything, and the fixed ones."""
    given = dict.fromkeys(names, st.one_of(VALUES, st.builds(deep)))
    return st.fixed_dictionaries(
        {name: st.just(value) for name, value in fixed.items()},
        optional={name: value for name, value in given.items() if name not in fixed},
    )


def outcome(
    read: Callable[..., Alert | str], fields: Fields
) -> Alert | str | AlertRejected:
    """What a reader makes of a unit; everything but a rejection goes through."""
    try:
        return read(fields, received_at=NOW)
    except AlertRejected as error:
        return error
