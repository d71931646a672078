"""Alerts by HTTP, and why they are where they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from shared.model.alert import AlertRow, Joined, Version
from shared.store import reading, rows
from shared.store.ports import Put
from tests.alerts import NOON, alert_id
from tests.fakes.api import Api, escaped

if TYPE_CHECKING:
    from collections.abc import Sequence


async def keep(api: Api, row: AlertRow, partition: str = "00") -> None:
    """Write an alert's row into a partition."""
    await api.world.table.commit(partition, [Put(rows.alert(row.id), rows.encode(row))])


async def only(api: Api) -> AlertRow:
    """The one alert there is."""
    (row,) = await reading.alerts(api.world.ledger)
    return row


@pytest.mark.parametrize("change", [str.upper, str.lower])
async def test_an_alert_is_found_in_any_case(api: Api, change: type[str]) -> None:
    """With the version that counts, its road and its incident."""
    reply = await api.get(f"/api/alerts/{escaped(change(alert_id()))}")

    assert reply.status == 200
    assert reply.body["id"] == alert_id()
    assert reply.body["road"] == "hub"
    assert reply.body["incident"] == (await api.world.head()).id
    assert [e["type"] for e in reply.body["entities"]][:1] == ["host"]


async def test_an_id_may_hold_anything(api: Api) -> None:
    """Slashes, percent signs and line breaks are part of detectors' ids."""
    for text in ("/subscriptions/x/a", "a%2Fb", "q?x#y", "new\nline", "ü"):
        await keep(api, replace(await only(api), id=text), partition="01")

        reply = await api.get(f"/api/alerts/{escaped(text)}")

        assert reply.status == 200, text
        assert reply.body["id"] == text
        del api.world.table._rows["01", rows.alert(text)]


async def test_of_two_rows_the_later_version_counts(api: Api) -> None:
    """Roads that name two subscriptions leave an alert in two partitions."""
    row = await only(api)
    later = Version(at=NOON.replace(year=2027), rank=10, digest="x")
    await keep(api, replace(row, title="later", version=later), partition="01")
    held = Version(at=NOON.replace(year=2028), rank=50, digest="x")
    await keep(api, replace(row, is_expected=True, version=held), partition="02")

    reply = await api.get(f"/api/alerts/{alert_id()}")

    assert (reply.body["title"], reply.body["road"]) == ("later", "activity log")


async def test_one_that_is_not_there_is_404(api: Api) -> None:
    """As is one that has only a place held; an id that is too long is a mistake."""
    await keep(api, replace(await only(api), id="held", is_expected=True))

    assert (await api.get("/api/alerts/nobody")).status == 404
    assert (await api.get("/api/alerts/held")).status == 404
    assert (await api.get("/api/alerts/nobody/explain")).status == 404
    assert (await api.get(f"/api/alerts/{'x' * 257}")).status == 400


async def test_an_alert_is_explained(api: Api) -> None:
    """As fields and as lines; its incident beside it."""
    joined = Joined(strategy="same account", key="ada", also=("host vm-web-01",))
    row = replace(await only(api), joined=joined)
    partition = rows.partition_of_incident(row.incident)
    key = partition, rows.alert(row.id)
    api.world.table._rows[key] = api.world.table._rows[key]._replace(
        doc=rows.encode(row)
    )

    reply = await api.get(f"/api/alerts/{alert_id()}/explain")

    assert reply.status == 200
    assert reply.body["joined"]["key"] == "ada"
    assert f"It joined incident {row.incident}: same account (ada)." in _lines(reply)
    assert reply.body["otherwise"] == [
        "Without that key it would have joined through the next: host vm-web-01."
    ]
    assert reply.body["about"]["incident"] == row.incident


async def test_a_place_that_is_held_is_explained(api: Api) -> None:
    """It is not there, and this says why something knows of it."""
    await keep(api, replace(await only(api), id="held", is_expected=True))

    reply = await api.get("/api/alerts/held/explain")

    assert reply.status == 200
    assert any("has not come" in line for line in _lines(reply))


async def test_an_incident_is_explained(api: Api, incident: str) -> None:
    """The routes are those of the policy."""
    reply = await api.get(f"{incident}/explain")

    assert reply.status == 200
    assert [route["label"] for route in reply.body["routes"]] == ["routes[0]"]
    assert {each["responder"] for each in reply.body["responders"]} == {
        "hook",
        "pager",
    }
    assert (await api.get("/api/incidents/0000000000000000/explain")).status == 404


def _lines(reply: object) -> Sequence[str]:
    lines: Sequence[str] = reply.body["lines"]  # type: ignore[attr-defined]
    return lines
