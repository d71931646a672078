"""An Event Hub, by what is given to the SDK; tests/contract/test_hub.py has the SDK."""

import json
from typing import Any

from devhost.outside import ocsf
from tests.conformance.case import Case
from tests.fakes.http import Sent

_CONNECTION = (
    "Endpoint=sb://side.example/;SharedAccessKeyName=send;SharedAccessKey=k3yofthehub"
)


def events(sent: Sent) -> list[dict[str, Any]]:
    """The events of a call."""
    return [json.loads(line) for line in sent.body.splitlines()]


CASE = Case(
    settings=lambda _: {"hub": "siem", "connection": {"setting": "HUB"}},
    secrets={"HUB": _CONNECTION},
    seeded=("k3yofthehub",),
    accepted={200},
    body_cap=256 * 1024,
    identity=lambda sent: sorted(each["metadata"]["uid"] for each in events(sent)),
    # Nothing of it is out there.
    effects=lambda _: 1,
    tells_repeats=False,
    is_http=False,
    content=events,
    link_paths={"[].src_url", "[].unmapped.links[]"},
    problems=lambda sent: [p for each in events(sent) for p in ocsf.problems(each)],
)
