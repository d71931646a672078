"""Lines of syslog: headers, frames, and what fits into one."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from msgspec.structs import replace

from devhost.outside import lines
from devhost.outside.certificate import authority
from responders.arcsight import Arcsight
from responders.base import forwards
from responders.forwards.records import Record, records
from responders.forwards.syslog import (
    LINE_SIZE,
    Framing,
    as_text,
    fitting,
    framed,
)
from responders.qradar import Qradar
from shared.model.errors import SettingsError
from tests.conformance.kit import dossier_of, hostile_evidence, hostile_incident
from tests.factories import NOON, make_evidence, make_incident
from tests.fakes.http import FakeHttp
from tests.fakes.outlets import FakeOutlets
from tests.fakes.ports import make_ports

if TYPE_CHECKING:
    from shared.model.dossier import Dossier
    from shared.model.incident import Incident

KINDS = {"qradar": Qradar, "arcsight": Arcsight}


def make(kind: str, outlets: FakeOutlets, **changes: object) -> Qradar | Arcsight:
    """A receiver of lines."""
    responder: Any = KINDS[kind]
    given = {"host": "siem.example"} | changes
    ports = make_ports(FakeHttp(), {}, outlets=outlets.outlets)
    config = msgspec.convert(given, responder.Config)
    made: Qradar | Arcsight = responder("siem", config, ports)
    return made


def records_of(dossier: Dossier) -> list[Record]:
    """The records of a forward."""
    [action] = forwards(dossier.incident, "siem")
    return records(replace(action, dossier=dossier), dossier)


async def sent(kind: str, incident: Incident, **changes: object) -> bytes:
    """What goes over the wire for an incident."""
    outlets = FakeOutlets()
    responder = make(kind, outlets, **changes)
    [action] = await responder.plan(incident)
    dossier = dossier_of(incident, [make_evidence()])
    await responder.apply(replace(action, dossier=dossier))
    return b"".join(each.body for each in outlets.sent)


@pytest.mark.parametrize(
    ("header", "begins"),
    [
        ("rfc3164", b"<131>Nov 23 12:00:00 firewatch "),
        ("short", b"<131>1 2026-11-23T12:00:00.000Z firewatch "),
        (
            "rfc5424",
            b"<131>1 2026-11-23T12:00:00.000Z firewatch firewatch - incident.open - ",
        ),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
async def test_a_line_begins_as_the_policy_says(
    kind: str, header: str, begins: bytes
) -> None:
    """And its receiver reads it: local0, and the severity of the incident."""
    data = await sent(kind, make_incident(), header=header, framing="newline")

    assert data.startswith(begins)
    found, left = lines.frames(data)
    assert left == b""
    read = [lines.read(frame) for frame in found]
    assert len(read) == 5
    assert {each.priority for each in read} == {16 * 8 + 3, 16 * 8 + 6}
    assert {each.host for each in read} == {"firewatch"}


async def test_a_day_of_one_digit_has_a_blank_before_it() -> None:
    """RFC 3164 counts columns."""
    at = NOON - timedelta(days=20)

    data = await sent("arcsight", make_incident(changed_at=at), framing="newline")

    assert data.startswith(b"<131>Nov  3 12:00:00 ")


@pytest.mark.parametrize("kind", KINDS)
async def test_the_length_stands_before_each_line(kind: str) -> None:
    """In bytes of UTF-8, not characters: RFC 6587."""
    data = await sent(kind, make_incident(hosts=("žluťoučký-\U0001f525",)))

    found, left = lines.frames(data)
    assert left == b""
    assert len(found) == 5
    assert data.startswith(str(len(found[0])).encode() + b" <")


def test_no_text_ends_a_line() -> None:
    """Neither a line feed nor what else means one."""
    assert framed("a\nb\r\x00\u2028c\x85", Framing.NEWLINE) == b"a b   c \n"
    assert framed("a\tb", Framing.OCTET) == b"3 a\tb"


def test_a_list_keeps_whole_entries() -> None:
    """What does not fit is left out, and it is JSON all the same."""
    assert as_text(["a" * 30] * 10, 80) == f'["{"a" * 30}","{"a" * 30}"]'
    assert as_text(["a" * 100], 80) == "[]"
    assert as_text("\u00e9" * 10, 5) == "\u00e9\u00e9"
    assert as_text(12, 80) == "12"


def test_what_is_needed_is_always_there() -> None:
    """Of the rest, what there is room for."""
    pairs = [("a", "x" * 10), ("b", "y" * 50), ("c", "z")]

    assert fitting(pairs, 20, needed=1) == [("a", "x" * 10), ("c", "z")]


@pytest.mark.parametrize("kind", KINDS)
async def test_no_line_is_longer_than_a_receiver_takes(kind: str) -> None:
    """Whatever alerts hold; it is never cut."""
    outlets = FakeOutlets()
    responder = make(kind, outlets, header="rfc5424")
    text = "\U0001f525=|\\ " * 500
    incident = replace(
        hostile_incident(text), accounts=(text,) * 20, hosts=(text,) * 20
    )
    [action] = await responder.plan(incident)
    dossier = dossier_of(incident, hostile_evidence(text))

    await responder.apply(replace(action, dossier=dossier))

    found, _ = lines.frames(b"".join(each.body for each in outlets.sent))
    assert max(map(len, found)) <= LINE_SIZE
    assert max(map(len, found)) > LINE_SIZE // 2
    for frame in found:
        assert lines.read(frame).fields


@pytest.mark.parametrize(
    "changes",
    [
        {"host": "https://siem.example"},
        {"port": 0},
        {"ca": "not a certificate"},
        {"source": "a b"},
    ],
)
def test_settings_that_cannot_work_are_refused(changes: dict[str, object]) -> None:
    """At start, by their names."""
    with pytest.raises(
        SettingsError, match=rf"responders\.siem\.{next(iter(changes))}"
    ):
        make("qradar", FakeOutlets(), **changes)


def test_a_peer_is_what_the_policy_says() -> None:
    """RFC 5425's port, the system's authorities, and no certificate of ours."""
    outlets = FakeOutlets()
    make("qradar", outlets)
    make("qradar", outlets, port=1514, ca=authority().pem)

    assert [(each.host, each.port, each.ca) for each in outlets.peers] == [
        ("siem.example", 6514, ""),
        ("siem.example", 1514, authority().pem),
    ]
    assert outlets.peers[0].certificate is None
