"""What a workspace lacks or refuses is not asked for over and over."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

from shared.model.evidence import EvidenceStatus, Lack
from tests.fakes.logs import (
    OTHER,
    WORKSPACE,
    FakeLogs,
    an_ask,
    asks,
    refused,
    rows,
)
from tests.fakes.loop import in_virtual_time

if TYPE_CHECKING:
    import pytest

    from shared.model.evidence import Evidence

from tests.unit.enrichment.running import DEADLINE, a_runner


class TestRefusals:
    """What a workspace will not answer for a while."""

    def test_a_missing_table_is_not_asked_for_again_within_the_hour(self) -> None:
        """Neither by the query that missed it nor by another one of that table alone."""
        logs = FakeLogs()
        missing = refused(Lack.MISSING_TABLE, table="AzureActivity")
        logs.will(missing, missing, query="one")

        async def scenario() -> list[str]:
            run = a_runner(logs)

            async def ask(name: str, *tables: str) -> str:
                asked = an_ask(name, tables=tables)
                [found] = await run([asked], [WORKSPACE], deadline=DEADLINE)
                return found.reason

            found = [await ask("one", "AzureActivity", "AuditLogs")]
            found.append(await ask("one", "AzureActivity", "AuditLogs"))
            found.append(await ask("two", "AzureActivity"))
            found.append(await ask("three", "AzureActivity", "AuditLogs"))
            await asyncio.sleep(3_600)
            found.append(await ask("one", "AzureActivity", "AuditLogs"))
            return found

        reasons = in_virtual_time(scenario())

        lack = Lack.MISSING_TABLE
        assert reasons == [lack, lack, lack, "", lack]
        assert [each.query for each in logs.asked] == ["one", "three", "one"]

    def test_it_is_missing_in_that_workspace_alone(self) -> None:
        """Another one may have it."""
        logs = FakeLogs()
        logs.will(refused(Lack.MISSING_TABLE, table="AzureActivity"))

        async def scenario() -> list[Evidence]:
            run = a_runner(logs)
            await run([an_ask()], [WORKSPACE], deadline=DEADLINE)
            return await run([an_ask()], [OTHER], deadline=DEADLINE)

        [found] = in_virtual_time(scenario())

        assert found.status is EvidenceStatus.COMPLETE

    def test_a_missing_permission_is_said_once(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Per workspace, however many queries and incidents; again after it was there."""
        logs = FakeLogs()

        async def scenario() -> list[int]:
            run = a_runner(logs)
            said = []
            for answers in (True, True, False, True):
                logs.default = rows("a") if not answers else refused(Lack.FORBIDDEN)
                await run(
                    asks(7), [WORKSPACE], deadline=DEADLINE, most_age=timedelta(0)
                )
                said.append(caplog.text.count("evidence.forbidden"))
                await asyncio.sleep(301)
            return said

        said = in_virtual_time(scenario())

        assert said == [1, 1, 1, 2]
        assert f'workspace="{WORKSPACE}"' in caplog.text

    def test_a_workspace_that_refuses_is_left_alone_for_minutes(self) -> None:
        """The second incident has its answer at once: there is none."""
        logs = FakeLogs(refused(Lack.FORBIDDEN))

        async def scenario() -> list[Evidence]:
            run = a_runner(logs)
            await run([an_ask("one")], [WORKSPACE], deadline=DEADLINE)
            return await run([an_ask("two")], [WORKSPACE], deadline=DEADLINE)

        [found] = in_virtual_time(scenario())

        assert found.reason == Lack.FORBIDDEN
        assert len(logs.asked) == 1
