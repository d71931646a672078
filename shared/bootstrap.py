"""Wires settings, policy, storage and responders into the verbs; lazily, once.

Nothing happens at import, and next to nothing is imported: a worker that starts for one
trigger pays for that one. Each verb is built at its first use and needs no more than it
needs: a missing PagerDuty key keeps no alert from being stored.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from shared import settings as environment
from shared.clouds.http import HttpClient
from shared.model.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from shared.actions.routing import Rules
    from shared.answering import Answering
    from shared.answers.links import Links
    from shared.answers.sides import Listeners
    from shared.audit import Audit
    from shared.audit_posture import AuditPosture
    from shared.clouds.credentials import Credentials
    from shared.clouds.storage import Storage
    from shared.commands import Commands
    from shared.containment.approving import Approving
    from shared.containment.containing import Containing
    from shared.containment.deciding import Deciding
    from shared.containment.planning import Reads, Terms
    from shared.containment.stopping import Stopping
    from shared.drills import Drills
    from shared.enrichment.enrichment import Enrichment
    from shared.enrichment.inquiries import Inquiry
    from shared.enrichment.tagging import ResourceTags
    from shared.hearing import Hearing
    from shared.heartbeat import Beating
    from shared.ingest import Ingest
    from shared.live_policy import Fetch, Live, LivePolicy
    from shared.model.alert import AlertRow
    from shared.model.rest import Rest
    from shared.model.silence import Silence
    from shared.noise import Noise
    from shared.oncall.policy import OnCall
    from shared.oncall.roster import Roster
    from shared.reconcile_source import ReconcileSource
    from shared.regrouping import Regrouping
    from shared.respond import Respond
    from shared.retention import Retention
    from shared.senders import Senders
    from shared.settings import Settings
    from shared.silences import Silences
    from shared.staff import Staff
    from shared.store.ports import Blobs
    from shared.tick import Tick
    from shared.ticketing import Ticketing
    from shared.triage.policy import Policy

# A page of a list is megabytes, and nobody's lease runs while it is read.
LIST_TIMEOUT_S = 60.0

_T = TypeVar("_T")


def utc_now() -> datetime:
    """The clock of the running app."""
    return datetime.now(UTC)


class App:
    """The app of one process. Every method gives the same object each time.

    All raise SettingsError, listing what is wrong, and StoreUnavailable.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._given = settings
        self._clock = clock
        self._http = HttpClient()
        self._lists = HttpClient(
            read_timeout_s=LIST_TIMEOUT_S, whole_timeout_s=LIST_TIMEOUT_S
        )
        self._built: dict[str, Any] = {}
        self._lock = asyncio.Lock()

    @property
    def clock(self) -> Callable[[], datetime]:
        """The clock everything here goes by."""
        return self._clock

    async def settings(self) -> Settings:
        """The environment as it was at first use."""

        async def build() -> Settings:
            return self._given or environment.from_environment()

        return await self._once("settings", build)

    async def policy(self) -> Policy:
        """The deployed policy."""
        return (await self._deployed()).policy

    async def live_policy(self) -> Live:
        """The parts of the policy that may change, as they are in force now.

        Cheap: nothing is read again within the minute.
        """
        settings, deployed = await self.settings(), await self._deployed()
        blobs = (await self.storage()).blobs if settings.policy_blob else None

        async def build() -> LivePolicy:
            from shared.live_policy import LivePolicy

            return LivePolicy(
                deployed.policy,
                deployed.text,
                clock=self._clock,
                fetch=self._policy_blob(settings),
                blobs=blobs,
            )

        return await (await self._once("live_policy", build))()

    def _policy_blob(self, settings: Settings) -> Fetch | None:
        if not settings.policy_blob:
            return None
        from shared.clouds.policy_blob import PolicyBlob

        self._built["policy_blob"] = blob = PolicyBlob(settings)
        return blob

    async def _deployed(self) -> Deployed:
        found = await self.settings()

        async def build() -> Deployed:
            from shared.triage import policy as policies

            try:
                text = await asyncio.to_thread(found.policy.read_bytes)
            except OSError as error:
                problem = f"FIREWATCH_POLICY: cannot read it: {error.strerror}"
                raise SettingsError([problem]) from None
            return Deployed(policies.load(text, name=found.policy.name), text)

        return await self._once("policy", build)

    async def storage(self) -> Storage:
        """The storage account, opened."""
        found = await self.settings()

        async def build() -> Storage:
            from shared.clouds.storage import Storage

            return await Storage(found, self._clock).open()

        return await self._once("storage", build)

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
            from shared.escalating import Escalating
            from shared.gathering import Gathering
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

    async def containing(self) -> Containing:
        """What works out what is to be done to contain an incident."""
        settings, storage = await self.settings(), await self.storage()
        staff, terms = await self.staff(), await self.terms()
        approving, stopping = await self.approving(), await self.stopping()
        noise = await self.noise()
        token = (await self.credentials()).token

        async def build() -> Containing:
            from shared.clouds.remotes import remotes
            from shared.containment.containing import Containing
            from shared.containment.doing import Doing
            from shared.containment.judging import Judging
            from shared.containment.planning import Planning
            from shared.containment.targets import Targets

            arm = remotes(settings, http=self._http, token=token).arm
            planning = Planning(storage.ledger, terms, self.reads(arm))
            targets = Targets(storage.ledger, lease=settings.lease)
            return Containing(
                storage.ledger,
                terms,
                planning,
                Judging(
                    storage.ledger,
                    terms,
                    planning,
                    stopping,
                    approved=approving.holds,
                    say=noise.say,
                ),
                Doing(storage.ledger, targets, stopping, staff.doer, noise.say),
                claims_last=settings.lease,
            )

        return await self._once("containing", build)

    def reads(self, arm: Rest) -> Reads:
        """What guards are read from."""
        from shared.containment.owners import Owners
        from shared.containment.planning import Reads
        from shared.containment.rights import Rights

        owners, rights = Owners(arm, self._clock), Rights(arm, self._clock)
        return Reads(owners.confirm, owners.tags, rights.lacking)

    async def terms(self) -> Terms:
        """What the deployment lets Firewatch do."""
        settings, policy = await self.settings(), await self.policy()
        staff, approving = await self.staff(), await self.approving()

        async def build() -> Terms:
            from shared.actions.containment import Rules as ContainRules
            from shared.containment.planning import Terms

            return Terms(
                ContainRules(policy.contain),
                policy.guards,
                staff.doers,
                can_ask=settings.easy_auth
                and approving.is_possible
                and bool(policy.guards.approvers),
                own=(settings.own_group,) if settings.own_group else (),
            )

        return await self._once("terms", build)

    async def unarmed(self) -> dict[str, str]:
        """Why a doer does nothing by itself, by name; those that may are left out."""
        from shared.containment.needs import unarmed

        settings, policy = await self.settings(), await self.policy()
        can_sign = (await self.approving()).is_possible
        found = {
            name: unarmed(
                policy, name, can_sign_in=settings.easy_auth, can_sign=can_sign
            )
            for name in (await self.staff()).doers
        }
        return {name: why for name, why in found.items() if why}

    async def approving(self) -> Approving:
        """What signs approvals."""
        settings = await self.settings()

        async def build() -> Approving:
            from shared.answers import keys
            from shared.containment.approving import Approving

            found, _ = keys.read(settings.link_key, settings.link_key_previous)
            return Approving(found)

        return await self._once("approving", build)

    async def stopping(self) -> Stopping:
        """The switch that keeps everything from being begun."""
        storage = await self.storage()

        async def build() -> Stopping:
            from shared.containment.stopping import Stopping

            return Stopping(storage.ledger)

        return await self._once("stopping", build)

    async def deciding(self) -> Deciding:
        """What a person can say about deeds."""
        storage, policy = await self.storage(), await self.policy()
        approving = await self.approving()

        async def build() -> Deciding:
            from shared.containment.deciding import Deciding

            return Deciding(
                storage.ledger, storage.queue, approving, lasts=policy.guards.approval
            )

        return await self._once("deciding", build)

    async def _tagging(self) -> ResourceTags:
        """What knows the tags of resources; it asks nobody before a tag matters."""
        settings, policy = await self.settings(), await self.policy()
        credentials, noise = await self.credentials(), await self.noise()

        async def names() -> frozenset[str]:
            return await noise.tags((await self.live_policy()).routes)

        async def build() -> ResourceTags:
            from shared.clouds.arm import Arm
            from shared.clouds.resource_graph import ResourceGraph
            from shared.enrichment.tagging import ResourceTags
            from shared.enrichment.tags import Tags

            arm = Arm(settings.arm_url, http=self._http, token=credentials.token)
            return ResourceTags(
                Tags(ResourceGraph(arm).tags, clock=self._clock),
                critical=policy.risk.critical_tags
                if policy.risk.critical_asset
                else (),
                names=names,
            )

        return await self._once("tagging", build)

    async def rules(self) -> Rules:
        """The routes as they are now."""
        from shared.actions.routing import Routing, Rules

        live = await self.live_policy()
        routing = Routing(live.routes)
        return Rules(
            routing, live.hash, routing.escalations, live.on_call, routing.label
        )

    async def _who(self, schedule: str, at: datetime) -> Sequence[str]:
        return await (await self.roster()).who(schedule, at)

    async def silences(self) -> Silences:
        """Silences of the policy and of people."""
        storage = await self.storage()

        async def of_policy() -> Sequence[Silence]:
            return (await self.live_policy()).suppress

        async def build() -> Silences:
            from shared.silences import Silences

            return Silences(storage.ledger, storage.queue, of_policy=of_policy)

        return await self._once("silences", build)

    async def noise(self) -> Noise:
        """What keeps notices back."""
        policy, storage = await self.policy(), await self.storage()
        silences = await self.silences()

        async def build() -> Noise:
            from shared.noise import Noise

            return Noise(
                storage.ledger,
                storage.queue,
                silences,
                storm=policy.storm,
                limits=policy.limits,
                caps=policy.correlate,
            )

        return await self._once("noise", build)

    async def staff(self) -> Staff:
        """The responders of the policy, and what is wrong with some of them."""
        settings, policy = await self.settings(), await self.policy()
        credentials = await self.credentials()

        async def alerts(incident: str) -> Sequence[AlertRow]:
            from shared.store import reading

            return await reading.alerts_by((await self.storage()).ledger, incident)

        async def blobs() -> Blobs:
            return (await self.storage()).blobs

        async def build() -> Staff:
            from shared.clouds.outlets import Opened
            from shared.staff import staffed
            from shared.store.kept import Keeper

            opened = Opened(credentials.of_sdk, own=settings.hub)
            self._built["outlets"] = opened
            return staffed(
                policy,
                settings,
                self._http,
                self._clock,
                credentials.token,
                outlets=opened.outlets,
                kept=Keeper(blobs),
                alerts=alerts,
            )

        return await self._once("staff", build)

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

    async def heartbeat(self) -> Beating | None:
        """What sends signs of life; None where the policy wants none."""
        settings, plan = await self.settings(), (await self.policy()).heartbeat
        if plan is None:
            return None

        async def build() -> Beating:
            from shared.heartbeat import Beating

            return Beating(plan, secret=settings.secret, http=self._http)

        return await self._once("heartbeat", build)

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

    async def enrichment(self) -> Enrichment:
        """What asks Log Analytics; one for the process, as its limits are."""
        settings, policy = await self.settings(), await self.policy()
        credentials = await self.credentials()

        async def build() -> Enrichment:
            from shared.clouds.arm import Arm
            from shared.clouds.diagnostic_settings import DiagnosticSettings
            from shared.clouds.log_analytics import LogAnalytics
            from shared.enrichment.enrichment import Enrichment
            from shared.enrichment.runner import Runner
            from shared.enrichment.workspaces import WorkspacesOf

            arm = Arm(settings.arm_url, http=self._http, token=credentials.token)
            logs = LogAnalytics(settings.logs_url, token=credentials.token)
            self._built["logs"] = logs
            return Enrichment(
                Runner(logs, clock=self._clock),
                WorkspacesOf(
                    policy.workspaces,
                    discover=DiagnosticSettings(arm),
                    clock=self._clock,
                ),
                not policy.workspaces.are_none,
            )

        return await self._once("enrichment", build)

    async def audit_posture(self) -> AuditPosture:
        """What looks at logs and detection each day."""
        settings, policy = await self.settings(), await self.policy()
        storage, noise = await self.storage(), await self.noise()
        token = (await self.credentials()).token

        async def build() -> AuditPosture:
            from shared.audit_posture import AuditPosture, wanted_of
            from shared.clouds.arm import Arm
            from shared.clouds.log_analytics import LogAnalytics
            from shared.clouds.resource_graph import ResourceGraph
            from shared.clouds.rest import RestClient
            from shared.posture.look import Sides

            logs = LogAnalytics(settings.logs_url, token=token)
            self._built["posture_logs"] = logs
            side, url = "Azure Resource Manager", settings.arm_url
            return AuditPosture(
                Sides(
                    RestClient(side, url, http=self._lists, token=token),
                    ResourceGraph(Arm(url, http=self._lists, token=token)),
                    logs,
                ),
                storage.ledger,
                storage.blobs,
                wanted=(lambda now: wanted_of(policy, hub=settings.hub, now=now))
                if policy.posture
                else None,
                say=noise.say,
                clock=self._clock,
                quiet=policy.correlate.quiet,
            )

        return await self._once("audit_posture", build)

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

    async def credentials(self) -> Credentials:
        """Who the app is to the APIs of Azure."""
        settings = await self.settings()

        async def build() -> Credentials:
            from shared.clouds.credentials import Credentials

            return Credentials(settings.client_id)

        return await self._once("credentials", build)

    async def links(self) -> Links:
        """What messages can be answered by; it offers none where that is not set up."""
        settings = await self.settings()

        async def build() -> Links:
            from shared.answers import keys
            from shared.answers.links import Links

            found, problems = keys.read(settings.link_key, settings.link_key_previous)
            if found is not None and not settings.public_url:
                problems.append(
                    "FIREWATCH_PUBLIC_URL: is missing, so no link is offered"
                )
            return Links(
                found,
                settings.public_url,
                self._clock,
                sign_in=settings.easy_auth,
                problems=tuple(problems),
            )

        return await self._once("links", build)

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

    async def listeners(self) -> Listeners:
        """The responders whose sides may call back."""
        settings, policy = await self.settings(), await self.policy()

        async def build() -> Listeners:
            from shared.answers.sides import listeners

            return listeners(policy.responders, settings.secret)

        return await self._once("listeners", build)

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

    async def roster(self) -> Roster:
        """Who is on call."""
        settings, storage = await self.settings(), await self.storage()

        async def on_call() -> OnCall:
            return (await self.live_policy()).on_call

        async def build() -> Roster:
            from shared.oncall.feeds import Feeds, fetch_by
            from shared.oncall.roster import Roster
            from shared.oncall.source import Ports

            ports = Ports(fetch_by(self._http), self._clock, storage.blobs)
            return Roster(on_call, Feeds(ports, secret=settings.secret))

        return await self._once("roster", build)

    async def senders(self) -> Senders:
        """Who may send webhooks."""
        settings, policy = await self.settings(), await self.policy()

        async def build() -> Senders:
            from shared.senders import Senders

            return Senders(
                policy.senders,
                secret=settings.secret,
                http=self._http,
                clock=self._clock,
            )

        return await self._once("senders", build)

    async def close(self) -> None:
        """Close what was opened."""
        if "storage" in self._built:
            await self._built["storage"].close()
        for name in ("logs", "posture_logs", "credentials", "policy_blob", "outlets"):
            if name in self._built:
                await self._built[name].close()
        await self._http.close()
        await self._lists.close()
        self._built.clear()

    async def _once(self, name: str, build: Callable[[], Awaitable[_T]]) -> _T:
        if name not in self._built:
            async with self._lock:
                if name not in self._built:
                    self._built[name] = await build()
        found: _T = self._built[name]
        return found


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


class Deployed(NamedTuple):
    """The policy of the deployment, and the text that it was read from."""

    policy: Policy
    text: bytes
