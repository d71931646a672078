"""ARM ids, compared as Azure means them."""

from __future__ import annotations

import pytest

from shared.model import resource

SUB = "0b1f6471-1bf0-4dda-aec3-cb9272f09590"
VM = f"/subscriptions/{SUB}/resourcegroups/web/providers/microsoft.compute/virtualmachines/vm"


@pytest.mark.parametrize("text", [VM, VM.upper(), f"  {VM}/ ", VM.title()])
def test_every_spelling_is_one_id(text: str) -> None:
    """Case, space around and a slash at the end make no difference."""
    assert resource.canonical(text) == VM


@pytest.mark.parametrize(
    "text",
    [
        "",
        "vm-web-01",
        "/",
        "/subscriptions/",
        "/subscriptions/none/resourceGroups/web",
        f"/subscriptions/{SUB}x",
        f"x/subscriptions/{SUB}",
        f"/subscriptions/{SUB}\x00/resourcegroups/a",
        f"/subscriptions/{SUB}/\n/a",
        VM + "x" * 1_000,
    ],
)
def test_what_is_no_arm_id_is_none(text: str) -> None:
    """Names, other ids, controls and endless texts."""
    assert resource.canonical(text) is None


def test_the_subscription_is_the_scope() -> None:
    """Of a resource, of the subscription itself; else the tenant's."""
    assert resource.subscription(VM) == SUB
    assert resource.subscription(f"/subscriptions/{SUB}") == SUB
    assert resource.subscription("/subscriptions/") == "tenant"
    assert resource.subscription("") == "tenant"


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        (VM, VM),
        (VM + "/extensions/agent", VM),
        (VM + "/providers/microsoft.security/x/y", VM),
        (f"/subscriptions/{SUB}", None),
        (f"/subscriptions/{SUB}/resourcegroups/web", None),
        (f"/subscriptions/{SUB}/providers/microsoft.security/pricings/x", None),
    ],
)
def test_children_belong_to_what_people_mean(text: str, whole: str | None) -> None:
    """A subscription or a resource group is not one thing."""
    assert resource.whole(text) == whole


def test_a_name_is_for_people() -> None:
    """The last name of the id."""
    assert resource.display_name(VM) == "vm"


@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        ("", True),
        ("/resourcegroups/g", True),
        ("/resourcegroups", False),
        ("/resourcegroups//providers/a/t/n", False),
        ("/resourcegroups/g/providers/a.b/t/n", True),
        ("/resourcegroups/g/providers/a.b/t/n/c/d", True),
        ("/resourcegroups/g/providers/a.b/n", False),
        ("/providers/a/t/n/providers/b/u/m", True),
        ("/providers/a/b", False),
        ("/x/y", False),
    ],
)
def test_a_whole_id_has_all_its_parts(rest: str, expected: bool) -> None:  # noqa: FBT001
    """What provides, a type and a name; told in linear time, whatever it is given."""
    assert resource.is_whole(f"/subscriptions/s{rest}") is expected


@pytest.mark.parametrize(
    ("rest", "group", "kind"),
    [
        ("", "", ""),
        ("/resourcegroups/g", "g", ""),
        ("/resourcegroups/g/providers/a.b/t/n", "g", "a.b/t"),
        ("/resourcegroups/g/providers/a.b/t/n/c/d", "g", "a.b/t/c"),
        ("/resourcegroups/g/providers/a/t/n/providers/b/u/m", "g", "b/u"),
        ("/providers/a.b/t/n", "", "a.b/t"),
        ("/resourcegroups//providers/a.b", "", "a.b"),
        ("/providers/", "", ""),
    ],
)
def test_group_and_type_are_read_off_the_id(rest: str, group: str, kind: str) -> None:
    """A child's type is whole; what has none has the empty one."""
    path = f"/subscriptions/{SUB}{rest}"

    assert resource.group(path) == group
    assert resource.type_of(path) == kind
