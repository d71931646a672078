"""A real receiver of syslog (rsyslog), and what it makes of our lines."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from devhost.outside import lines
from devhost.outside.certificate import HOSTS, authority, issued
from responders.arcsight import Arcsight
from responders.forwards.syslog import Framing, Header
from responders.qradar import Qradar
from shared.clouds.outlets import Opened
from tests.conformance.kit import (
    NASTY,
    dossier_of,
    hostile_evidence,
    hostile_incident,
    nobody,
)
from tests.fakes.http import FakeHttp
from tests.fakes.outlets import FakeOutlets
from tests.fakes.ports import make_ports

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

RSYSLOG = shutil.which("rsyslogd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
TLS = ("ossl", "gtls")

_CONFIGURATION = """
global(workDirectory="{folder}" maxMessageSize="64k"
       defaultNetstreamDriver="{driver}"
       defaultNetstreamDriverCAFile="{folder}/ca.pem"
       defaultNetstreamDriverCertFile="{folder}/server.pem"
       defaultNetstreamDriverKeyFile="{folder}/server.key"
       parser.escapeControlCharactersOnReceive="off")
module(load="imtcp" streamDriver.name="{driver}" streamDriver.mode="1"
       streamDriver.authMode="anon")
input(type="imtcp" address="127.0.0.1" port="{port}" ruleset="keep")
template(name="whole" type="list") {{
  property(name="rawmsg" format="json")
  constant(value="\\n")
}}
ruleset(name="keep") {{ action(type="omfile" file="{folder}/lines" template="whole") }}
"""


class Rsyslog:
    """A process, and the file it keeps lines in."""

    def __init__(self, folder: Path, driver: str) -> None:
        self.folder = folder
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            self.port = found.getsockname()[1]
        server = issued("server", HOSTS)
        (folder / "ca.pem").write_text(authority().pem)
        (folder / "server.pem").write_text(server.pem)
        (folder / "server.key").write_text(server.both.removeprefix(server.pem))
        text = _CONFIGURATION.format(folder=folder, driver=driver, port=self.port)
        (folder / "rsyslog.conf").write_text(text)
        assert RSYSLOG is not None
        self.process = subprocess.Popen(
            [
                RSYSLOG,
                "-n",
                *("-f", str(folder / "rsyslog.conf")),
                *("-i", str(folder / "pid")),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def is_up(self) -> bool:
        """Whether it takes connections."""
        assert self.process.poll() is None, self.said()
        with socket.socket() as tried:
            return tried.connect_ex(("127.0.0.1", self.port)) == 0

    def said(self) -> str:
        """What it complained of."""
        out = self.process.stdout
        return out.read().decode(errors="replace") if out else ""

    def kept(self) -> list[lines.Line]:
        """The lines that it took, as a SIEM behind it reads them."""
        path = self.folder / "lines"
        if not path.exists():
            return []
        raw = path.read_text(encoding="utf-8").splitlines()
        return [lines.read(json.loads(f'"{each}"').encode()) for each in raw]

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait(10)
        if self.process.stdout:
            self.process.stdout.close()


def _driver() -> str | None:
    """The module for TLS that is installed beside it."""
    folders = [
        *os.environ.get("RSYSLOG_MODDIR", "").split(":"),
        "/usr/lib/x86_64-linux-gnu/rsyslog",
        "/usr/lib/aarch64-linux-gnu/rsyslog",
        "/usr/lib/rsyslog",
    ]
    for driver in TLS:
        for folder in filter(None, folders):
            if os.path.exists(f"{folder}/lmnsd_{driver}.so"):  # noqa: PTH110
                return driver
    return None


@pytest.fixture
async def rsyslog(tmp_path: Path) -> AsyncIterator[Rsyslog]:
    """A receiver with a certificate for this machine."""
    driver = _driver()
    if RSYSLOG is None:
        pytest.skip("no rsyslogd here: apt-get install rsyslog rsyslog-openssl")
    if driver is None:
        pytest.skip("rsyslogd without TLS: apt-get install rsyslog-openssl")
    found = Rsyslog(tmp_path, driver)
    try:
        async with asyncio.timeout(20):
            while not found.is_up():  # noqa: ASYNC110  it is another process
                await asyncio.sleep(0.05)
        yield found
    finally:
        found.stop()


@pytest.mark.parametrize("framing", Framing)
@pytest.mark.parametrize(
    ("kind", "header"),
    [(Qradar, Header.SHORT), (Qradar, Header.RFC5424), (Arcsight, Header.RFC3164)],
)
async def test_rsyslog_takes_every_line_as_it_was_sent(
    rsyslog: Rsyslog, kind: type[Qradar | Arcsight], header: Header, framing: Framing
) -> None:
    """Hostile text and all, framed either way, over TLS: what is kept is what was sent."""
    opened = Opened(nobody)
    config: Any = kind.Config(
        host="localhost",
        port=rsyslog.port,
        ca=authority().pem,
        header=header,
        framing=framing,
    )
    ports = make_ports(FakeHttp(), {}, outlets=opened.outlets)
    responder = kind("siem", config, ports)
    # The same once more, without a network, says what is expected.
    sent = FakeOutlets()
    twin = kind("siem", config, make_ports(FakeHttp(), {}, outlets=sent.outlets))
    texts = [text for text in NASTY if len(text) < 200]
    for start in range(0, len(texts), 60):
        some = texts[start : start + 60]
        incident = hostile_incident(*some)
        [action] = await responder.plan(incident)
        dossier = dossier_of(incident, hostile_evidence(*some))
        action = replace(action, dossier=dossier)
        await responder.apply(action)
        await twin.apply(action)
    await opened.close()
    whole = b"".join(each.body for each in sent.sent)
    expected = [lines.read(frame) for frame in lines.frames(whole)[0]]
    assert len(expected) > 500

    async with asyncio.timeout(20):
        while len(rsyslog.kept()) < len(expected):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    assert rsyslog.kept() == expected
