"""A query file that is right, for tests to break."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.enrichment import header

if TYPE_CHECKING:
    from shared.enrichment.query import Query

HEADER = """\
// question: Who logged on?
// entities: host
// plans: any
// tables: SecurityEvent
// parameters: TheHost string, TheAccounts strings?
// reach: 1d
// ahead: 2h
// lag: 15m
// cost: low
// weight: 5
// columns: At datetime, Account string, Times long
// reading: {count logon} by {each Account}, {sum Times} in all; first {Account} at {At}.
// nothing: Nobody logged on.
"""
TEXT = """\
SecurityEvent
| where TimeGenerated between (Since .. Until)
| where Computer =~ TheHost or Account in~ (TheAccounts)
| summarize Times = count() by At = TimeGenerated, Account
| project At, Account, Times
| top MostRows by At desc
"""
SOURCE = f"{HEADER}\n{TEXT}"


def make_query(source: str = SOURCE) -> Query:
    """The query of a file called logons.kql."""
    return header.check("logons.kql", source)
