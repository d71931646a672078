"""What follows a notice: it is told on, told again, answered and closed.

Each is made of what would open or close a notice now, under a key of its own that is
the same however often it is planned (law 3).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from shared.model.action import OF_DEEDS, Change, Occasion, Verb
from shared.model.action_keys import beside, digest

if TYPE_CHECKING:
    from shared.model.action import Action, ActionRow, Rung, Told


def kept(action: Action, notice: ActionRow | None) -> Action:
    """The action under the key that its notice was opened by, if it was."""
    if notice is None or notice.dedup_key == action.dedup_key:
        return action
    return replace(action, dedup_key=notice.dedup_key)


def escalating(
    trigger: Action, *, rung: Rung, target: str, occasion: Occasion = Occasion.ESCALATED
) -> Action:
    """A notice of its own to a target of a step: it rings, whoever was told before."""
    key = digest(trigger.key, occasion, rung.escalation, str(rung.number), target)
    return replace(
        trigger,
        key=key,
        dedup_key=beside(trigger.dedup_key, key),
        target=target,
        occasion=occasion,
        rung=rung,
    )


def closing(
    resolve: Action, opened: ActionRow, occasion: Occasion, *, is_echo: bool = False
) -> Action:
    """The resolve of a notice of a merged incident, an earlier epoch or a step."""
    return replace(
        resolve,
        key=digest(opened.key, Verb.RESOLVE),
        dedup_key=opened.dedup_key,
        target=opened.target,
        occasion=occasion,
        is_echo=is_echo,
    )


def acknowledging(trigger: Action, notice: ActionRow, *, is_echo: bool) -> Action:
    """Tell who has a notice that somebody works on it."""
    return replace(
        trigger,
        verb=Verb.ACKNOWLEDGE,
        key=digest(notice.key, Verb.ACKNOWLEDGE),
        dedup_key=notice.dedup_key,
        target=notice.target,
        occasion=Occasion.ACKNOWLEDGED,
        is_echo=is_echo,
    )


def reminding(trigger: Action, notice: ActionRow, told: int) -> Action:
    """The notice once more, after it was ``told`` so often and nobody answered."""
    return replace(
        trigger,
        verb=Verb.UPDATE,
        key=digest(notice.key, Verb.UPDATE, Occasion.REMINDER, str(told)),
        dedup_key=notice.dedup_key,
        target=notice.target,
        occasion=Occasion.REMINDER,
    )


def continuing(trigger: Action, opened: ActionRow) -> Action:
    """An unfinished trigger, sent on under the keys it has."""
    return replace(
        trigger,
        key=opened.key,
        dedup_key=opened.dedup_key,
        incident=opened.incident,
        target=opened.target,
        occasion=opened.occasion,
        rung=opened.rung,
    )


def updating(
    trigger: Action,
    notice: ActionRow,
    change: Change,
    told: Told,
    news: tuple[str, ...] = (),
) -> Action:
    """The update of a notice that somebody has: what would be sent now, and why.

    What is told is its revision: the same news is told once. Evidence that came late has
    none, so that it is told once however much more comes.
    """
    revision: tuple[str, ...] = ()
    if change is not Change.EVIDENCE:
        revision = (told.severity, *told.tactics, "", *told.resources)
    if change in OF_DEEDS:
        revision = (*revision, "", *told.deeds)
    return replace(
        trigger,
        verb=Verb.UPDATE,
        key=digest(notice.key, Verb.UPDATE, change, *revision),
        dedup_key=notice.dedup_key,
        target=notice.target,
        occasion=Occasion(change),
        news=news,
    )


def as_stuck(trigger: Action, generation: int) -> Action:
    """The notice that Firewatch itself is stuck, once per generation it is stuck on."""
    key = digest(trigger.key, Occasion.STUCK, str(generation))
    return replace(
        trigger,
        key=key,
        dedup_key=beside(trigger.dedup_key, key),
        occasion=Occasion.STUCK,
    )
