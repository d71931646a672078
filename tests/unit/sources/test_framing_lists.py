"""The list answers of Azure Resource Manager, and lists of frames."""

from __future__ import annotations

import pytest

from shared.sources.framing import units

RESOURCE = b'{"id": "/x", "type": "Microsoft.Security/Locations/alerts"}'


def paths(body: bytes) -> list[str]:
    return [unit.path for unit in units(body)]


@pytest.mark.parametrize(
    "body",
    [
        b'{"value": [%b, %b]}' % (RESOURCE, RESOURCE),
        b'{"value": [%b, %b], "nextLink": "https://x"}' % (RESOURCE, RESOURCE),
    ],
)
def test_the_resources_of_a_list_answer_are_its_units(body: bytes) -> None:
    """A page of alerts is as many units as it has alerts."""
    assert paths(body) == ["$.value[0]", "$.value[1]"]


def test_an_item_that_is_no_resource_is_a_unit_alone() -> None:
    """One odd item does not cost a page its alerts."""
    assert paths(b'{"value": [%b, 7]}' % RESOURCE) == ["$.value[0]", "$.value[1]"]


@pytest.mark.parametrize(
    "body",
    [b'{"value": []}', b'{"value":[],"nextLink":null}', b'{"value": [], "count": 0}'],
)
def test_an_empty_page_holds_no_unit(body: bytes) -> None:
    """A subscription without alerts is no mistake."""
    assert paths(body) == []


@pytest.mark.parametrize(
    "body",
    [
        b'{"value": [%b], "SystemAlertId": "1"}' % RESOURCE,
        b'{"value": [{"id": 1, "type": "x"}]}',
        b'{"value": "x"}',
        b'{"value": %b}' % RESOURCE,
    ],
)
def test_what_is_not_only_a_list_of_resources_stays_whole(body: bytes) -> None:
    """Nothing that stands beside or among the resources is lost."""
    assert paths(body) == ["$"]


def test_a_list_of_frames_is_unframed_too() -> None:
    """As tools store several answers, and as a batch of events would come."""
    body = b'[{"value": [%b]}, {"records": [{}, 7]}, {"a": 1}, 7]' % RESOURCE

    assert paths(body) == [
        *("$[0].value[0]", "$[1].records[0]", "$[1].records[1]", "$[2]", "$[3]"),
    ]


def test_lists_in_lists_are_not_followed() -> None:
    """One level of frames: what is deeper is no unit of ours."""
    (unit,) = units(b"[[{}]]")

    assert unit.rejected is not None
