"""Whatever a policy's text holds, it is a policy or a list of mistakes."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.model.errors import SettingsError
from shared.triage import policy as policies
from shared.triage.policy.schema import Policy

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(st.characters(max_codepoint=126, min_codepoint=32), max_size=8),
    st.sampled_from(
        [
            *("5h", "0s", "a", "on-call", "severity>=high", "title=~[a", "10.0.0.0/8"),
            *("Europe/Oslo", "mon-fri 08:00-18:00", "2026-12-01T09:00", "Europe"),
            *("2026-12-01T00:00:00Z", "2026-12-01", "active", "key", "999999d"),
        ]
    ),
)
NAMES = st.sampled_from(
    [
        *("responders", "routes", "senders", "correlate", "suppress", "storm"),
        *("reconcile", "to", "match", "continue", "name", "again", "every", "gap"),
        *("max_age", "quiet", "never_group", "addresses", "subscriptions", "method"),
        *("secret", "setting", "formats", "reason", "owner", "until", "starts", "mode"),
        *("people", "schedules", "escalations", "contacts", "time_zone", "layers"),
        *("feed", "names", "overrides", "holidays", "person", "turn", "hours"),
        *("steps", "after", "repeat", "pause", "on_holidays"),
        *("use", "on-call", "warn", "break_through", "pages", "within", "x y"),
    ]
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=5)
    ),
    max_leaves=25,
)
SECTIONS = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(Policy.__struct_encode_fields__, VALUES),
)


@given(SECTIONS)
def test_any_values_are_a_policy_or_mistakes_with_paths(raw: dict[str, Any]) -> None:
    """Nothing else is raised, and each mistake has its path."""
    try:
        policies.load(msgspec.json.encode(raw))
    except SettingsError as error:
        pathless = [p for p in error.problems if not p.startswith("policy.yaml: $")]
        if pathless:
            pytest.fail(str(pathless))


@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda t: t.encode()))
@example(b"\xef\xbb\xbfroutes: []")
@example(b"%YAML 9.9\n---\n")
@example(b"a: !!int x")
@example(b"a: !!bool x")
@example(b"a: =")
@example(b"a: !!binary ~~~")
@example(b"&a : *a")
@example(b"? *a")
@example(b"<<: 1")
@example(b"<<: [1]")
@example(b"a: !!set {x}")
@example(b"a: !!omap [1]")
@example(b"a: !!timestamp x")
@example(b"a: 2026-99-99")
@example(b"a: 0b_")
@example(b"a: 1:99999999999999999999:9")
@example(b"a: " + b"9" * 5_000)
def test_any_bytes_are_a_policy_or_mistakes(text: bytes) -> None:
    """YAML has many corners; all of them are a SettingsError."""
    with pytest.raises(SettingsError):
        policies.load(text)
