"""What plans, guards, does and takes back what contains an incident."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.wiring.people import People

if TYPE_CHECKING:
    from shared.containment.approving import Approving
    from shared.containment.containing import Containing
    from shared.containment.deciding import Deciding
    from shared.containment.planning import Reads, Terms
    from shared.containment.stopping import Stopping
    from shared.model.rest import Rest


class Containment(People):
    """Deeds, and what a person says of them."""

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
            from shared.containment.itself import Itself
            from shared.containment.judging import Judging
            from shared.containment.planning import Planning
            from shared.containment.tagging import Tagging
            from shared.containment.targets import Targets

            arm = remotes(settings, http=self._http, token=token).arm
            reads = self.reads(arm)._replace(
                itself=Itself(token, f"{settings.arm_url}/.default")
            )
            planning = Planning(storage.ledger, terms, reads)
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
                Doing(
                    storage.ledger,
                    targets,
                    stopping,
                    staff.doer,
                    say=noise.say,
                    tagging=Tagging(arm),
                ),
                claims_last=settings.lease,
            )

        return await self._once("containing", build)

    def reads(self, arm: Rest) -> Reads:
        """What guards are read from."""
        from shared.containment.groups import Groups
        from shared.containment.owners import Owners
        from shared.containment.planning import Reads
        from shared.containment.rights import Rights

        owners, rights = Owners(arm, self._clock), Rights(arm, self._clock)
        return Reads(owners.confirm, owners.tags, rights.lacking, groups=Groups(arm))

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
