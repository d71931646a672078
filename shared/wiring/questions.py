"""What asks about logs, tags and settings of the estate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.wiring.people import People

if TYPE_CHECKING:
    from shared.audit_posture import AuditPosture
    from shared.enrichment.enrichment import Enrichment
    from shared.enrichment.tagging import ResourceTags


class Questions(People):
    """Questions about incidents, and the audit of each day."""

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
