"""Where accounts are: by object id, whatever an alert calls them."""

from __future__ import annotations

import pytest

from responders.sides.graph import principal, user, user_fields
from shared.model.errors import PermanentFailure

SOMEBODY = "aa0c0de0-0000-4000-8000-000000000001"


def test_an_account_is_at_its_object_id() -> None:
    """In lower case, with what is asked of it."""
    assert user(SOMEBODY.upper()) == f"/users/{SOMEBODY}"
    assert user(SOMEBODY, act="memberOf") == f"/users/{SOMEBODY}/memberOf"
    assert principal(SOMEBODY) == f"/servicePrincipals/{SOMEBODY}"
    assert "accountEnabled" in user_fields(SOMEBODY).partition("?$select=")[2].split(
        ","
    )


@pytest.mark.parametrize(
    "name",
    ["", "m.weber@contoso.com", f"{SOMEBODY}/x", f" {SOMEBODY}", f"{SOMEBODY}\n"],
)
def test_a_name_is_no_object_id(name: str) -> None:
    """Whoever writes an alert may name whom they like."""
    with pytest.raises(PermanentFailure):
        user(name)
