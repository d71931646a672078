"""The words of many products for severity, status and tactics, as ours.

The tables are wire-formats.md 8; the original word is kept beside what it became.
"""

from __future__ import annotations

import re
from functools import lru_cache

from shared.model.alert import AlertStatus, Severity

# Unreadable is not harmless; high would let noise ring every phone.
UNKNOWN_SEVERITY = Severity.MEDIUM

_SEVERITIES = {
    **{severity.value: severity for severity in Severity},
    "critical": Severity.HIGH,
    "warning": Severity.LOW,
    "info": Severity.INFORMATIONAL,
    "verbose": Severity.INFORMATIONAL,
    "none": Severity.INFORMATIONAL,
    "hidden": Severity.LOW,
    # Azure Monitor: Sev0 is critical, Sev4 verbose.
    "sev0": Severity.HIGH,
    "sev1": Severity.HIGH,
    "sev2": Severity.MEDIUM,
    "sev3": Severity.LOW,
    "sev4": Severity.INFORMATIONAL,
    "0": Severity.HIGH,
    "1": Severity.HIGH,
    "2": Severity.MEDIUM,
    "3": Severity.LOW,
    "4": Severity.INFORMATIONAL,
    # stix-shifter's scale, seen in Log Analytics rows that passed through it.
    "25": Severity.INFORMATIONAL,
    "50": Severity.LOW,
    "75": Severity.MEDIUM,
    "100": Severity.HIGH,
}

_CLOSED = frozenset(
    {"resolved", "dismissed", "closed", "remediated", "confirmedsafe", "deactivated"}
)

# Defender's older kill chain names, as ATT&CK calls them (wire-formats.md 7).
_LEGACY_TACTICS = {
    "preattack": "Reconnaissance",
    "probing": "Reconnaissance",
    "exploitation": "InitialAccess",
}
_ATTACK_TACTICS = frozenset(
    {
        "reconnaissance",
        "resourcedevelopment",
        "initialaccess",
        "execution",
        "persistence",
        "privilegeescalation",
        "defenseevasion",
        "evasion",
        "credentialaccess",
        "discovery",
        "lateralmovement",
        "collection",
        "commandandcontrol",
        "exfiltration",
        "impact",
        "impairprocesscontrol",
        "inhibitresponsefunction",
    }
)
_NO_TACTIC = frozenset({"", "unknown", "none", "null"})
_TECHNIQUE = re.compile(r"\bT\d{4}(?:\.\d{3})?\b", re.ASCII)

# What Defender for Cloud calls itself, spaces apart; the oldest is 2016's.
_DEFENDER_FOR_CLOUD = frozenset(
    {
        "microsoftdefenderforcloud",
        "azuresecuritycenter",
        "azuredefender",
    }
)

# What products call their kinds of events; reasons to ignore one repeat it.
_PLAIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 ._/-]{0,98}[A-Za-z0-9])?")

MOST_TACTICS = 20
# Any list that a product writes; there are few different ones, so they are remembered.
LONGEST_LIST = 400
MOST_TECHNIQUES = 50


def severity(word: str) -> Severity:
    """The severity a product means; medium for a word that none of them uses."""
    return _SEVERITIES.get(word.strip().lower(), UNKNOWN_SEVERITY)


def status(word: str) -> AlertStatus:
    """Closed for what the products call an end; open for everything else."""
    closed = word.strip().lower().replace(" ", "") in _CLOSED
    return AlertStatus.CLOSED if closed else AlertStatus.OPEN


def is_defender_for_cloud(*names: str) -> bool:
    """Whether one of the names, a product's or a provider's, is Defender for Cloud's."""
    return any("".join(name.lower().split()) in _DEFENDER_FOR_CLOUD for name in names)


def plain_name(text: str) -> str:
    """A product's name for a kind of record where it is harmless to repeat."""
    return text if _PLAIN.fullmatch(text) else "unnamed"


def tactics(words: object) -> tuple[str, ...]:
    """ATT&CK tactics from a comma list or a list, sorted; legacy names are mapped."""
    if isinstance(words, str) and len(words) <= LONGEST_LIST:
        return _listed_tactics(words)
    return _tactics(_words(words))


@lru_cache(maxsize=1024)
def _listed_tactics(words: str) -> tuple[str, ...]:
    return _tactics(_words(words))


def _tactics(words: list[str]) -> tuple[str, ...]:
    found: set[str] = set()
    for word in words[:MOST_TACTICS]:
        name = "".join(part for part in word.split() if part.isalnum())[:60]
        if name.lower() not in _NO_TACTIC:
            found.add(_LEGACY_TACTICS.get(name.lower(), name[0].upper() + name[1:]))
    return tuple(sorted(found))


def known_tactics(words: object) -> list[str]:
    """ATT&CK's own tactics among words that are not all tactics: XDR's categories."""
    return [name for name in tactics(words) if name.lower() in _ATTACK_TACTICS]


def techniques(words: object) -> tuple[str, ...]:
    """ATT&CK technique ids, also out of texts that hold them, sorted."""
    if not words:
        return ()
    text = " ".join(_words(words))[:10_000]
    return tuple(sorted(set(_TECHNIQUE.findall(text))))[:MOST_TECHNIQUES]


def _words(value: object) -> list[str]:
    if isinstance(value, str):
        return [part.strip() for part in value.split(",")]
    if isinstance(value, list):
        texts = (item for item in value if isinstance(item, str))
        return [part.strip() for text in texts for part in text.split(",")]
    return []
