"""Matchers come back as they are written, and no value is too much for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from hypothesis import example, given
from hypothesis import strategies as st

from shared.actions.matchers import FIELDS, Matcher, Operator, parse
from tests.factories import VM, make_incident, make_problem

if TYPE_CHECKING:
    from shared.model.incident import Incident

ANY_TEXT = st.text(st.characters(), max_size=30)
TEXTS = ANY_TEXT | st.sampled_from(
    [
        *("", '"', "\\", '\\"', "\\n", "\n", "\0", "\ud800", "10.0.0.0/8", "::1%a"),
        *("/providers/", "/subscriptions/x/resourcegroups/", "high", "true", "İ"),
        *("a.*", "[a-z]+", "~", "=", "x" * 1_000, "(a+)+$"),
    ]
)
PLAIN = [f for f in FIELDS if f not in {"severity", "sample", "ip", "risk"}]
MATCHERS = st.builds(
    Matcher,
    st.sampled_from([*PLAIN, "tag.env"]),
    st.sampled_from([Operator.EQUAL, Operator.UNEQUAL]),
    TEXTS,
)
LISTS = (
    *("resources", "tactics", "sources", "products", "plans", "techniques"),
    *("accounts", "addresses", "hosts"),
)


@st.composite
def incidents(draw: st.DrawFn) -> Incident:
    """Incidents whose texts are anything that a string can hold."""
    texts = st.lists(TEXTS, max_size=3).map(tuple)
    problem = make_problem(alert_type=draw(TEXTS), title=draw(TEXTS))
    lists = {name: draw(texts) for name in LISTS}
    lists["resources"] += draw(st.sampled_from([(), (VM,), (VM, VM + "x")]))
    named = st.dictionaries(TEXTS | st.just("env"), TEXTS, max_size=2)
    return make_incident(
        scope=draw(TEXTS),
        problems={"1": problem},
        tags=draw(st.dictionaries(st.sampled_from([VM, VM + "x"]), named)),
        **lists,
    )


@given(MATCHERS)
def test_a_matcher_is_read_as_it_is_shown(matcher: Matcher) -> None:
    """Whatever its value holds: quotes, backslashes, line breaks."""
    assert parse(str(matcher)) == matcher


@given(ANY_TEXT | st.builds("{}{}{}".format, st.sampled_from(FIELDS), TEXTS, TEXTS))
@example("title=~" + "(" * 300)
@example('ip="\ud800"')
@example('risk<"²"')
def test_any_text_is_a_matcher_or_a_mistake(text: str) -> None:
    """Nothing but ValueError is raised, and what is read can be shown and read."""
    try:
        found = parse(text)
    except ValueError:
        return

    assert parse(str(found)) == found


@given(
    incidents(),
    st.sampled_from(FIELDS),
    st.sampled_from(["=", "!=", "=~", "!~"]),
    st.sampled_from(["true", "high", "10.0.0.0/8", ".*", "a"]),
)
def test_no_value_is_too_hostile_to_be_tested(
    incident: Incident, field: str, sign: str, value: str
) -> None:
    """A test says yes or no of any incident."""
    try:
        matcher = parse(f"{field}{sign}{value}")
    except ValueError:
        return

    assert matcher.test(incident) in {True, False}


@given(incidents(), MATCHERS)
def test_a_negative_matcher_is_the_opposite(
    incident: Incident, matcher: Matcher
) -> None:
    """What `=` fits, `!=` does not, and the other way round."""
    opposite = {
        Operator.EQUAL: Operator.UNEQUAL,
        Operator.UNEQUAL: Operator.EQUAL,
    }[matcher.operator]
    found = matcher.test(incident)

    other = matcher._replace(operator=opposite).test(incident)
    assert other is (None if found is None else not found)


def test_a_pathological_pattern_takes_linear_time() -> None:
    """The suite's own timeout would tell: elsewhere each of these is 2^1000 steps."""
    titles = {str(n): make_problem(title="a" * (999 - n) + "!") for n in range(100)}
    incident = msgspec.structs.replace(make_incident(), problems=titles)

    assert parse('title=~"(a+)+$"').test(incident) is False
    assert parse('title=~"(a|a)*(a|aa)+b"').test(incident) is False
