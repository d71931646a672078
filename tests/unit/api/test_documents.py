"""docs/api.md: what it says can be done can be done, as it says."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from msgspec.structs import replace

from shared.api.bodies import ListQuery, NewSilence
from shared.api.desk import LONGEST_BODY
from shared.api.routes import ROUTES
from shared.store import reading, rows
from shared.store.ports import Put

if TYPE_CHECKING:
    from tests.fakes.api import Api

DOCUMENT = (Path(__file__).parents[3] / "docs/api.md").read_text()
INCIDENT = "0d9eeb301d377b52"
ALERT = "2517299687999999999_00000000-0000-4000-8000-000000000001"


class Line(NamedTuple):
    """A curl line of the document."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


def lines() -> list[Line]:
    """Every curl line, in order."""
    found = []
    for text in re.findall(r"^curl (.*)$", DOCUMENT, re.MULTILINE):
        words = shlex.split(text)
        options = list(zip(words[:-1:2], words[1:-1:2], strict=True))
        headers = dict(v.split(": ", 1) for name, v in options if name == "-H")
        assert headers.pop("x-functions-key") == "$KEY"
        given = dict(options)
        method = given.get("-X", "POST" if "-d" in given else "GET")
        path = words[-1].removeprefix("$APP")
        found.append(Line(method, path, headers, given.get("-d", "").encode()))
    return found


def test_every_operation_is_in_the_table() -> None:
    """And nothing else is."""
    named = re.findall(r"^\| `([A-Z]+ /api/[^`]+)` \|", DOCUMENT, re.MULTILINE)

    assert sorted(named) == sorted(
        f"{method} /api/{route}" for method, route in ROUTES.values()
    )


@pytest.mark.parametrize("kind", [ListQuery, NewSilence])
def test_every_field_is_in_a_table(kind: type[ListQuery | NewSilence]) -> None:
    """The parameters of the list, and the fields of a silence."""
    cells = re.findall(r"^\| (`[^|]+) \|", DOCUMENT, re.MULTILINE)
    named = {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}

    assert {*kind.__struct_fields__} - named == set()


def test_the_longest_body_is_as_documented() -> None:
    """In KiB."""
    assert f"the body is over {LONGEST_BODY // 1024} KiB" in DOCUMENT


async def test_each_line_does_what_it_is_there_for(api: Api) -> None:
    """One after the other, on an app with that incident and that alert."""
    head = await api.world.head()
    (row,) = await reading.alerts(api.world.ledger)
    partition = rows.partition_of_incident(INCIDENT)
    alert = replace(row, id=ALERT, incident=INCIDENT)
    writes = [
        Put(
            rows.incident(INCIDENT),
            rows.encode(replace(head, id=INCIDENT, sequence=0, chain="", due=None)),
        ),
        Put(rows.alert(ALERT), rows.encode(alert)),
    ]
    await api.world.table.commit(partition, writes)

    for line in lines():
        reply = await api.ask(
            line.method, line.path, headers=line.headers, body=line.body
        )
        assert reply.status in {200, 201}, (line, reply.body)
