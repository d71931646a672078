"""policy.yaml, and every way it can be wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from shared.model.errors import SettingsError
from shared.model.silence import Mode, Silence
from shared.model.workspaces import Access, Topology
from shared.settings import PACKAGED_POLICY
from shared.triage import policy as policies
from shared.triage.policy import load, warnings

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

SMALLEST = "responders: {}\nroutes: [{to: []}]"
WORKSPACE = "0b1f6471-1bf0-4dda-aec3-cb9272f09590"


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
        ("method: key", "method: hope", "$.senders.portal.method: expected one of"),
        ("[defender]", "[defender, sentinel]", "$.senders.portal.formats[1]"),
        ("[defender]", "[Defender]", "no format is named Defender; expected one of"),
        ("  pager:", "  'p/ager':", "$.responders.<key 1>: expected 1 to 40"),
        ("  portal:", "  'por#tal':", "$.senders.<key 1>"),
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


# As many kinds of mistake as there are lines; each is said where it stands.
MISTAKEN = """\
correlate:
  gap: 5 fortnights
  max_problms: 10
  never_group: {addresses: [10.0.0.1/8]}
colour: red
responders:
  on-call: {use: pagerduty}
routes:
  - to: [on-cal]
  - to: on-call
  - {to: [on-call], match: [colour=red]}
  - {to: [on-call], match: ['alert_type=~"[a"']}
  - {to: [on-call], match: [title>=high]}
  - {to: [on-call], continue: maybe}
  - {to: [on-call], again: [severity]}
  - {to: [on-call], every: 0s}
reconcile:
  subscriptions: [not-a-guid]
senders:
  portal: {method: hope}
  soar: {method: key, secret: hunter2hunter2, formats: [defender]}
  logic: {method: key, secret: {setting: A}, formats: [defendr]}
suppress:
  - {name: pentest, match: [host=a], reason: r, owner: o}
  - {name: pentest, match: [], reason: r, owner: o, until: 2026-12-01T00:00:00Z}
  - {name: nozone, match: [host=a], reason: r, owner: o, until: 2026-12-01 00:00:00}
  - {name: over, match: [host=a], reason: r, owner: o, until: 2026-12-01T00:00:00Z,
     starts: 2026-12-02T00:00:00+01:00, mode: loud}
storm: {pages: 0}
storm: {pages: 3}
"""


def test_a_policy_with_many_mistakes_prints_as_many_messages() -> None:
    """Each with its path, its line and what was expected; no value is repeated."""
    with pytest.raises(SettingsError) as caught:
        load(MISTAKEN.encode())

    problems = caught.value.problems
    for line, path, said in [
        (2, "correlate.gap", "expected a duration such as 90s"),
        (3, "correlate.max_problms", "did you mean max_problems?"),
        (4, "correlate.never_group.addresses[0]", "expected an address"),
        (
            5,
            "colour",
            "unknown field colour; known are contain, correlate, enrich, guards, heartbeat",
        ),
        (9, "routes[0].to[0]", "no responder is named on-cal; did you mean on-call?"),
        (10, "routes[1].to", "expected a list"),
        (11, "routes[2].match[0]", "unknown field colour"),
        (12, "routes[3].match[0]", "expected a pattern of RE2: missing ]"),
        (13, "routes[4].match[0]", ">= is for severity and risk alone"),
        (14, "routes[5].continue", "expected true or false"),
        (15, "routes[6].again[0]", "expected one of severity_raised"),
        (16, "routes[7].every", "expected a duration above zero"),
        (18, "reconcile.subscriptions[0]", "GUID"),
        (20, "senders.portal.method", "expected one of entra, hmac, key"),
        (21, "senders.soar.secret", "expected a mapping with setting"),
        (22, "senders.logic.formats[0]", "no format is named defendr"),
        (24, "suppress[0].until", "is required"),
        (25, "suppress[1].name", "is the name of another one above"),
        (25, "suppress[1].match", "is empty"),
        (26, "suppress[2].until", "expected a time with its zone"),
        (28, "suppress[3].mode", "expected one of active, monitor"),
        (27, "suppress[3].until", "expected a time after starts"),
        (30, "storm", "is written twice"),
    ]:
        # A line stands for itself or for what it is inside of.
        found = [p for p in problems if p.startswith(f"policy.yaml: $.{path}: ")]
        assert len(found) == 1, path
        assert said in found[0]
        assert found[0].endswith(f" (line {line})"), (path, found[0])
    assert len(problems) == 23
    assert "hunter2" not in str(caught.value)
    assert all(len(problem) < 350 for problem in problems)


@pytest.mark.parametrize(
    ("section", "path", "said"),
    [
        ("{central: [law-shop]}", "central[0]", "a GUID, not its name"),
        ("{topology: everywhere}", "topology", "expected one of central, per_resource"),
        ("{topology: hybrid}", "central", "hybrid needs at least one workspace"),
        ("{access: magic}", "access", "expected one of resource, workspace"),
        (
            f"{{overrides: [{{resource: web01, workspaces: [{WORKSPACE}]}}]}}",
            "overrides[0].resource",
            "expected the id of a resource",
        ),
        (
            f"{{overrides: [{{resource: /subscriptions/{WORKSPACE}, workspaces: []}}]}}",
            "overrides[0].workspaces",
            "is empty",
        ),
        ("{cross_workspace: 1}", "cross_workspace", "expected true or false"),
    ],
)
def test_a_mistake_about_workspaces_is_named(
    section: str, path: str, said: str
) -> None:
    """What an id is, and what goes with which topology."""
    with pytest.raises(SettingsError) as caught:
        load(f"{SMALLEST}\nworkspaces: {section}\n".encode())

    [problem] = caught.value.problems
    assert problem.startswith(f"policy.yaml: $.workspaces.{path}: ")
    assert said in problem


def test_workspaces_are_read_as_they_are_meant() -> None:
    """A topology, and workspaces of a group of resources."""
    found = load(
        f"""{SMALLEST}
workspaces:
  topology: hybrid
  central: [{WORKSPACE}]
  access: workspace
  overrides:
    - {{resource: "/subscriptions/{WORKSPACE}/resourceGroups/x", workspaces: [{WORKSPACE}]}}
""".encode()
    ).workspaces

    assert (found.topology, found.access) == (Topology.HYBRID, Access.WORKSPACE)
    assert found.overrides[0].workspaces == (WORKSPACE,)
    assert not found.are_none
    assert load(SMALLEST.encode()).workspaces.are_none


@pytest.mark.parametrize(
    ("section", "said"),
    [
        (
            f"{{overrides: [{{resource: /subscriptions/{WORKSPACE}, workspaces: [{WORKSPACE}]}}]}}",
            "overrides: is not used",
        ),
        (f"{{topology: per_resource, central: [{WORKSPACE}]}}", "central: is not used"),
    ],
)
def test_workspaces_that_nobody_asks_are_doubted(section: str, said: str) -> None:
    """They are no mistake, but hardly meant."""
    policy = load(f"{SMALLEST}\nworkspaces: {section}\n".encode())

    [found] = warnings(policy, datetime(2026, 12, 1, tzinfo=UTC))

    assert found.startswith(f"$.workspaces.{said}")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{a: 1, b: 2", "policy.yaml: line 2, column 1: did not find"),
        ("a: b\n  c: d", "policy.yaml: line 2, column 4: mapping values"),
        ("a: b\n---\nc: d", "policy.yaml: line 2, column 1: "),
        ("a:\n- !!python/name:os.system x", "policy.yaml: line 2: tags such as"),
        ("? [a]\n: 1", "line 1, column 3: found unhashable key"),
        ("[" * 100_000, "policy.yaml: is deeper than 40 levels"),
        ("a: &a [*a]", "policy.yaml: is too deep or too large"),
        ("a: &a {<<: *a}", "policy.yaml: is too deep or too large"),
        ("#" * 600_000, "policy.yaml: is longer than 512 KiB"),
        ("a: 0x_", "policy.yaml: is not valid YAML"),
    ],
)
def test_what_is_no_yaml_is_said_with_its_place(text: str, said: str) -> None:
    """Line and column, where the parser knows them; nothing kills the process."""
    with pytest.raises(SettingsError) as caught:
        load(text.encode())

    assert said in str(caught.value)


def test_aliases_are_not_multiplied_without_end() -> None:
    """A few lines can stand for more values than there is memory."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]

    with pytest.raises(SettingsError, match="too deep or too large"):
        load("\n".join(lines).encode())


def test_what_is_shared_by_aliases_counts_as_written_out() -> None:
    """Anchors and merge keys are YAML's, and do no harm."""
    text = GOOD.replace("  - to: []\n", "  - &r {to: []}\n  - {<<: *r, name: again}\n")

    policy = load(text.encode())

    assert policy.routes[2].name == "again"
    assert policy.routes[2].to == ()


SILENCE = """
suppress:
  - name: pentest
    match: [host=vm-1]
    reason: the testers come
    owner: red-team@contoso.com
    starts: 2026-12-01T08:00:00+01:00
    until: 2026-12-02T08:00:00Z
    break_through: [severity>=high]
    mode: monitor
    warn: 0s
"""


def test_a_silence_is_read_whole() -> None:
    """Times are aware, in UTC, and the reminder may be left out."""
    (silence,) = load((GOOD + SILENCE).encode()).suppress

    assert silence.name == "pentest"
    assert silence.starts == datetime(2026, 12, 1, 7, tzinfo=UTC)
    assert silence.until == datetime(2026, 12, 2, 8, tzinfo=UTC)
    assert silence.break_through == ("severity>=high",)
    assert silence.mode is Mode.MONITOR
    assert silence.warn == timedelta(0)


@pytest.mark.parametrize(
    "until",
    [
        "2026-12-01",
        "2026-12-01T08:00:00",
        "2026-12-01 08:00",
        "2026-13-45T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "tomorrow",
        "1796112000",
        "null",
        "[]",
    ],
)
def test_a_time_needs_a_zone(until: str) -> None:
    """Nobody is silenced until some midnight or other."""
    text = GOOD + SILENCE.replace("2026-12-02T08:00:00Z", until)

    with pytest.raises(SettingsError, match=r"suppress\[0\].until: expected a time"):
        load(text.encode())


@pytest.mark.parametrize("field", ["name", "match", "reason", "owner", "until"])
def test_a_silence_says_who_why_and_until_when(field: str) -> None:
    """None of these has a default."""
    lines = [line for line in SILENCE.splitlines() if f" {field}: " not in line]
    text = "\n".join(lines).replace("    match", "  - match", field == "name")

    with pytest.raises(SettingsError, match=rf"\$.suppress\[0\].{field}: is required"):
        load((GOOD + text).encode())


def test_quiet_may_be_for_ever() -> None:
    """`null` is a value of its own there, and nowhere else."""
    policy = load(GOOD.replace("gap: 5h", "quiet: null").encode())

    assert policy.correlate.quiet is None
    with pytest.raises(SettingsError, match="expected a duration"):
        load(GOOD.replace("gap: 5h", "gap: null").encode())


def test_a_duration_is_at_most_ten_years() -> None:
    """What is added to a time must leave it one."""
    with pytest.raises(SettingsError, match="at most 3650d"):
        load(GOOD.replace("gap: 5h", "gap: 3651d").encode())


@pytest.mark.parametrize(
    "secret",
    ["{hunter2-hunter2}", "[hunter2-hunter2]", "hunter2-hunter2", "{a: hunter2}"],
)
def test_a_secret_in_the_file_is_not_repeated(secret: str) -> None:
    """Written where its setting should be named, it is a mistake without its text."""
    text = GOOD.replace("{setting: PORTAL_KEY}", secret)

    with pytest.raises(SettingsError, match=r"\$.senders.portal.secret") as caught:
        load(text.encode())

    assert "hunter2" not in str(caught.value)


def test_a_silence_of_a_program_is_read_by_the_same_rules() -> None:
    """`convert` takes plain values, wherever they come from."""
    raw = {"name": "a", "match": ["host=x", "x"], "reason": "r", "owner": "o"}

    found, problems = policies.convert(raw, Silence)

    assert found is None
    assert {problem.path for problem in problems} == {"$.match[1]", "$.until"}


class TestWarnings:
    def test_a_silence_that_is_over_is_no_mistake(self) -> None:
        """The policy loads, and says so."""
        policy = load((GOOD + SILENCE).encode())
        end = datetime(2026, 12, 2, 8, tzinfo=UTC)

        assert warnings(policy, end - timedelta(seconds=1)) == []
        (said,) = warnings(policy, end)
        assert said.startswith("$.suppress[0] (pentest): is over since 2026-12-02T08")

    def test_whoever_forwards_is_called_in_vain(self) -> None:
        """A copy in a SIEM wakes nobody."""
        text = (
            "responders: {pager: {use: pagerduty}, siem: {use: splunk}}\n"
            "routes: [{to: [pager, siem], escalate: soc}]\n"
            "on_call:\n  fallback: [siem]\n"
            "  escalations: {soc: {steps: [{to: [pager]}, {to: [siem], after: 10m}]}}\n"
        )

        found = warnings(load(text.encode()), datetime(2026, 12, 1, tzinfo=UTC))

        assert found == [
            "$.on_call.escalations.soc.steps[1].to: siem forwards, and tells nobody",
            "$.on_call.fallback: siem forwards, and tells nobody",
        ]

    @pytest.mark.parametrize(
        ("routes", "said"),
        [
            ("[{to: [pager]}, {to: []}]", "$.routes[1]: is never reached, since"),
            ("[{to: []}]", "$.responders.pager: no route and nobody on call names it"),
        ],
    )
    def test_what_has_no_effect_is_said(self, routes: str, said: str) -> None:
        """It is hardly what was meant."""
        text = GOOD[: GOOD.index("routes:")] + f"routes: {routes}"

        (found,) = warnings(load(text.encode()), datetime(2026, 12, 1, tzinfo=UTC))

        assert found.startswith(said)

    def test_tags_that_are_worth_nothing_are_said(self) -> None:
        """Nobody asks for them then."""
        text = GOOD + "risk: {critical_asset: 0, critical_tags: [env=prod]}"

        (found,) = warnings(load(text.encode()), datetime(2026, 12, 1, tzinfo=UTC))

        assert found.startswith("$.risk.critical_tags")


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
