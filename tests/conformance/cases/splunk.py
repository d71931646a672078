"""Splunk's HTTP Event Collector."""

import gzip
import json
from typing import Any

from tests.conformance.case import Case
from tests.fakes.http import Sent

_TOKEN = "c0nf0rma-nce0-4dda-aec3-t0ken0fhec01"


def events(sent: Sent) -> list[dict[str, Any]]:
    """The events of a request."""
    return [json.loads(line) for line in opened(sent).splitlines()]


def opened(sent: Sent) -> bytes:
    """The body without its compression."""
    return gzip.decompress(sent.body)


CASE = Case(
    settings=lambda url: {
        "url": f"{url}/splunk",
        "token": {"setting": "HEC_TOKEN"},
        "index": "sec",
    },
    secrets={"HEC_TOKEN": _TOKEN},
    seeded=(_TOKEN,),
    accepted={200},
    body_cap=512 * 1024,
    identity=lambda sent: sorted(each["event"]["key"] for each in events(sent)),
    effects=lambda outside: len(outside.splunk.events),
    answer=b'{"text":"Success","code":0}',
    tells_repeats=False,
    content=events,
    opened=opened,
    link_paths={"[].event.links[]"},
)
