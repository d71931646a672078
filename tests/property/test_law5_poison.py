"""Law 5: poison stays alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import sources
from shared.model.alert import Alert
from shared.store import reading, rows
from shared.store.ports import Put
from tests.alerts import NOON, SUBSCRIPTION, alert_id, defender_alert, event, vm
from tests.fakes.firewatch import World
from tests.property.feeds import SHORT, SOAK

if TYPE_CHECKING:
    from shared.model.event import Event

_GOOD = msgspec.json.encode(defender_alert())


def _alert(field: str, value: bytes) -> bytes:
    """The default alert with one more field, whatever bytes that holds."""
    return _GOOD[:-1] + b',"%b":%b}' % (field.encode(), value)


NASTY = {
    "nothing": b"",
    "white space": b" \r\n\t",
    "a byte order mark alone": b"\xef\xbb\xbf",
    "utf-16": _GOOD.decode().encode("utf-16"),
    "no utf-8": _alert("X", b'"\xff\xfe"'),
    "cut in the middle": _GOOD[: len(_GOOD) // 2],
    "deep": b"[" * 100_000 + b"]" * 100_000,
    "deep inside": _alert("X", b"[" * 500 + b"]" * 500),
    "deep objects": _alert("X", b'{"a":' * 500 + b"1" + b"}" * 500),
    "not a number": _alert("X", b"NaN"),
    "infinite": _alert("X", b"1e999"),
    "huge": _alert("X", b"9" * 5_000),
    "many digits": _alert("X", b"9" * 40),
    "control": _alert("X", b'"\x01"'),
    "nul": b"\x00" * 100,
    "an id that is a number": _GOOD.replace(alert_id().encode(), b"").replace(
        b'"SystemAlertId":""', b'"SystemAlertId":1'
    ),
    "an empty id": _GOOD.replace(alert_id().encode(), b"  "),
    "an endless id": _GOOD.replace(alert_id().encode(), b"x" * 1_000_000),
    "an endless type": _GOOD.replace(b"VM_WebShellDetected", b"y" * 1_000_000),
    "twice the same field": _alert("SystemAlertId", b"null"),
    "twice in another case": _alert("systemalertid", b'"other"'),
    "a megabyte": _alert("X", b'"' + b"z" * 1_000_000 + b'"'),
    "a list of rubbish": b'[null, 1, "a", [], {}, true]',
    "records of rubbish": b'{"records": [null, {"records": []}]}',
    "markup": b"<xml/>",
    "two objects": b"{}{}",
    "lines of rubbish": b"{}\nnull\n\n{",
    "no time": _alert("X", b"1").replace(b"2026-11-23T", b"2026-99-99T"),
    "far future": _alert("X", b"1").replace(b"2026-11-23T", b"9999-12-31T"),
    "far past": _alert("X", b"1").replace(b"2026-11-23T", b"0001-01-01T"),
    "half a pair": _alert("X", b'"\\ud83d"'),
    "half a pair for an id": _GOOD.replace(alert_id().encode(), b"\\udc00"),
    "half a pair in a name": _alert("\\ud83d", b"1"),
    "wrong kinds": msgspec.json.encode(
        {name: [{"a": 1}] for name in defender_alert()}
        | {"SystemAlertId": "wrong-kinds", "AlertType": "t"}
    ),
}


async def _stays_alone(poison: list[Event]) -> World:
    """Good alerts around the poison are stored, and the poison is whole somewhere."""
    world = World()
    good = [
        event(
            defender_alert(
                SystemAlertId=f"good-{n}",
                AlertType=f"good {n}",
                AzureResourceId=f"/subscriptions/{SUBSCRIPTION}",
                ResourceIdentifiers=[],
            ),
            place=1_000 + n,
        )
        for n in range(len(poison) + 1)
    ]
    mixed = [item for pair in zip(good, poison, strict=False) for item in pair]

    taken = await world.worker.ingest([*mixed, good[-1]])
    await world.settle()

    assert taken.books.is_balanced
    stored = {alert.id for alert in await reading.alerts(world.ledger)}
    assert stored >= {f"good-{n}" for n in range(len(good))}
    letters = {x.place: x async for _, x in world.worker.archive.letters()}
    assert letters.keys() <= {event.place for event in poison}
    for item in poison:
        if item.place in letters:
            assert letters[item.place].raw == item.body
            assert letters[item.place].problems
        else:
            await _is_accounted_for(item, stored)
    await world.check_rested()
    return world


async def _is_accounted_for(item: Event, stored: set[str]) -> None:
    """What is in no dead letter is on an incident, or said to be no alert."""
    found = sources.read(item.body, received_at=item.received_at)
    assert not any(isinstance(unit, sources.Rejected) for unit in found)
    assert {unit.id for unit in found if isinstance(unit, Alert)} <= stored


@pytest.mark.parametrize("name", NASTY)
async def test_nasty_bytes_stay_alone(name: str) -> None:
    """Neighbours are stored, the event is kept to the byte, nothing raises."""
    await _stays_alone([event(NASTY[name])])


async def test_a_heap_of_poison_is_kept_event_by_event() -> None:
    """A batch of nothing but nasty bytes between good alerts is taken."""
    poison = [event(body, place=n) for n, body in enumerate(NASTY.values())]

    world = await _stays_alone(poison)

    assert len([n for n in world.blobs.blobs if n.startswith("dead-letter/")]) > 15


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(max_size=8) | st.sampled_from(sorted(defender_alert())),
            inner,
            max_size=6,
        )
    ),
    max_leaves=12,
)


@st.composite
def _bent(draw: st.DrawFn) -> bytes:
    """An alert with fields replaced by any JSON, and perhaps bytes changed."""
    fields = st.sampled_from([*sorted(defender_alert()), "body", "records", "type"])
    changes: dict[str, Any] = draw(st.dictionaries(fields, _JSON, max_size=5))
    body = bytearray(msgspec.json.encode(defender_alert(**changes)))
    for _ in range(draw(st.integers(0, 2))):
        body[draw(st.integers(0, len(body) - 1))] = draw(st.integers(0, 255))
    return bytes(body)


_POISON = st.lists(
    st.one_of(st.binary(max_size=200), _JSON.map(msgspec.json.encode), _bent()),
    min_size=1,
    max_size=4,
)


@SHORT
@given(_POISON)
async def test_any_bytes_stay_alone(bodies: list[bytes]) -> None:
    """Whatever comes in, neighbours are stored and nothing of it is lost."""
    await _stays_alone([event(body, place=n) for n, body in enumerate(bodies)])


@pytest.mark.soak
@SOAK
@given(_POISON)
async def test_any_bytes_stay_alone_at_length(bodies: list[bytes]) -> None:
    """The same, for minutes."""
    await _stays_alone([event(body, place=n) for n, body in enumerate(bodies)])


async def test_a_head_full_of_attackers_text_still_takes_alerts() -> None:
    """Alerts as wide as they may be do not fill the row their incident lives in."""
    world = World()
    wide = [
        defender_alert(
            SystemAlertId=f"{n}" + "\x01" * 200,
            AlertType=f"{n}" + "\x02" * 250,
            AlertDisplayName=f"{n}" + "\N{PILE OF POO}" * 400,
            AzureResourceId=defender_alert()["AzureResourceId"]
            + "/extensions/"
            + f"{n}"
            + "é" * 100_000,
            ResourceIdentifiers=[
                {
                    "AzureResourceId": defender_alert()["AzureResourceId"]
                    + f"/extensions/{n}"
                    + "é" * 700
                }
            ],
            AlertUri=f"https://portal.azure.com/{n}" + "\x03" * 1_900,
            Intent=",".join(f"{n}x{m}" + "\N{PILE OF POO}" * 60 for m in range(20)),
            ProcessingEndTime="",
        )
        for n in range(150)
    ]
    events = [event(body, place=place) for place, body in enumerate(wide)]

    taken = await world.worker.ingest(events)
    after = await world.worker.ingest(
        [event(wide[0] | {"SystemAlertId": "one more"}, place=999)]
    )

    assert taken.books.dead_lettered == 0
    assert after.books.stored == 1
    assert len((await world.head()).problems) == 150


async def test_a_defect_of_ours_costs_one_event() -> None:
    """An event that breaks the reader itself goes to a dead letter."""
    world = World()
    broken = event(defender_alert(SystemAlertId="b"), place=2)._replace(
        received_at=NOON.replace(tzinfo=None)
    )

    taken = await world.worker.ingest([event(place=1), broken, event(place=3)])

    assert (taken.books.stored, taken.books.dead_lettered) == (1, 1)
    (letter,) = [letter async for _, letter in world.worker.archive.letters()]
    assert letter.place == broken.place
    assert letter.raw == broken.body
    assert "a defect of Firewatch: TypeError" in letter.problems[0].problem


async def test_an_alert_that_breaks_its_decision_costs_itself() -> None:
    """Its incident cannot be read: it goes to a dead letter, and no neighbour does."""
    world = World()
    await world.feed([event()])
    head = await world.head()
    partition, key = rows.partition_of_incident(head.id), rows.incident(head.id)
    found = await world.table.get(partition, [key])
    await world.table.commit(partition, [Put(key, b"broken", found[key].etag)])
    world.restart()
    broken = event(defender_alert(SystemAlertId="b"), place=2)
    beside = defender_alert(SystemAlertId="c", AzureResourceId=vm("vm-other"))

    taken = await world.worker.ingest([broken, event(beside, place=3)])

    assert (taken.books.stored, taken.books.dead_lettered) == (1, 1)
    (letter,) = [letter async for _, letter in world.worker.archive.letters()]
    assert (letter.place, letter.raw) == (broken.place, broken.body)
    assert "a defect of Firewatch: DecodeError" in letter.problems[0].problem


async def test_a_broken_unit_goes_where_it_can_be_replayed() -> None:
    """Good units of an event are stored even if one beside them is hopeless."""
    world = World()
    body = msgspec.json.encode([defender_alert(), {"AlertType": "x", "Severity": "y"}])

    taken = await world.worker.ingest([event(body, source="http/a")])

    assert (taken.books.stored, taken.books.dead_lettered) == (1, 1)
    (letter,) = [letter async for _, letter in world.worker.archive.letters()]
    assert letter.problems[0].path.startswith("$[1]")
