"""Examples in the documents work."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from shared import settings, sources, staff
from shared.clouds.credentials import Credentials
from shared.clouds.http import HttpClient
from shared.clouds.outlets import Opened
from shared.model.guards import DOES
from shared.senders import Senders
from shared.triage import policy
from tests.fakes.ports import FakeKept
from tests.meta.documents import Example, examples
from tests.meta.source_tree import ROOT

# What the examples leave for their reader to fill in.
PLACEHOLDERS = {
    "<tenant id>": "0b1f6471-1bf0-4dda-aec3-cb9272f09590",
    "<client id>": "11111111-1bf0-4dda-aec3-cb9272f09590",
    "<application id>": "22222222-1bf0-4dda-aec3-cb9272f09590",
}
# A secret that each kind takes for one.
SECRETS = {
    "arcsight": "a certificate and its key",
    "boards": "a personal access token",
    "event-hub": "Endpoint=sb://x/;SharedAccessKeyName=a;SharedAccessKey=b",
    "jira": "an API token",
    "jsm": "01234567-89ab-cdef-0123-456789abcdef",
    "pagerduty": "0123456789abcdef0123456789abcdef",
    "servicenow": "a password",
    "slack": "xoxb-0123-abcdef",
    "splunk": "0b1f6471-1bf0-4dda-aec3-cb9272f09590",
    "teams": "https://prod-01.westeurope.logic.azure.com:443/workflows/0123?sig=x",
    "webhook": "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
}


@pytest.mark.parametrize("example", examples("yaml"), ids=str)
def test_examples_of_policies_load(example: Example) -> None:
    """Each YAML example, made whole where it is a part, is a policy the app runs with."""
    text = example.text
    for placeholder, value in PLACEHOLDERS.items():
        text = text.replace(placeholder, value)

    found = policy.load(msgspec.json.encode(_whole(msgspec.yaml.decode(text))))

    _build(found)


def test_the_packaged_policy_loads() -> None:
    """The policy that is deployed is one the app runs with."""
    _build(policy.load((ROOT / "policy.yaml").read_bytes()))


def _whole(raw: dict[str, Any]) -> dict[str, Any]:
    """A policy of what an example shows of one."""
    given = raw.get("responders", {})
    tell = [name for name, settings in given.items() if settings["use"] not in DOES]
    routes = raw.get("routes") or [{"to": tell or ["soc"]}]
    named = {name for route in routes for name in route.get("to", [])}
    stand_in = {
        "use": "webhook",
        "url": "https://soc.example.com/",
        "secret": {"setting": "SOC_WEBHOOK_SECRET"},
    }
    stand_ins = {} if tell else dict.fromkeys(sorted(named), stand_in)
    responders = {**given, **stand_ins}
    return {**raw, "routes": routes, "responders": responders}


def _build(found: policy.Policy) -> None:
    """Make responders and senders as the app does, with secrets of the right form."""
    values = {"AzureWebJobsStorage": "UseDevelopmentStorage=true"}
    for given in found.responders.values():
        for value in given.values():
            if isinstance(value, dict) and value.keys() == {"setting"}:
                values[value["setting"]] = SECRETS[given["use"]]
    for sender in found.senders.values():
        for field in ("secret", "previous"):
            reference = getattr(sender, field, None)
            if reference is not None:
                values[reference.setting] = "0123456789abcdef"
    made = settings.from_environment(values)

    def clock() -> datetime:
        return datetime(2026, 11, 23, tzinfo=UTC)

    token = Credentials("").token
    built = staff.staffed(
        found,
        made,
        HttpClient(),
        clock,
        token,
        outlets=Opened(Credentials("").of_sdk).outlets,
        kept=FakeKept(),
    )
    assert not built.problems
    Senders(found.senders, secret=made.secret, http=HttpClient(), clock=clock)
    known = {form.name for form in sources.FORMATS}
    for sender in found.senders.values():
        assert {*sender.formats} <= known


@pytest.mark.parametrize("example", examples("json"), ids=str)
def test_examples_in_json_are_json(example: Example) -> None:
    """Each JSON example can be read, and books in it balance."""
    found = json.loads(example.text)

    counts = found.get("books", found)
    if "received" in counts:
        parts = {k: v for k, v in counts.items() if k not in {"received", "suppressed"}}
        assert counts["received"] == sum(parts.values())
