"""What silences say of an incident."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.actions.silencing import ruling
from shared.model.alert import Severity
from shared.model.incident import MOST_RESOURCES, OWN, Hold
from shared.model.silence import Mode, Silence
from tests.factories import NOON, VM, make_incident, make_problem

LATER = NOON + timedelta(hours=1)


def _silence(**changes: object) -> Silence:
    default: dict[str, object] = {
        "name": "pen-test",
        "match": ("alert_type=VM_WebShellDetected",),
        "reason": "the red team is here",
        "owner": "ada",
        "until": LATER,
    }
    return Silence(**(default | changes))  # type: ignore[arg-type]


def test_what_it_covers_is_held_until_its_end() -> None:
    """By its name."""
    found = ruling(make_incident(), [_silence()])

    assert found.hold == Hold(by="pen-test", until=LATER)
    assert found.hidden_by == ("pen-test",)


@pytest.mark.parametrize(
    "match",
    [
        ("alert_type=Other",),
        ("alert_type=VM_WebShellDetected", "severity=low"),
        ("tag.env=test",),
        ("tag.env!=prod",),
        ('account="eve"',),
    ],
)
def test_what_it_does_not_cover_or_cannot_know_is_told(match: tuple[str, ...]) -> None:
    """A test whose answer is not known holds nothing back (law 6)."""
    assert ruling(make_incident(), [_silence(match=match)]).hold is None


def test_a_silence_by_tag_holds_what_has_it_everywhere() -> None:
    """One that half of its resources have hides nothing."""
    silence = _silence(match=("tag.env=test",))
    here = {VM: {"env": "Test"}}

    assert ruling(make_incident(tags=here), [silence]).hold is not None
    both = make_incident(resources=(VM, VM + "x"), tags=here)
    assert ruling(both, [silence]).hold is None


def test_it_must_cover_all_of_the_incident() -> None:
    """Another kind of alert beside the silenced one is told."""
    both = make_incident(
        problems={
            "fp-1": make_problem(),
            "fp-2": make_problem(alert_type="VM_Ransomware"),
        }
    )
    elsewhere = make_incident(resources=(VM, VM + "x"))

    assert ruling(both, [_silence()]).hold is None
    assert ruling(elsewhere, [_silence(match=(f'resource="{VM}"',))]).hold is None


def test_of_a_full_list_nobody_knows_what_else_there_is() -> None:
    """So a silence of one resource group does not hold back an incident of many."""
    many = tuple(f"{VM}{n}" for n in range(MOST_RESOURCES))
    silence = _silence(match=("resource_group=web",))

    assert ruling(make_incident(resources=many[1:]), [silence]).hold is not None
    assert ruling(make_incident(resources=many), [silence]).hold is None


def test_the_last_of_several_decides_when_it_is_over() -> None:
    """The first names it."""
    much_later = LATER + timedelta(hours=2)
    found = ruling(
        make_incident(), [_silence(), _silence(name="other", until=much_later)]
    )

    assert found.hold == Hold(by="pen-test", until=much_later)
    assert found.hidden_by == ("pen-test", "other")


def test_what_breaks_through_is_told() -> None:
    """A raised severity gets past a silence that says so."""
    silence = _silence(break_through=("severity>=high",))

    assert ruling(make_incident(), [silence]).hold is None
    assert ruling(make_incident(), [silence]).broken == ("pen-test",)
    assert ruling(make_incident(severity=Severity.LOW), [silence]).hold is not None


def test_a_doubtful_break_through_is_one() -> None:
    """Nobody knows the tag yet, so it is told (law 6)."""
    silence = _silence(break_through=("tag.env=prod",))

    assert ruling(make_incident(), [silence]).hold is None


def test_monitor_mode_only_counts() -> None:
    """Nothing is held; that it would have been is on record."""
    found = ruling(make_incident(), [_silence(mode=Mode.MONITOR)])

    assert found.hold is None
    assert found.watched_by == ("pen-test",)


def test_what_firewatch_says_itself_is_never_hidden() -> None:
    """Or a silence of everything would hide its own end."""
    own = make_incident(sources=(OWN,))

    assert ruling(own, [_silence(match=("severity>=informational",))]).hold is None
