"""Where resources are: paths that hold what an alert named, and lead nowhere else."""

from __future__ import annotations

import pytest

from responders.sides.arm import PINS, at, attached
from shared.model.errors import FailureReason, PermanentFailure

GROUP = "/subscriptions/5d6ac3b1-6f0e-4a7f-9f3c-0b1d5f9a7c01/resourceGroups/rg-shop"
VM = f"{GROUP}/providers/Microsoft.Compute/virtualMachines/web01"


def test_a_resource_is_at_its_id_and_the_version_of_its_type() -> None:
    """In whatever case; a child has the version of its own type."""
    assert at(VM) == f"{VM}?api-version=2024-03-01"
    assert at(VM.upper()) == f"{VM.upper()}?api-version=2024-03-01"
    assert at(f"{VM}/").startswith(f"{VM}?")
    assert at(VM, act="deallocate") == f"{VM}/deallocate?api-version=2024-03-01"
    assert at(VM, expand="instanceView").endswith("2024-03-01&$expand=instanceView")
    assert at(f"{VM}/providers/Microsoft.Authorization/locks/fw").endswith(
        "/locks/fw?api-version=2020-05-01"
    )
    assert at(GROUP) == f"{GROUP}?api-version=2021-04-01"


def test_what_holds_at_a_scope_is_listed_there() -> None:
    """At a resource, a group or a subscription."""
    for scope in (VM, GROUP, GROUP.rpartition("/resourceGroups/")[0]):
        assert attached(scope, "Microsoft.Authorization/locks") == (
            f"{scope}/providers/Microsoft.Authorization/locks?api-version=2020-05-01"
        )


@pytest.mark.parametrize(
    "resource_id",
    [
        "",
        "web01",
        "/subscriptions/5d6ac3b1-6f0e-4a7f-9f3c-0b1d5f9a7c01",
        f"{GROUP}/providers/Microsoft.Compute/virtualMachines",
        f"{GROUP}/providers/Microsoft.Unknown/things/x",
        f"{GROUP}/providers/Microsoft.Compute/virtualMachines/..",
        f"{GROUP}/providers/Microsoft.Compute/virtualMachines/web01/../web02",
        f"{GROUP}/providers/Microsoft.Compute/virtualMachines/a?b=c",
        f"{GROUP}/providers/Microsoft.Compute/virtualMachines/a%2Fb",
        f"{GROUP}/providers/Microsoft.Compute/virtualMachines/a b",
        f"{GROUP}//providers/Microsoft.Compute/virtualMachines/a",
        f"/elsewhere{VM}",
        f"{VM}\n",
    ],
)
def test_what_is_no_id_of_a_resource_is_no_path(resource_id: str) -> None:
    """It came from an alert."""
    with pytest.raises(PermanentFailure) as caught:
        at(resource_id)

    assert caught.value.reason is FailureReason.INVALID


def test_types_are_pinned_in_lower_case() -> None:
    """As they are looked up."""
    assert [kind for kind in PINS if kind != kind.lower()] == []
