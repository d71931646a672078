"""The keys of actions."""

from __future__ import annotations

import pytest

from shared.model.action_keys import dedup_key, named_in
from tests.factories import make_incident

ID = "0d9eeb301d377b52"


def test_a_key_names_the_incident_that_speaks() -> None:
    """What comes back from the other side finds its way; a successor's is its root's."""
    incident = make_incident(id=ID)
    successor = make_incident(id="0d" * 8, root=ID)

    key = dedup_key(incident, "on-call", "on-call")

    assert named_in(key) == ID
    assert dedup_key(successor, "on-call", "on-call") == key
    assert len(key) <= 255


def test_another_epoch_responder_or_target_is_another_key() -> None:
    """A page that was closed is not the one of the incident that opened again."""
    incident = make_incident(id=ID)
    keys = {
        dedup_key(incident, "a", "b"),
        dedup_key(incident, "b", "b"),
        dedup_key(incident, "a", "a"),
        dedup_key(make_incident(id=ID, epoch=2), "a", "b"),
    }

    assert len(keys) == 4
    assert {named_in(key) for key in keys} == {ID}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "fw-",
        f"fw-{'0' * 32}",
        f"fw-{ID}-",
        f"fw-{ID}-{'0' * 31}",
        f"fw-{ID}-{'0' * 32}\n",
        f"fw-{ID.upper()}-{'0' * 32}",
        f" fw-{ID}-{'0' * 32}",
        f"fw-../../x-{'0' * 32}",
    ],
)
def test_other_texts_name_none(text: str) -> None:
    """Keys of before 0.2 and whatever else a stranger sends."""
    assert named_in(text) is None
