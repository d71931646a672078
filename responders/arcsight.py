"""Forwards incidents to ArcSight, or whatever takes CEF: over syslog and TLS.

Needs a host that takes TLS syslog. Syslog knows neither keys nor answers: each line
holds its own key, and that it was written is all that is known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from responders.forwards import cef
from responders.forwards.syslog import Header, SyslogConfig, SyslogForwarder

if TYPE_CHECKING:
    from responders.base import Ports


class Arcsight(SyslogForwarder):
    """One connector."""

    class Config(SyslogConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """What the policy says; connectors know the header of RFC 3164 best."""

        header: Header = Header.RFC3164

    def __init__(self, name: str, config: Config, ports: Ports) -> None:
        super().__init__(name, config, ports, cef.line)
