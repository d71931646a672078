"""One test of an incident: how it is written, and whom it fits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.actions.matchers import (
    FIELDS,
    LONGEST,
    Matcher,
    Operator,
    all_fit,
    all_may_fit,
    parse,
    parse_of_silence,
    tags_in,
)
from shared.model.alert import Severity
from shared.model.incident import MOST_RESOURCES
from shared.model.risk import Risk
from tests.factories import SUBSCRIPTION, VM, make_incident, make_problem

if TYPE_CHECKING:
    from shared.model.incident import Incident

DATABASE = (
    f"/subscriptions/{SUBSCRIPTION}/resourcegroups/data/providers/microsoft.sql"
    "/servers/sql-1/databases/shop"
)


@pytest.fixture
def incident() -> Incident:
    """One that has something for every field."""
    return make_incident(
        resources=(f"/subscriptions/{SUBSCRIPTION}", VM, DATABASE),
        sources=("defender",),
        products=("Microsoft Defender for Cloud",),
        plans=("Defender for Servers",),
        techniques=("T1505.003",),
        accounts=("eve@contoso.com", "CONTOSO\\svc-scan"),
        addresses=("10.1.2.3", "203.0.113.7", "::ffff:192.0.2.9", "not an address"),
        hosts=("vm-web-01",),
    )


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("severity>=medium", True),
        ("severity>=HIGH", True),
        ("severity=high", True),
        ("severity!=high", False),
        ("severity = low", False),
        ('severity=~"high|medium"', True),
        ("alert_type=VM_WebShellDetected", True),
        ("alert_type=vm_webshelldetected", True),
        ("alert_type!=other", True),
        ('alert_type="with space"', False),
        ('title="Possible Web Shell detected"', True),
        ("sample=false", True),
        ("sample=TRUE", False),
        ("sample!=true", True),
        (f"subscription={SUBSCRIPTION.upper()}", True),
        (f"resource={VM.upper()}", True),
        (f"resource!={VM}", False),
        ("resource_group=WEB", True),
        ("resource_group=data", True),
        ("resource_group=vm-web-01", False),
        ("resource_type=Microsoft.Compute/virtualMachines", True),
        ("resource_type=microsoft.sql/servers/databases", True),
        ("resource_type=microsoft.sql/servers", False),
        ("resource_type=~microsoft.sql/.*", True),
        ("tactic=persistence", True),
        ("tactic=Execution", False),
        ('technique=~"T1505(\\..*)?"', True),
        ("source=defender", True),
        ('product=~"Microsoft Defender .*"', True),
        ('plan="defender for servers"', True),
        ("account=EVE@contoso.com", True),
        ('account="contoso\\\\SVC-scan"', True),
        ("host=VM-WEB-01", True),
        ("ip=203.0.113.7", True),
        ("ip=10.0.0.0/8", True),
        ("ip=192.0.2.0/24", True),
        ("ip=2001:db8::/32", False),
        ("ip!=10.0.0.0/8", False),
        ("ip!=172.16.0.0/12", True),
        ('ip=~".*\\.113\\.7"', True),
    ],
)
def test_a_matcher_tests_one_field_without_case(
    incident: Incident, text: str, *, fits: bool
) -> None:
    """Any of several values is enough; with a negative operator none may be there."""
    assert parse(text).test(incident) is fits


def test_severities_are_ordered() -> None:
    """At least medium is medium and high."""
    matcher = parse("severity>=medium")

    assert [matcher.test(make_incident(severity=s)) for s in Severity] == [
        False,
        False,
        True,
        True,
    ]


def test_any_problem_of_an_incident_counts() -> None:
    """An incident of two types goes where either would."""
    incident = make_incident(
        problems={"1": make_problem(alert_type="A"), "2": make_problem(alert_type="B")}
    )

    assert parse("alert_type=a").test(incident)
    assert parse("alert_type=b").test(incident)
    assert not parse("alert_type!=a").test(incident)
    assert parse("alert_type=~[bc]").test(incident)
    assert not parse("alert_type!~[bc]").test(incident)


@pytest.mark.parametrize("field", ["account", "ip", "host", "resource_group"])
def test_no_value_is_the_empty_value(field: str) -> None:
    """As in Alertmanager: what is not there equals nothing but emptiness."""
    nothing = make_incident(resources=())

    assert parse(f'{field}=""').test(nothing)
    assert not parse(f'{field}!=""').test(nothing)
    assert not parse(f"{field}=~.+").test(nothing)
    assert parse(f"{field}!~.+").test(nothing)


def test_a_pattern_must_fit_the_whole_value() -> None:
    """Anchored at both ends, so that `web` does not fit every shell."""
    incident = make_incident()

    assert not parse("title=~web").test(incident)
    assert not parse("title=~possible").test(incident)
    assert parse("title=~.*web.*").test(incident)
    assert not parse('alert_type=~"VM_Web|other"').test(incident)


def test_a_line_break_leads_around_no_pattern() -> None:
    """A dot is any character: titles are written by whoever is attacking."""
    incident = make_incident(problems={"1": make_problem(title="a web\nshell")})

    assert parse("title=~.*shell").test(incident)


def test_a_pattern_sees_the_first_thousand_characters() -> None:
    """What an attacker writes behind them changes nothing."""
    incident = make_incident(problems={"1": make_problem(title="a" * LONGEST + "b")})

    assert parse("title=~a*").test(incident)
    assert not parse("title=~.*b").test(incident)


def tagged(*values: str | None) -> Incident:
    """One about so many machines, with these values of tag env."""
    machines = [f"{VM}{number}" for number in range(len(values))]
    known = {
        machine: {"env": value}
        for machine, value in zip(machines, values, strict=True)
        if value is not None
    }
    return make_incident(resources=tuple(machines), tags=known)


YES, NO, UNKNOWN = True, False, None


@pytest.mark.parametrize(
    ("text", "values", "fits", "covers"),
    [
        ("tag.Env=prod", ["Prod"], YES, True),
        ("tag.env=prod", ["prod", "dev"], YES, False),
        ("tag.env=prod", ["dev", ""], NO, False),
        ("tag.env=prod", ["prod", None], YES, False),
        ("tag.env=prod", ["dev", None], UNKNOWN, False),
        ("tag.env!=prod", ["dev", "test"], YES, True),
        ("tag.env!=prod", ["dev", ""], YES, True),
        ("tag.env!=prod", ["dev", "prod"], NO, False),
        ("tag.env!=prod", ["dev", None], UNKNOWN, False),
        ("tag.env!=prod", ["prod", None], NO, False),
        ('tag.env=~"dev|test"', ["dev", "TEST"], YES, True),
        ('tag.env!~"dev.*"', ["develop"], NO, False),
        ('tag.env!~"dev.*"', ["prod"], YES, True),
        # That of an incident that has none is the empty one, as of any field; a silence
        # asks each resource.
        ('tag.env=""', ["", ""], YES, True),
        ('tag.env=""', ["prod", ""], NO, False),
        ('tag.env!=""', ["prod", ""], YES, False),
        ('tag.env!=""', ["prod", "dev"], YES, True),
        ('tag.env!=""', ["", ""], NO, False),
        ('tag.env=""', ["", None], UNKNOWN, False),
        ("tag.env!=prod", [], UNKNOWN, False),
        ("tag.owner!=prod", ["dev"], UNKNOWN, False),
    ],
)
def test_tags_are_those_of_its_resources(
    text: str, values: list[str | None], *, fits: bool | None, covers: bool
) -> None:
    """Any is enough for a route, all are needed for a silence; some are not known."""
    matcher, incident = parse(text), tagged(*values)

    assert matcher.test(incident) is fits
    assert matcher.covers(incident) is covers


def test_of_more_resources_than_a_head_holds_no_tag_is_known() -> None:
    """But that one has it is enough to be told."""
    full = tagged(*["dev"] * MOST_RESOURCES)

    assert parse("tag.env=dev").test(full) is True
    assert parse("tag.env=prod").test(full) is None
    assert parse("tag.env!=prod").test(full) is None
    assert not parse("tag.env=dev").covers(full)


def test_what_lies_in_a_resource_has_its_tags() -> None:
    """A database those of its server."""
    server = DATABASE.rpartition("/databases/")[0]
    incident = make_incident(resources=(DATABASE,), tags={server: {"env": "prod"}})

    assert parse("tag.env=prod").covers(incident)


def test_the_tags_that_matchers_ask_for_are_known_by_name() -> None:
    """Each once, in lower case."""
    texts = ["severity>=low", "tag.Env=prod", 'tag.env=~".*"', "tag.cost-center!=1"]

    assert tags_in(texts) == {"env", "cost-center"}


@pytest.mark.parametrize("sign", ["=", "!=", "=~", "!~"])
def test_a_tag_is_not_known_yet(sign: str) -> None:
    """It neither makes a route or a silence fit, nor keeps one from being broken."""
    tag = parse(f"tag.Env{sign}prod")
    known = parse("severity=high")

    assert tag.test(make_incident()) is None
    assert not all_fit([known, tag], make_incident())
    assert all_may_fit([known, tag], make_incident())
    assert not all_may_fit([parse("severity=low"), tag], make_incident())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "expected field=value"),
        ("severity", "expected field=value"),
        ("severity>medium", "expected field=value"),
        ("severity=>medium", "severity is one of"),
        ("severity==medium", "double quotes"),
        ("severity>=grave", "severity is one of"),
        ("severity=grave", "severity is one of"),
        ("alert_type>=a", ">= is for severity and risk alone"),
        ("title>=medium", ">= is for severity and risk alone"),
        ("severity<high", "< is for risk alone"),
        ("risk<=30", "double quotes"),
        ("risk=30", "compared with >= and < alone"),
        ("risk=~.*", "compared with >= and < alone"),
        ("risk>=101", "a whole number from 0 to 100"),
        ("risk>=-1", "a whole number from 0 to 100"),
        ("risk<1.5", "a whole number from 0 to 100"),
        ("risk>=high", "a whole number from 0 to 100"),
        ("risk>=٣", "a whole number from 0 to 100"),
        ("alert_type=a b", "double quotes"),
        ('alert_type="a', "double quotes"),
        ('alert_type="a" b', "double quotes"),
        ('alert_type="a"b"', "double quotes"),
        ("account=CORP\\eve", "double quotes"),
        ("account=", "double quotes"),
        ("colour=red", "unknown field colour; known are severity, "),
        ("Severity=high", "unknown field Severity"),
        ("tag.=x", "unknown field tag."),
        ("sample=maybe", "true or false"),
        ("sample=~tr.*", "= and != alone"),
        ("severity>=medium, sample=false", "double quotes"),
        ("severity>=high\nsample=true", "double quotes"),
        ("ip=10.0.0.0/33", "expected an address"),
        ("ip=10.0.0.1/8", "no bit set behind its prefix"),
        ("ip=ten", "expected an address"),
        ("alert_type=~[abc", "expected a pattern of RE2: missing ]"),
        ("alert_type=~a**", "expected a pattern of RE2: bad repetition operator"),
        ('alert_type=~"(?=a)"', "expected a pattern of RE2: invalid perl operator"),
        ("alert_type=~\\d", "double quotes"),
        ('alert_type=~"(a)\\1"', "invalid escape sequence"),
        (f"title={'x' * 1_001}", "at most 1000 characters"),
    ],
)
def test_a_mistake_in_a_matcher_is_an_error(text: str, said: str) -> None:
    """No matcher silently fits nothing, or everything; the error says what to write."""
    with pytest.raises(ValueError, match=r".") as caught:
        parse(text)

    assert said in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('title="a b"', "a b"),
        ('title="say \\"a\\" \\\\ b"', 'say "a" \\ b'),
        ('title="a\\nb"', "a\nb"),
        ('title=~"K8S_\\d+"', "K8S_\\d+"),
        ('  title  =  "a"  ', "a"),
        ('title=""', ""),
        ("title=~K8S_.*", "K8S_.*"),
    ],
)
def test_quoting_is_alertmanagers(text: str, value: str) -> None:
    """A backslash escapes quotes, itself and n, and is itself before all else."""
    assert parse(text).value == value


def test_a_matcher_shows_as_it_is_written() -> None:
    """Quotes stand where they are needed."""
    assert str(parse('severity >= "high"')) == "severity>=high"
    assert str(parse('title!="a b"')) == 'title!="a b"'
    assert str(Matcher("title", Operator.LIKE, '"\\d"')) == r'title=~"\"\\d\""'


def test_every_field_can_be_asked_for(incident: Incident) -> None:
    """No name of the table is without a value behind it."""
    for field in FIELDS:
        if field not in {"sample", "risk"}:
            assert parse(f"{field}=~.+").test(incident) is True, field


@pytest.mark.parametrize(
    ("text", "total", "fits"),
    [
        ("risk>=70", 70, True),
        ("risk>=70", 69, False),
        ("risk>=070", 70, True),
        ("risk>=0", 0, True),
        ("risk<30", 29, True),
        ("risk<30", 30, False),
    ],
)
def test_scores_are_numbers(text: str, total: int, *, fits: bool) -> None:
    """At least, or below."""
    incident = make_incident(risk=Risk(total=total))

    assert parse(text).test(incident) is fits


@pytest.mark.parametrize("risk", [None, Risk(total=20, missing=1)])
def test_nobody_is_left_untold_for_want_of_a_score(risk: Risk | None) -> None:
    """A route of high scores takes what has none; one of low ones does not."""
    incident = make_incident(risk=risk)
    high, low = parse("risk>=70"), parse("risk<30")

    assert all_fit([high], incident)
    assert not all_fit([low], incident)
    assert all_may_fit([high], incident)
    assert all_may_fit([low], incident)


def test_what_is_high_already_is_not_low() -> None:
    """Whatever an answer that is missing would add."""
    incident = make_incident(risk=Risk(total=80, missing=1))

    assert parse("risk<30").test(incident) is False
    assert parse("risk>=70").test(incident) is True


@pytest.mark.parametrize("text", ["risk>=70", "risk<100"])
def test_no_silence_asks_for_a_score(text: str) -> None:
    """What is held back is not asked about: its score would stay what it was."""
    with pytest.raises(ValueError, match="risk is for routes"):
        parse_of_silence(text)

    assert not parse(text).covers(make_incident(risk=Risk(total=80)))
    assert parse_of_silence("severity=low") == parse("severity=low")
