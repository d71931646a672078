"""The alert types that Microsoft documents; docs/catalogue.md says where they are from."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from shared.model.alert import Severity
from shared.model.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.model.alert import Alert

# The formats whose types are Defender for Cloud's.
_DEFENDERS = frozenset(
    {
        "activity-log",
        "arm",
        "defender",
        "diagnostics",
        "log-analytics",
        "sentinel-alert",
    }
)

FILE = Path(__file__).with_name("alert-types.csv")

# What stands in front of a type or a title, or behind it, and makes it no other type.
_SAMPLE = "simulated_"
_BEFORE = ("[sample alert]", "(preview)", "preview -")
_BEHIND = ("[seen multiple times]", "(preview)", ".")


class AlertType(msgspec.Struct, frozen=True, kw_only=True):
    """One documented alert type.

    ``identifier`` is empty where Microsoft documents none. ``title`` is verbatim; an
    identifier that stands under several headings has them with `` | `` between.
    ``severities`` are the documented ones, the worst first, and may be none; tactics
    are in the words that the sources use.
    """

    identifier: str
    title: str
    severities: tuple[Severity, ...]
    tactics: tuple[str, ...]
    plan: str
    is_deprecated: bool

    @property
    def name(self) -> str:
        """What people call it: the identifier, or the title where there is none."""
        return self.identifier or self.title

    @property
    def severity(self) -> Severity | None:
        """The default for an alert that says none: the worst that is documented."""
        return self.severities[0] if self.severities else None


class Catalogue:
    """Documented alert types, to be found by what an alert says."""

    def __init__(self, types: Iterable[AlertType]) -> None:
        self.types = tuple(types)
        self._by_identifier = {
            each.identifier.casefold(): each for each in self.types if each.identifier
        }
        # Titles are ambiguous: ten identifiers share one. They count where nothing else
        # is documented.
        nameless = [each for each in self.types if not each.identifier]
        self._by_title = {_named(each.title): each for each in nameless}
        for each in nameless:
            self._by_title.setdefault(_stem(_named(each.title)), each)

    def find(self, alert_type: str, title: str = "") -> AlertType | None:
        """The documented type of an alert, or None.

        By identifier, without regard to case; of a variant that is not documented, the
        type it is a variant of. Else by title, which old alerts have as their type.
        """
        identifier = alert_type.strip().casefold().removeprefix(_SAMPLE)
        while identifier:
            if (found := self._by_identifier.get(identifier)) is not None:
                return found
            identifier = _generalised(identifier)
        for text in (title, alert_type):
            name = _named(text)
            if found := self._by_title.get(name) or self._by_title.get(_stem(name)):
                return found
        return None


def completed(alert: Alert) -> Alert:
    """The alert with what is documented of its type and it does not say itself.

    Its plan; tactics where it names none; a severity where it reports none. Records
    that are one alert only together are left as they are: another may say it.
    """
    if alert.is_part or alert.kind not in _DEFENDERS:
        return alert
    known = load().find(alert.alert_type, alert.title)
    if known is None:
        return alert
    severity = None if alert.reported_severity else known.severity
    return replace(
        alert,
        plan=known.plan,
        tactics=alert.tactics or known.tactics,
        severity=severity or alert.severity,
    )


@cache
def load() -> Catalogue:
    """The packaged catalogue; the file is read at the first call."""
    with FILE.open(encoding="utf-8", newline="") as file:
        return Catalogue(_read(row) for row in csv.DictReader(file))


def _read(row: dict[str, str]) -> AlertType:
    return AlertType(
        identifier=row["alert_type"],
        title=row["title"],
        severities=tuple(Severity(word) for word in _parts(row["severities"])),
        tactics=tuple(_parts(row["tactics"])),
        plan=row["plan"],
        is_deprecated=row["deprecated"] == "yes",
    )


def _parts(cell: str) -> list[str]:
    return cell.split(";") if cell else []


def _generalised(identifier: str) -> str:
    """The identifier less its last variant; empty where it names none.

    Variants are what dots behind the first underscore set off; dots in front of it
    belong to the source, as in SQL.DB_BruteForce.
    """
    source, mark, detection = identifier.partition("_")
    general, dot, _ = detection.rpartition(".")
    return source + mark + general if dot else ""


def _named(title: str) -> str:
    name = one_line(title).casefold()
    for part in _BEFORE:
        name = name.removeprefix(part).lstrip()
    return name


def _stem(name: str) -> str:
    for part in _BEHIND:
        name = name.removesuffix(part).rstrip()
    return name
