"""Wires settings, policy, storage and responders into the verbs; lazily, once.

Nothing happens at import, and next to nothing is imported: a worker that starts for one
trigger pays for that one. Each verb is built at its first use and needs no more than it
needs: a missing PagerDuty key keeps no alert from being stored.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from shared.wiring.containment import Containment
from shared.wiring.questions import Questions

if TYPE_CHECKING:
    from shared.answering import Answering
    from shared.audit import Audit
    from shared.clouds.storage import Storage
    from shared.commands import Commands
    from shared.drills import Drills
    from shared.enrichment.inquiries import Inquiry
    from shared.enrichment.tagging import ResourceTags
    from shared.hearing import Hearing
    from shared.ingest import Ingest
    from shared.reconcile_source import ReconcileSource
    from shared.regrouping import Regrouping
    from shared.respond import Respond
    from shared.retention import Retention
    from shared.tick import Tick
    from shared.ticketing import Ticketing
    from shared.triage.policy import Policy


class App(Containment, Questions):
    """The app of one process. Every method gives the same object each time.

    All raise SettingsError, listing what is wrong, and StoreUnavailable.
    """

    async def ingest(self) -> Ingest:
        """The first verb."""
        policy, storage = await self.policy(), await self.storage()

        async def build() -> Ingest:
            from shared.ingest import Ingest

            return Ingest(
                storage.ledger, storage.archive, storage.queue, policy.correlate
            )

        return await self._once("ingest", build)

    async def respond(self) -> Respond:
        """The second verb."""
        settings, policy = await self.settings(), await self.policy()
        staff, storage = await self.staff(), await self.storage()
        noise, links = await self.noise(), await self.links()
        tagging, containing = await self._tagging(), await self.containing()

        async def build() -> Respond:
            from shared.looks.escalating import Escalating
            from shared.looks.gathering import Gathering
            from shared.respond import Respond

            return Respond(
                storage.ledger,
                storage.queue,
                responders=staff.responders,
                rules=self.rules,
                noise=noise,
                escalating=Escalating(self._who),
                links=links.offered,
                gathering=Gathering(
                    storage.ledger,
                    None if policy.workspaces.are_none else self.enrichment,
                    how=policy.enrich,
                    others=_inquiries(policy, storage, tagging),
                    tagging=tagging,
                ),
                containing=containing,
                lease=settings.lease,
                quiet=policy.correlate.quiet,
                weights=policy.risk,
            )

        return await self._once("respond", build)

    async def tick(self) -> Tick:
        """The third verb."""
        storage, noise = await self.storage(), await self.noise()
        heartbeat = await self.heartbeat()

        async def build() -> Tick:
            from shared.tick import Tick

            return Tick(storage.ledger, storage.queue, noise, heartbeat)

        return await self._once("tick", build)

    async def ticketing(self) -> Ticketing:
        """What reads tickets again."""
        storage, commands = await self.storage(), await self.commands()
        staff = await self.staff()

        async def build() -> Ticketing:
            from shared.ticketing import Ticketing

            return Ticketing(storage.ledger, commands, staff.responders)

        return await self._once("ticketing", build)

    async def reconcile_source(self) -> ReconcileSource:
        """The fourth verb."""
        settings, policy = await self.settings(), await self.policy()
        ingest, storage = await self.ingest(), await self.storage()
        credentials = await self.credentials()

        async def build() -> ReconcileSource:
            from shared.clouds.arm import Arm
            from shared.reconcile_source import ReconcileSource

            arm = Arm(settings.arm_url, http=self._lists, token=credentials.token)
            return ReconcileSource(
                policy.reconcile.subscriptions,
                alerts=arm.alerts,
                ingest=ingest,
                ledger=storage.ledger,
                clock=self._clock,
            )

        return await self._once("reconcile_source", build)

    async def retention(self) -> Retention:
        """The fifth verb."""
        settings, policy = await self.settings(), await self.policy()
        storage, audit = await self.storage(), await self.audit()

        async def build() -> Retention:
            from shared.purge import Purge
            from shared.retention import LISTED, Retention

            listed = LISTED if policy.reconcile.subscriptions else settings.keep
            return Retention(
                storage.ledger,
                storage.history,
                Purge(storage.ledger, gap=policy.correlate.gap),
                keep=max(settings.keep, listed),
                told=audit.until,
            )

        return await self._once("retention", build)

    async def audit(self) -> Audit:
        """The seventh verb."""
        storage = await self.storage()

        async def build() -> Audit:
            from shared.audit import Audit

            return Audit(storage.ledger, storage.blobs)

        return await self._once("audit", build)

    async def answering(self) -> Answering:
        """What people say by links."""
        storage = await self.storage()
        commands, silences = await self.commands(), await self.silences()
        deciding = await self.deciding()

        async def build() -> Answering:
            from shared.answering import Answering

            return Answering(
                storage.ledger, storage.history, commands, silences, deciding
            )

        return await self._once("answering", build)

    async def hearing(self) -> Hearing:
        """What other sides say of our notices."""
        storage, commands = await self.storage(), await self.commands()

        async def build() -> Hearing:
            from shared.hearing import Hearing

            return Hearing(storage.ledger, storage.history, commands)

        return await self._once("hearing", build)

    async def commands(self) -> Commands:
        """What a person can say about an incident."""
        storage = await self.storage()

        async def build() -> Commands:
            from shared.commands import Commands

            return Commands(storage.ledger, storage.queue)

        return await self._once("commands", build)

    async def drills(self) -> Drills:
        """What begins page tests."""
        storage, policy = await self.storage(), await self.policy()

        async def build() -> Drills:
            from shared.drills import Drills

            return Drills(storage.ledger, storage.queue, policy.correlate)

        return await self._once("drills", build)

    async def regrouping(self) -> Regrouping:
        """What a person can do to groups."""
        storage, policy = await self.storage(), await self.policy()

        async def build() -> Regrouping:
            from shared.regrouping import Regrouping

            return Regrouping(storage.ledger, storage.queue, policy.correlate)

        return await self._once("regrouping", build)


def _inquiries(
    policy: Policy, storage: Storage, tagging: ResourceTags
) -> list[Inquiry]:
    """What is asked about incidents beside what logs are."""
    from shared.actions import matchers

    found: list[Inquiry] = []
    deployed = [m for route in policy.routes for m in route.match]
    deployed += [m for s in policy.suppress for m in (*s.match, *s.break_through)]
    if policy.risk.critical_tags or matchers.tags_in(deployed):
        found.append(tagging)
    if policy.risk.true_positive or policy.risk.false_positive:
        from shared.enrichment.verdicts import OwnVerdicts

        found.append(OwnVerdicts(partial(storage.history.earlier, storage.ledger)))
    return found
