"""policy.yaml, and every way it can be wrong."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.model.errors import SettingsError
from shared.settings import PACKAGED_POLICY
from shared.triage.policy import load

GOOD = """
correlate:
  gap: 5h
  max_age: 1d
  max_problems: 100
responders:
  pager:
    use: pagerduty
    routing_key: {setting: PAGERDUTY_KEY}
routes:
  - match: [severity>=medium, sample=false]
    to: [pager]
    continue: true
  - to: []
senders:
  portal:
    method: key
    secret: {setting: PORTAL_KEY}
    formats: [defender]
"""


def test_a_policy_is_read_whole() -> None:
    """Durations, routes, responders and senders are typed values."""
    policy = load(GOOD.encode())

    assert policy.correlate.gap == timedelta(hours=5)
    assert policy.correlate.max_age == timedelta(days=1)
    assert policy.correlate.max_problems == 100
    assert policy.routes[0].goes_on
    assert policy.routes[0].to == ("pager",)
    assert policy.responders["pager"]["use"] == "pagerduty"
    assert policy.senders["portal"].formats == ("defender",)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("30m", 1800), ("5h", 18_000), (" 2 d ", 172_800)],
)
def test_durations_have_a_unit(text: str, seconds: int) -> None:
    """Seconds, minutes, hours and days."""
    found = load(GOOD.replace("5h", f"'{text}'").encode())

    assert found.correlate.gap == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("gap: 5h", "gap: 5 fortnights", "$.correlate.gap"),
        ("gap: 5h", "gap: 0s", "$.correlate.gap"),
        ("gap: 5h", "gap: -5h", "$.correlate.gap"),
        ("max_age: 1d", "max_age: 0s", "$.correlate.max_age"),
        ("max_problems: 100", "max_problems: 0", "$.correlate.max_problems"),
        ("max_problems: 100", "most_problems: 1", "most_problems"),
        ("to: [pager]", "to: [nobody]", "no responder is named nobody"),
        ("to: [pager]", "to: pager", "$.routes"),
        ("severity>=medium", "severity>=grave", "$.routes[0].match[0]"),
        ("sample=false", "colour=red", "$.routes[0].match[1]"),
        ("method: key", "method: hope", "method"),
        ("[defender]", "[defender, sentinel]", "$.senders.portal.formats[1]"),
        ("[defender]", "[Defender]", "no format is named Defender; expected one of"),
        ("  pager:", "  'p/ager':", "$.responders"),
        ("  portal:", "  'por#tal':", "$.senders"),
    ],
)
def test_every_mistake_is_named_with_its_path(old: str, new: str, said: str) -> None:
    """The error says where, and what was expected."""
    with pytest.raises(SettingsError) as caught:
        load(GOOD.replace(old, new).encode())

    assert said in str(caught.value)


def test_all_mistakes_are_named_at_once() -> None:
    """Nobody fixes a file one error at a time."""
    text = GOOD.replace("to: [pager]", "to: [a, b]").replace("sample=false", "x")

    with pytest.raises(SettingsError) as caught:
        load(text.encode())

    assert len(caught.value.problems) == 3


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"null",
        b"routes: []",
        b"routes: [{to: []}]",
        b"{",
        b"\xff\xfe\x00",
        b"a: &a [*a]",
        b"!!python/object/apply:os.system ['true']",
    ],
)
def test_what_is_no_policy_is_a_settings_error(text: bytes) -> None:
    """Whatever the file holds, nothing else is raised and nothing runs."""
    with pytest.raises(SettingsError):
        load(text)


def test_without_routes_there_is_no_policy() -> None:
    """An app that tells nobody anything is a mistake."""
    with pytest.raises(SettingsError, match="at least one route"):
        load(b"responders: {}\nroutes: []")


def test_the_packaged_policy_loads() -> None:
    """What ships with the app is no mistake."""
    if PACKAGED_POLICY.exists():
        assert load(PACKAGED_POLICY.read_bytes()).routes
