"""IBM QRadar, over syslog and TLS."""

from urllib.parse import urlsplit

from devhost.outside import lines
from devhost.outside.certificate import authority, issued
from devhost.outside.lines import Line
from tests.conformance.case import Case
from tests.fakes.http import Sent

_CERTIFICATE = issued("client").both


def parsed(sent: Sent) -> list[Line]:
    """The lines, as a receiver reads them."""
    frames, left = lines.frames(sent.body)
    assert left == b""
    return [lines.read(frame) for frame in frames]


CASE = Case(
    settings=lambda url: {
        "host": "127.0.0.1",
        "port": urlsplit(url).port or 6514,
        "ca": authority().pem,
        "certificate": {"setting": "CERTIFICATE"},
    },
    secrets={"CERTIFICATE": _CERTIFICATE},
    # A line of its key.
    seeded=(_CERTIFICATE.splitlines()[-3],),
    accepted={200},
    body_cap=64 * 1024,
    identity=lambda sent: sorted(each.fields["key"] for each in parsed(sent)),
    effects=lambda outside: len(outside.syslog.lines),
    tells_repeats=False,
    is_http=False,
    content=lambda sent: [each.fields for each in parsed(sent)],
    link_paths={"[].url"},
)
