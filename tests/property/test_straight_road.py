"""The straight road gives what the general reader gives, or leaves it to that."""

from __future__ import annotations

import copy
import json
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared import sources
from shared.model.entity import Account, Host, Ip, Process
from shared.sources import continuous_export
from shared.sources.entities import extended
from shared.sources.entities.identifiers import line
from shared.sources.entities.problems import Problems
from shared.sources.entities.properties import Properties
from tests.alerts import NOON, defender_alert, vm
from tests.benchmarks.alerts import body
from tests.fuzz.mutations import LEAVES, places
from tests.given import GIVEN
from tests.given import given as given_payloads

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.model.alert import Alert
    from shared.model.entity import Entity

RECEIVED = NOON + timedelta(minutes=5)
SAMPLES = Path(__file__).parents[1] / "samples"

# One of every kind that the straight road knows, as Defender lists them.
ENTITIES: list[dict[str, Any]] = [
    {
        "$id": "1",
        "HostName": "vm-1",
        "NTDomain": "SHOP",
        "AzureID": vm(),
        "Type": "host",
    },
    {
        "$id": "2",
        "Address": "203.0.113.7",
        "Location": {"CountryCode": "nl"},
        "Type": "ip",
    },
    {
        "$id": "3",
        "Name": "deploy",
        "NTDomain": "SHOP",
        "UPNSuffix": "shop.example",
        "Sid": "S-1-5-21-1004336348-1177238915-682003330-1107",
        "AadUserId": "0b1f6471-1bf0-4dda-aec3-cb9272f09591",
        "Host": {"$ref": "1"},
        "Type": "account",
    },
    {"$id": "4", "Algorithm": "MD5", "Value": "0" * 32, "Type": "filehash"},
    {
        "$id": "5",
        "Directory": "C:\\Temp",
        "Name": "a.exe",
        "FileHashes": [
            {"$ref": "4"},
            {"$id": "6", "Algorithm": "SHA1", "Value": "A" * 40, "Type": "filehash"},
        ],
        "Host": {"$ref": "1"},
        "Type": "file",
        "Asset": True,
    },
    {"$id": "7", "ProcessId": "0x10", "CommandLine": "cmd  /c a", "Type": "process"},
    {
        "$id": "8",
        "ProcessId": "944",
        "CommandLine": "a.exe",
        "CreationTimeUtc": "2026-11-20T22:14:03.1234567Z",
        "ImageFile": {"$ref": "5"},
        "Account": {"$ref": "3"},
        "ParentProcess": {"$ref": "7"},
        "Host": {"$ref": "1"},
        "Type": "process",
    },
    {
        "$id": "9",
        "SessionId": "0x3e7",
        "StartTimeUtc": "2026-11-20T22:14:03Z",
        "Host": {"$ref": "1"},
        "Account": {"$ref": "3"},
        "Type": "host-logon-session",
    },
    {"$id": "10", "ResourceId": vm("vm-2"), "Type": "azure-resource"},
    {
        "$id": "11",
        "DomainName": "A.example",
        "IpAdresses": [{"$ref": "2"}],
        "Type": "dns",
    },
    {"$id": "12", "Url": "HTTP://A.example/B", "Type": "url"},
]
PROPERTIES = {
    "Compromised Host": "vm-1",
    "User Name": "SHOP\\deploy",
    "Client IP address": "203.0.113.7",
    "Suspicious Process": "C:\\Temp\\a.exe",
    "PID": 944,
}
ALERT = defender_alert(Entities=ENTITIES, ExtendedProperties=PROPERTIES)

_VALUES = st.one_of(
    st.sampled_from(LEAVES),
    st.text(max_size=12),
    st.sampled_from(
        ["1", "3", "9", {"$ref": "3"}, "nl", " vm-1 ", "a\u200bb", "x" * 5_000]
    ),
)


def straight(raw: bytes) -> Alert | None:
    """The alert of the body by the straight road; None where that leaves it."""
    return continuous_export.read(raw, received_at=RECEIVED)


def both_agree(raw: bytes) -> bool:
    """Whether the straight road took the body; then it gave what is right."""
    found = straight(raw)
    if found is not None:
        assert [found] == sources.read_generally(raw, received_at=RECEIVED)
    return found is not None


def test_it_takes_what_the_hub_sends() -> None:
    """An alert with entities of all kinds, those of the benchmark, and the obvious one."""
    for raw in (json.dumps(ALERT).encode(), *map(body, range(50))):
        assert both_agree(raw)
    assert both_agree(json.dumps(defender_alert()).encode())


@pytest.mark.parametrize(
    "path", sorted(p.relative_to(SAMPLES).as_posix() for p in SAMPLES.rglob("*.*"))
)
def test_every_sample_is_the_same_by_both(path: str) -> None:
    """Whatever the format."""
    both_agree((SAMPLES / path).read_bytes())


def test_every_given_payload_is_the_same_by_both() -> None:
    """Where there are any."""
    for path in GIVEN.glob("*/*"):
        if path.is_file():
            both_agree(path.read_bytes())


def test_it_takes_the_entity_lists_that_were_given() -> None:
    """Log Analytics has them as Defender wrote them; most are in its own spelling."""
    rows = [json.loads(raw) for raw in given_payloads("law-securityalert").values()]

    taken = [
        both_agree(json.dumps(defender_alert(**_nested(row))).encode())
        for row in rows
        if isinstance(row, dict) and row.get("Entities")
    ]

    assert len(taken) > 20
    assert sum(taken) > 0.9 * len(taken)


def _nested(row: dict[str, Any]) -> dict[str, Any]:
    """The two columns that hold JSON, in a text or not."""
    columns = {name: row.get(name) for name in ("Entities", "ExtendedProperties")}
    return {
        name: json.loads(value) if isinstance(value, str) else value
        for name, value in columns.items()
    }


@given(data=st.data())
@settings(deadline=None, max_examples=300)
def test_changed_alerts_are_the_same_by_both(data: st.DataObject) -> None:
    """With up to three values changed to what is nearly right, or to anything."""
    alert = json.loads(json.dumps(ALERT))
    for _ in range(data.draw(st.integers(1, 3))):
        inside, at = data.draw(st.sampled_from(places(alert)))
        change = data.draw(st.sampled_from(("change", "change", "drop", "twice")))
        if change == "change":
            # A copy: a later change must not reach the strategy's own values.
            inside[at] = copy.deepcopy(data.draw(_VALUES))
        elif change == "drop":
            del inside[at]
        elif isinstance(inside, list):
            inside.append(inside[at])
    # A lone half of a surrogate pair is no UTF-8, but has an escape.
    both_agree(json.dumps(alert).encode())


@given(data=st.data())
@settings(deadline=None, max_examples=150)
def test_changed_texts_are_the_same_by_both(data: st.DataObject) -> None:
    """Texts alone are changed, so that most of the alerts stay on the straight road."""
    alert = json.loads(json.dumps(ALERT))
    texts = [p for p in places(alert) if isinstance(p.inside[p.at], str)]
    texts = [p for p in texts if p.at not in {"$id", "$ref", "Type"}]
    for inside, at in data.draw(st.lists(st.sampled_from(texts), max_size=4)):
        edge = data.draw(
            st.sampled_from(("", " ", "\u00a0", "\u200b", "é", "\t", "\\", ","))
        )
        inside[at] = data.draw(st.sampled_from((edge + inside[at], inside[at] + edge)))

    both_agree(json.dumps(alert).encode())


@pytest.mark.parametrize(
    "changes",
    [
        {"systemAlertId": "x"},
        {"IsIncident": True},
        {"StartTimeUtc": "3/24/2022 2:42:35 PM"},
        {"ProductName": "Azure Sentinel"},
        {"SystemAlertId": " "},
        {
            "Entities": [
                {"$id": "1", "Host": {"$ref": "2"}, "Name": "x", "Type": "account"}
            ]
        },
        {"Entities": [*ENTITIES, ENTITIES[0]]},
        {"Entities": [{"$id": "1", "HostName": "x", "New": 1, "Type": "host"}]},
        {"Entities": [{"$id": "1", "Name": "x", "Type": "malware"}]},
        {"Entities": [{"$id": "1", "Address": "203.0.113.7, ::1", "Type": "ip"}]},
    ],
)
def test_what_is_odd_is_left_to_the_general_reader(changes: dict[str, Any]) -> None:
    """A name of another spelling, a reference forward, an id twice, something new."""
    assert straight(json.dumps(ALERT | changes).encode()) is None


_WORDS = st.sampled_from(
    [
        *("", "-", "vm-1", "VM-1", "vm-1,vm-2", '["vm-1"]', "SHOP\\deploy", "deploy"),
        *(
            "\\deploy",
            "SHOP\\",
            "A\\B\\c",
            "203.0.113.7",
            "203.0.113.7%1",
            "::1",
            " vm-1",
        ),
    ]
)
_HELD: st.SearchStrategy[Entity] = st.one_of(
    st.builds(Host, name=_WORDS.map(line)),
    st.builds(
        Account, name=_WORDS.map(line), domain=st.sampled_from(["", "SHOP", "A\\B"])
    ),
    st.sampled_from([Ip(address="203.0.113.7"), Ip(address="::1"), Process(pid=1)]),
)
_SAID = st.dictionaries(
    st.sampled_from(
        [
            *PROPERTIES,
            "Host",
            "host",
            "Attackers",
            "Machine IP",
            "resourceType",
            "Account",
        ]
    ),
    _WORDS | st.lists(_WORDS, max_size=2) | st.integers(),
    max_size=4,
)


@given(held=st.lists(_HELD, max_size=3), said=_SAID)
@settings(deadline=None, max_examples=300)
def test_what_is_told_to_be_repeated_is_held(
    held: list[Entity], said: Mapping[str, Any]
) -> None:
    """Where every value is taken for a repetition, a closer look lifts nothing."""
    properties, problems = Properties(said, Problems()), Problems()

    if properties.is_within(extended.repeated(held)):
        assert extended.lift_news(Properties(said, problems), held) == []
        assert problems.told() == ()
