"""Forwards incidents to IBM QRadar: LEEF 2.0 over syslog and TLS.

Needs a host that takes TLS syslog. Syslog knows neither keys nor answers: each line
holds its own key, and that it was written is all that is known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from responders.forwards import leef
from responders.forwards.syslog import Header, SyslogConfig, SyslogForwarder

if TYPE_CHECKING:
    from responders.base import Ports


class Qradar(SyslogForwarder):
    """One log source."""

    class Config(SyslogConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """What the policy says; QRadar knows the short header of RFC 5424 best."""

        header: Header = Header.SHORT

    def __init__(self, name: str, config: Config, ports: Ports) -> None:
        super().__init__(name, config, ports, leef.line)
