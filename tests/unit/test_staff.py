"""The responders of a policy, and those that cannot work."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from shared import settings, staff
from shared.clouds.http import HttpClient
from shared.model.action import Kind
from shared.model.errors import TransientFailure
from shared.triage import policy as policies
from tests.factories import make_incident
from tests.fakes.outlets import FakeOutlets
from tests.fakes.ports import FakeKept

POLICY = b"""
responders:
  tickets: {use: jira, url: "https://contoso.atlassian.net", user: a@contoso.com,
            token: {setting: TOKEN}, project: "not a key"}
routes: [{to: [tickets]}]
"""


async def test_a_tracker_with_wrong_settings_plans_tickets_that_wait() -> None:
    """Once they are mended, what was planned is the ticket that it is read by."""

    async def token(_scope: str) -> str:
        raise AssertionError("nobody signs in")

    built = staff.staffed(
        policies.load(POLICY),
        settings.from_environment(
            {"AzureWebJobsStorage": "UseDevelopmentStorage=true", "TOKEN": "x"}
        ),
        HttpClient(),
        lambda: datetime(2026, 11, 23, tzinfo=UTC),
        token,
        outlets=FakeOutlets().outlets,
        kept=FakeKept(),
    )

    assert built.problems == (
        "responders.tickets.project: expected the key of a project, such as SEC",
    )
    tickets = built.responders["tickets"]
    [action] = await tickets.plan(make_incident())
    assert action.kind is Kind.TICKET
    with pytest.raises(TransientFailure):
        await tickets.apply(action)
