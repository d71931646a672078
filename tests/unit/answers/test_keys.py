"""The keys of links, as settings give them."""

from __future__ import annotations

import pytest

from shared.answers import keys
from shared.model.secret import Secret

GOOD, OTHER = Secret("0123456789abcdef" * 4), Secret("fedcba9876543210" * 4)


def test_without_a_key_there_are_none() -> None:
    """And nothing is wrong: links are not everybody's wish."""
    assert keys.read(None, None) == (None, [])


def test_a_key_and_the_one_before() -> None:
    """The first signs, both verify, and each purpose has keys of its own."""
    found, problems = keys.read(GOOD, OTHER)

    assert problems == []
    assert found is not None
    current, previous = found.active("answer")
    assert found.current("answer").mac("x") == current.mac("x") != previous.mac("x")
    assert found.current("form").mac("x") != current.mac("x")
    assert found.current("form").kid == current.kid != previous.kid


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x" * 42, "is shorter than 43"),
        (
            "@Microsoft.KeyVault(SecretUri=https://v.vault.azure.net/secrets/k/)",
            "refer",
        ),
        ("é" * 64, "printable ASCII"),
        (" " + "x" * 64, "white space"),
        ("x" * 64 + "\n", "printable ASCII"),
    ],
)
def test_what_is_no_key_is_named_and_not_used(text: str, said: str) -> None:
    """A link that anybody could sign is worse than none. The value is not repeated."""
    found, (problem,) = keys.read(Secret(text), None)

    assert found is None
    assert problem.startswith("FIREWATCH_LINK_KEY: ")
    assert said in problem
    assert text not in problem


def test_a_previous_key_that_is_none_keeps_nobody_from_answering() -> None:
    """It is named, and left out."""
    found, (problem,) = keys.read(GOOD, Secret("short"))

    assert found is not None
    assert len(found.active("answer")) == 1
    assert problem.startswith("FIREWATCH_LINK_KEY_PREVIOUS: is shorter")


def test_a_previous_key_alone_signs_nothing() -> None:
    """Somebody lost the current one."""
    found, (problem,) = keys.read(None, OTHER)

    assert found is None
    assert problem.startswith("FIREWATCH_LINK_KEY: is missing")
