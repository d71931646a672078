"""Changing JSON as JSON: most changes of its bytes only make it malformed."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable

# A body is 64 KiB here; longer lists of anything would be cut.
MOST_ITEMS = 2_000

DEEP: Any = 1
for _ in range(150):
    DEEP = [{"a": DEEP}]

LEAVES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 2**31, 2**63, 2**64, -(10**40), 10**4_000, 1.5, 1e300),
    *(
        "",
        " ",
        "null",
        "[",
        "{",
        "[]",
        "{}",
        "[1",
        '{"a":',
        "0",
        "75",
        "-",
        "a" * 3_000,
    ),
    *("\ud83d", "\udc00", "\u0000", "\u001b[31m", "\u202e", "\u0301" * 500, "ﷺ" * 300),
    *("2026-11-02T09:15:30.1234567Z", "3/24/2022 2:42:35 PM", "9999-12-31T23:59:59Z"),
    *("0001-01-01T00:00:00+14:00", "13/13/2022 25:61", "1" * 5_000),
    *("/subscriptions/", "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590"),
    *("[SAMPLE ALERT] x", "SIMULATED_x", "Critical", "sev0", "Dismissed", "Resolved"),
    *("0.0.0.0", "00.00.00.00", "::1", "203.0.113.9:443", "fe80::1%eth0", "1," * 500),
    *("0000000000000000000_00000000-0000-4000-8000-000000000007", "S-1-5-18", "a@b@c"),
    *(
        "security-alert",
        "host",
        "ip",
        "K8s-pod",
        "process",
        "securityalert",
        "incident",
    ),
    *("Microsoft.Security/Locations/alerts", "AdvancedHunting-AlertEvidence"),
    *(
        "azureMonitorCommonAlertSchema",
        "UserRiskEvents",
        "Security",
        "T1059, T1003.001",
    ),
    *("http://", "HTTPS://User@Host:1/?#", "javascript:alert(1)", "a\\b", "C:\\"),
    DEEP,
    [],
    {},
    [[]],
    [{}],
    {"$ref": "1"},
    {"$id": "1", "$ref": "1"},
    {"value": 1, "localizedValue": 2},
)


class Place(NamedTuple):
    """Where a value stands: in the object or list, under the name or number."""

    inside: Any
    at: Any


def places(value: object) -> list[Place]:
    """Every place below a value."""
    found: list[Place] = []
    pending: list[Any] = [value]
    while pending:
        each = pending.pop()
        keys = list(each) if isinstance(each, dict) else range(len(each))
        for key in keys:
            found.append(Place(each, key))
            if isinstance(each[key], (dict, list)):
                pending.append(each[key])
    return found


class Mutator:
    """Makes new bodies of the given ones; what it takes from chance is handed in."""

    def __init__(self, bodies: Iterable[bytes]) -> None:
        self._values: list[Any] = []
        names: dict[str, None] = {}
        for body in bodies:
            value = _read(body)
            if isinstance(value, (dict, list)):
                self._values.append(value)
                for place in places(value):
                    if isinstance(place.at, str):
                        names[place.at] = None
        self._names = tuple(names)

    def __call__(self, body: bytes, pick: random.Random) -> bytes:
        """The body with some of its values, names and frames changed."""
        value = _read(body)
        if not isinstance(value, (dict, list)):
            value = _copied(pick.choice(self._values))
        for _ in range(pick.choice((1, 1, 2, 3, 8))):
            if not (found := places(value)):
                break
            self._change(pick.choice(found), pick)
        value = self._framed(value, pick)
        text = json.dumps(value, ensure_ascii=pick.random() < 0.5)
        return _bent(text.encode(errors="surrogatepass"), pick)

    def _change(self, place: Place, pick: random.Random) -> None:
        inside, at = place
        match pick.randrange(7):
            case 0:
                inside[at] = json.dumps(inside[at])
            case 1:
                other = pick.choice(places(pick.choice(self._values)))
                inside[at] = _copied(other.inside[other.at])
            case 2 if isinstance(inside, dict):
                inside[pick.choice(self._names)] = inside.pop(at)
            case 3 if isinstance(inside, dict):
                inside[_recased(at, pick)] = inside.pop(at)
            case 4 if isinstance(inside, dict):
                del inside[at]
            case 5 if isinstance(inside, list):
                # Bounded: forty times forty of a large item is the machine's memory.
                inside[:] = (inside * pick.choice((0, 2, 40)))[:MOST_ITEMS]
            case _:
                inside[at] = _copied(pick.choice(LEAVES))

    def _framed(self, value: object, pick: random.Random) -> object:
        """The value, once in a while in a frame or an envelope."""
        match pick.randrange(24):
            case 0:
                value = [value, value]
            case 1:
                value = {"records": [value, pick.choice(LEAVES)]}
            case 2:
                value = {"value": [value], "nextLink": "x"}
            case 3:
                value = {"body": value}
            case 4:
                value = {"specversion": "1.0", "type": "x.y", "data": value}
            case 5:
                text = base64.b64encode(json.dumps(value).encode()).decode()
                value = {"specversion": "1.0", "type": "x.y", "data_base64": text}
            case 6:
                given = {"eventType": "x", "eventTime": "y", "subject": "z"}
                value = {**given, "data": value}
        return value


def _bent(raw: bytes, pick: random.Random) -> bytes:
    """The bytes, once in a while with a mistake in them."""
    at = pick.randrange(len(raw) + 1)
    match pick.randrange(24):
        case 0:
            raw = b"\xef\xbb\xbf" + raw
        case 1:
            raw = raw + b"\r\n" + raw + b"\n{"
        case 2:
            raw = raw[:at]
        case 3:
            raw = raw[:at] + pick.randbytes(3) + raw[at:]
        case 4:
            raw = raw.replace(b"null", b"1" * 5_000, 1)
        case 5 if raw[:1] == b"{":
            raw = b'{"Severity":1,"severity":"High","SEVERITY":NaN,' + raw[1:]
    return raw


def _recased(name: str, pick: random.Random) -> str:
    return pick.choice((name.upper(), name.lower(), name.title(), f" {name}"))


def _copied(value: object) -> Any:  # noqa: ANN401  JSON
    """A copy of its own, through JSON: what is deep is not copied by recursion twice."""
    return json.loads(json.dumps(value))


def _read(body: bytes) -> Any:  # noqa: ANN401  JSON
    try:
        return json.loads(body.removeprefix(b"\xef\xbb\xbf"))
    except (ValueError, RecursionError):
        return None
