"""Which incident an alert belongs to: every key at once, merging what it ties.

This is where a cap or a rule of grouping is added; what makes a key is in ``keys``. The
rest of the app only sees what is decided here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from shared.model.alert import AlertRow, Joined
from shared.model.books import Booking
from shared.model.incident import Fact, Incident
from shared.store import rows
from shared.store.draft import news
from shared.triage import incidents, parts
from shared.triage.alert_rows import expected, is_full, order, row_of
from shared.triage.choosing import home_of, predecessor_of, told_apart
from shared.triage.fingerprint import Strategy, fingerprint
from shared.triage.keys import MOST_KEYS, keys
from shared.triage.ties import MOST_MERGES, Tie, Why, extend, gather, ties

if TYPE_CHECKING:
    from datetime import datetime

    from shared.model.alert import Alert
    from shared.model.correlation import Correlation
    from shared.store.draft import Draft
    from shared.triage.fingerprint import Key


# What one detector's incident may tie at once. Defender's own incidents name a few
# dozen alerts at the most.
MOST_MEMBERS = 40

# Reasons an alert row keeps beside the first, and incidents that it names as merged.
MOST_REASONS = 10
MOST_MERGED = 40

# The alert, a new incident with timeline and due row, and the books.
_ROWS_ALONE = 5
# A known incident's second due row, and a predecessor.
_ROWS_TIED = 2
# An incident that is merged: its head, timeline and due row.
_ROWS_MERGED = 3
MOST_ROWS = (
    _ROWS_ALONE + _ROWS_TIED + MOST_KEYS + MOST_MEMBERS + _ROWS_MERGED * MOST_MERGES
)


class _Case(NamedTuple):
    """What folding an alert is decided from."""

    alert: Alert
    keys: tuple[Key, ...]
    ties: list[Tie]
    caps: Correlation

    @property
    def moment(self) -> datetime:
        """When it happened, as its keys have it."""
        return self.caps.moment(self.alert.point)


def fold(draft: Draft, alert: Alert, caps: Correlation) -> Booking | None:
    """Put one alert where it belongs, in the draft, and say what it was.

    Alert, key and head rows it needs must be known to the draft, or be absent. None,
    and nothing was changed, where the transaction has no room for what it would write;
    an empty one has.
    """
    key = rows.alert(alert.id)
    # Parts of an alert are no versions of it.
    if not alert.is_part and draft.version(key) == alert.version.digest:
        return Booking.DUPLICATE
    row = draft.read(key, AlertRow)
    is_new = row is None or row.is_expected
    if row is not None and not is_new and draft.incident(row.incident) is None:
        # Its incident has left for history, and the row is about to follow.
        row, is_new = None, True
    case = _find(draft, alert, row if is_new else None, caps)
    if not draft.has_room(_rows_needed(case)):
        return None
    if row is None or is_new:
        _store(draft, case)
        return Booking.STORED
    if alert.is_part:
        return _join_part(draft, row, case)
    if order(alert) > order(row):
        _update(draft, row, case)
        return Booking.UPDATED
    _note_extent(draft, row, case)
    is_lesser = is_full(row.version) and not is_full(alert.version)
    return Booking.DUPLICATE if is_lesser else Booking.STALE


def _find(
    draft: Draft, alert: Alert, held: AlertRow | None, caps: Correlation
) -> _Case:
    shared = keys(alert, caps.never_group)
    named = _named(draft, alert, held)
    return _Case(
        alert, shared, ties(draft, shared, caps.moment(alert.point), named, caps), caps
    )


def _named(
    draft: Draft, alert: Alert, held: AlertRow | None
) -> list[tuple[Incident, Why]]:
    """The incidents that a detector's own incident ties the alert to."""
    members = alert.members[:MOST_MEMBERS]
    told = [draft.read(rows.alert(member), AlertRow) for member in members]
    found: list[tuple[Incident, Why]] = []
    for row in (held, *told):
        incident = draft.incident(row.incident) if row is not None else None
        if row is not None and incident is not None:
            found.append((incident, Why(Strategy.MEMBER, f"alert {row.id}")))
    return found


def _rows_needed(case: _Case) -> int:
    """The rows that folding the alert may write, at the most."""
    members = min(len(case.alert.members), MOST_MEMBERS)
    merges = min(len(case.ties), MOST_MERGES)
    tied = _ROWS_TIED if case.ties else 0
    return _ROWS_ALONE + tied + len(case.keys) + members + _ROWS_MERGED * merges


def _store(draft: Draft, case: _Case) -> None:
    alert, identity = case.alert, fingerprint(case.alert)
    tied, strayed = told_apart(case.ties, identity)
    home = home_of(tied, alert, identity, case.caps)
    if home is None:
        grown, joined = _open(draft, tied, case, identity)
        fact = _fact("incident.opened", alert, joined.because)
    else:
        grown = incidents.joined(home.incident, alert, identity, draft.now)
        others = [tie.incident for tie in tied if tie != home]
        grown, gone, because = gather(draft, grown, others, case.caps)
        for tie in strayed:
            because = because or f"incident {tie.incident.id} kept apart"
        why = home.whys[0]
        rest = (w for tie in (home, *tied) for w in tie.whys if w != why)
        also = dict.fromkeys(str(w) for w in rest)
        joined = Joined(
            strategy=why.strategy,
            key=why.text,
            also=tuple(also)[:MOST_REASONS],
            because=because,
            merged=gone,
        )
        fact = _fact("alert.joined", alert, str(why))
    draft.change(news(grown, draft.now), fact)
    draft.put(rows.alert(alert.id), row_of(alert, grown.id, identity, joined))
    _expect_members(draft, alert, grown.id)
    extend(draft, case.keys, case.moment, grown.id, case.caps)


def _open(
    draft: Draft, tied: list[Tie], case: _Case, identity: str
) -> tuple[Incident, Joined]:
    """A new incident, the sequel of one that does not take the alert, if any."""
    alert, before = case.alert, predecessor_of(tied, identity)
    because = ""
    if before is not None:
        because = incidents.refusal(before, alert, identity, case.caps)
    elif not case.keys:
        because = "names nothing that it could share with others"
    grown = incidents.opened(
        alert,
        identity,
        partition=draft.partition,
        now=draft.now,
        predecessor=before,
        is_taken=lambda i: draft.read(rows.incident(i), Incident) is not None,
    )
    if before is not None and grown.root != grown.id:
        draft.change(replace(before, successor=grown.id))
    return grown, Joined(because=because)


def _expect_members(draft: Draft, alert: Alert, incident_id: str) -> None:
    """Hold the place of members that have not come: they will join this incident."""
    for member in alert.members[:MOST_MEMBERS]:
        if draft.read(rows.alert(member), AlertRow) is None:
            draft.put(rows.alert(member), expected(member, incident_id, alert))


def _update(draft: Draft, row: AlertRow, case: _Case) -> None:
    alert, joined = case.alert, row.joined
    incident = draft.incident(row.incident)
    if incident is not None:
        changed = incidents.updated(incident, row, alert, draft.now)
        fact = _fact("alert.updated", alert, alert.status.value)
        joined = _grow(draft, row, changed, (fact,), case)
    kept = row_of(alert, row.incident, row.fingerprint, joined)
    draft.put(rows.alert(alert.id), kept)


def _join_part(draft: Draft, row: AlertRow, case: _Case) -> Booking:
    """Add one record of several that are one alert; nothing it says is ever lowered.

    A union, so parts may come in any order and again. A part has no word on the
    status.
    """
    whole = parts.union(row, case.alert)
    incident = draft.incident(row.incident)
    joined = row.joined
    if incident is not None:
        wider = incidents.seen(incident, row.fingerprint, case.alert)
        fact = _fact("alert.updated", case.alert)
        facts = (fact,) if whole != row else ()
        joined = _grow(draft, row, wider, facts, case)
    if whole != row or joined != row.joined:
        draft.put(rows.alert(case.alert.id), replace(whole, joined=joined))
    return Booking.UPDATED if whole != row else Booking.DUPLICATE


def _note_extent(draft: Draft, row: AlertRow, case: _Case) -> None:
    """An older version changes nothing, but what it shows of the extent is kept."""
    incident = draft.incident(row.incident)
    if incident is None:
        return
    wider = incidents.seen(incident, row.fingerprint, case.alert)
    fact = _fact("alert.stale", case.alert)
    facts = (fact,) if wider != incident else ()
    joined = _grow(draft, row, wider, facts, case)
    if joined != row.joined:
        draft.put(rows.alert(row.id), replace(row, joined=joined))


def _grow(
    draft: Draft,
    row: AlertRow,
    incident: Incident,
    facts: tuple[Fact, ...],
    case: _Case,
) -> Joined | None:
    """Let any version of a known alert tie what a new alert would have tied.

    So the keys of an alert are those of all its versions, and the order in which these
    come decides nothing. Gives why the alert is where it is; without facts and merges
    the head is left as it is.
    """
    others = [t.incident for t in case.ties if t.incident.id != incident.id]
    grown, gone, _ = gather(draft, incident, others, case.caps)
    if facts or gone:
        draft.change(news(grown, draft.now), *facts)
    _expect_members(draft, case.alert, grown.id)
    extend(draft, case.keys, case.moment, grown.id, case.caps)
    if not gone:
        return row.joined
    before = row.joined or Joined()
    merged = tuple(dict.fromkeys((*before.merged, *gone)))[:MOST_MERGED]
    return replace(before, merged=merged)


def _fact(kind: str, alert: Alert, detail: str = "") -> Fact:
    """What happened to an alert, and the hash of the bytes that it came in."""
    digest = alert.spot.sha256 if alert.spot else ""
    return Fact(kind=kind, alert=alert.id, detail=detail, sha256=digest)
