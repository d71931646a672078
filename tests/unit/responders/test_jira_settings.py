"""Settings of Jira, as a policy has them."""

from __future__ import annotations

import pytest

from responders.jira import Jira
from shared.model.errors import (
    SettingsError,
)
from shared.triage import policy
from tests.fakes.http import FakeHttp
from tests.unit.responders.jira import SETTINGS, make_jira


def test_every_mistake_is_named_at_once() -> None:
    """Each with its path, and no value of it."""
    with pytest.raises(SettingsError) as caught:
        make_jira(
            FakeHttp(),
            url="http://contoso.example",
            user="",
            project='SEC" OR project = "HR',
            labels=["two words"],
            fields={"summary": "mine"},
        )

    assert [problem.split(":")[0] for problem in caught.value.problems] == [
        "responders.tickets.url must begin with https",
        "responders.tickets.project",
        "responders.tickets.user",
        "responders.tickets.labels",
        "responders.tickets.fields",
    ]


def test_settings_are_read_as_a_policy_has_them() -> None:
    """A state is said by its name, or by whether there is to be one."""
    good = SETTINGS | {"close": True, "progress": "In Progress"}
    config, problems = policy.convert(good, Jira.Config)
    assert config is not None, problems
    assert (config.close, config.progress) == (True, "In Progress")

    bad = SETTINGS | {"close": 31, "acknowledges": "assignee"}
    _, problems = policy.convert(bad, Jira.Config)
    assert [*map(str, problems)] == [
        "$.close: expected true or false, or expected a text; put it in quotes",
        "$.acknowledges: expected one of owner, progress, never",
    ]
