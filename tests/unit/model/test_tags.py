"""A tag as people write it in the policy."""

from __future__ import annotations

import pytest

from shared.model.tags import Tag, parse


def test_a_tag_is_a_name_and_a_value_without_case() -> None:
    """Names may have blanks, values may have signs."""
    assert parse("Criticality=High") == Tag("criticality", "high")
    assert parse(" Cost Center = a=b ") == Tag("cost center", "a=b")


@pytest.mark.parametrize("text", ["", "env", "=prod", "env=", " = ", "e" * 513 + "=x"])
def test_what_has_no_name_or_no_value_is_none(text: str) -> None:
    """A tag that every resource has would make all of them critical."""
    with pytest.raises(ValueError, match="name=value"):
        parse(text)


def test_it_is_found_whatever_the_case_of_the_value() -> None:
    """The names of a resource's tags are in lower case already."""
    tag = parse("env=Prod")

    assert tag.is_in({"env": "PROD"})
    assert not tag.is_in({"env": "production"})
    assert not tag.is_in({"environment": "prod"})
    assert not tag.is_in({})
