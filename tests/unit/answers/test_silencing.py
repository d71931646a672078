"""What is silenced so that one incident is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shared.actions import matchers
from shared.answers import silencing
from shared.model.incident import MOST_RESOURCES
from tests.factories import VM, make_incident, make_problem

TEXT = st.text(st.characters(), max_size=30)


def covers(texts: tuple[str, ...], incident: object) -> bool:
    """Whether a silence of these matchers holds an incident back."""
    return matchers.all_cover(map(matchers.parse_of_silence, texts), incident)  # type: ignore[arg-type]


def test_its_kinds_on_its_resources() -> None:
    """And nothing that has another kind or another resource besides."""
    incident = make_incident()
    texts = silencing.matching(incident)

    other = {"fp-2": make_problem(alert_type="Other")}
    assert [text.partition("=")[0] for text in texts] == [
        "subscription",
        "resource",
        "alert_type",
    ]
    assert covers(texts, incident)
    assert not covers(texts, make_incident(resources=(VM, f"{VM}2")))
    assert not covers(texts, make_incident(problems=incident.problems | other))
    assert not covers(texts, make_incident(scope="another"))


@given(
    st.lists(TEXT, max_size=4),
    st.lists(TEXT, min_size=1, max_size=4),
    st.text(st.characters(), min_size=1, max_size=30),
)
def test_whatever_it_is_called(
    resources: list[str], kinds: list[str], scope: str
) -> None:
    """Patterns, quotes and line breaks in a name mean nothing: it covers, or is none."""
    incident = make_incident(
        scope=scope,
        resources=tuple(resources),
        problems={f"fp-{n}": make_problem(alert_type=k) for n, k in enumerate(kinds)},
    )
    texts = silencing.matching(incident)

    assert texts == () or covers(texts, incident)
    assert texts or any(
        "\ud800" <= c <= "\udfff" for c in "".join([*resources, *kinds])
    )


def test_what_names_too_much_is_not_silenced() -> None:
    """More than a matcher may hold, or a list that is full."""
    long = tuple(f"{VM}{'x' * 400}{n}" for n in range(4))
    full = tuple(f"/r{n}" for n in range(MOST_RESOURCES))

    assert silencing.matching(make_incident(resources=long)) == ()
    assert silencing.matching(make_incident(resources=full)) == ()
    assert silencing.matching(make_incident(resources=full[1:])) != ()
