"""Who is told and asked, who may ask, and what keeps people from being told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.wiring.parts import Parts

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from shared.actions.routing import Rules
    from shared.answers.links import Links
    from shared.answers.sides import Listeners
    from shared.heartbeat import Beating
    from shared.model.alert import AlertRow
    from shared.model.silence import Silence
    from shared.noise import Noise
    from shared.oncall.policy import OnCall
    from shared.oncall.roster import Roster
    from shared.senders import Senders
    from shared.silences import Silences
    from shared.staff import Staff
    from shared.store.ports import Blobs


class People(Parts):
    """Responders, on call, silences, links and senders."""

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

    async def listeners(self) -> Listeners:
        """The responders whose sides may call back."""
        settings, policy = await self.settings(), await self.policy()

        async def build() -> Listeners:
            from shared.answers.sides import listeners

            return listeners(policy.responders, settings.secret)

        return await self._once("listeners", build)

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

    async def heartbeat(self) -> Beating | None:
        """What sends signs of life; None where the policy wants none."""
        settings, plan = await self.settings(), (await self.policy()).heartbeat
        if plan is None:
            return None

        async def build() -> Beating:
            from shared.heartbeat import Beating

            return Beating(plan, secret=settings.secret, http=self._http)

        return await self._once("heartbeat", build)
