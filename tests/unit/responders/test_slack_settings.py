"""What is wrong with the settings of Slack is said at start."""

from __future__ import annotations

from typing import Any

import pytest

from responders.slack import Slack
from shared.model.errors import (
    SettingsError,
)
from shared.model.secret import SecretRef
from tests.fakes.http import FakeHttp
from tests.fakes.ports import make_ports
from tests.unit.responders.slack import CHANNEL, SECRETS, TOKEN


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ({}, "responders.soc: expected one of url and token"),
        (
            {"url": SecretRef("HOOK"), "token": SecretRef("BOT"), "channel": CHANNEL},
            "responders.soc: expected one of url and token",
        ),
        (
            {"url": SecretRef("HOOK"), "channel": CHANNEL},
            "responders.soc.channel: a webhook has its channel",
        ),
        (
            {"url": SecretRef("BOT")},
            "responders.soc.url: the setting BOT ",
        ),
        (
            {"token": SecretRef("HOOK"), "channel": CHANNEL},
            "responders.soc.token: the setting HOOK does not hold a token",
        ),
        (
            {"token": SecretRef("BOT")},
            "responders.soc.channel: expected an id, such as C0123456789",
        ),
        (
            {"token": SecretRef("BOT"), "channel": "#soc"},
            "responders.soc.channel: expected an id, such as C0123456789",
        ),
        (
            {"token": SecretRef("BOT"), "channel": CHANNEL, "api": "http://x.example"},
            "responders.soc.api must begin with https://",
        ),
    ],
)
def test_what_is_wrong_is_said_at_start(config: dict[str, Any], problem: str) -> None:
    """It names the setting, never what is in it."""
    with pytest.raises(SettingsError) as caught:
        Slack("soc", Slack.Config(**config), make_ports(FakeHttp(), SECRETS))

    [said] = caught.value.problems
    assert said.startswith(problem)
    assert not any(secret in said for secret in SECRETS.values())


@pytest.mark.parametrize("token", ["xoxb-1-2-x", "xoxe.xoxb-1-x", "xoxp-1-x"])
def test_tokens_of_all_forms_are_taken(token: str) -> None:
    """Those of bots, those that expire, and those of users."""
    ports = make_ports(FakeHttp(), {"BOT": token})

    Slack("soc", Slack.Config(token=SecretRef("BOT"), channel=CHANNEL), ports)


@pytest.mark.parametrize(
    "token", ["", "xoxb-", "xoxb-1\n", "xoxb-1 x", "Bearer xoxb-1"]
)
def test_a_token_that_is_none_is_said_at_start(token: str) -> None:
    """Before it breaks a header."""
    ports = make_ports(FakeHttp(), {"BOT": token})

    with pytest.raises(SettingsError):
        Slack("soc", Slack.Config(token=SecretRef("BOT"), channel=CHANNEL), ports)


def test_a_secret_for_callbacks_is_not_needed_to_tell_people() -> None:
    """Who has not put it there yet is paged all the same."""
    ports = make_ports(FakeHttp(), {"BOT": TOKEN})
    config = Slack.Config(
        token=SecretRef("BOT"), channel=CHANNEL, callback_secret=SecretRef("ABSENT")
    )

    assert Slack("soc", config, ports).name == "soc"
