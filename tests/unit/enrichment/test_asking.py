from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from shared.enrichment import kql
from shared.enrichment.asking import Ask, asks
from shared.enrichment.pack import pack
from shared.enrichment.seen import MOST_LISTED
from shared.model.alert import AlertRow, AlertStatus, Severity, Version
from shared.model.entity import (
    Account,
    AzureResource,
    CloudApplication,
    Dns,
    FileHash,
    Host,
    Ip,
    Mailbox,
    Named,
    Process,
    Url,
)
from shared.model.text import CUT_MARK
from tests.factories import NOON, SUBSCRIPTION, VM, make_incident

if TYPE_CHECKING:
    from shared.model.entity import Entity

OBJECT_ID = "11111111-1bf0-4dda-aec3-cb9272f09590"
DIGEST = "5d41402abc4b2a76b9719d911017c592"
ALL = 10_000


def in_group(kind: str, name: str) -> str:
    """A resource of the kind in the group of the factory's machine."""
    return f"{VM.partition('/providers/')[0]}/providers/{kind}/{name}"


def make_row(number: int = 1, *entities: Entity, **changes: Any) -> AlertRow:  # noqa: ANN401
    """An alert at noon that names no resource."""
    default = AlertRow(
        id=f"alert-{number}",
        incident="inc-1",
        fingerprint="fp-1",
        version=Version(at=NOON, rank=50, digest=""),
        alert_type="VM_WebShellDetected",
        title="Possible web shell detected",
        severity=Severity.HIGH,
        status=AlertStatus.OPEN,
        started_at=NOON,
        ended_at=NOON,
        resource=None,
        is_sample=False,
        archived="",
        entities=entities,
    )
    return msgspec.structs.replace(default, **changes)


def asked(*rows: AlertRow, most: int = ALL, **changes: Any) -> list[Ask]:  # noqa: ANN401
    """What is asked about the factory's incident with these alerts."""
    return asks(make_incident(**changes), rows, most=most)


def values(found: list[Ask], query: str) -> list[dict[str, Any]]:
    """The values that the query is asked with, the first first."""
    return [dict(ask.values) for ask in found if ask.query.name == query]


def render(ask: Ask) -> str:
    """The ask as it would be sent."""
    return kql.render(
        ask.query, ask.values, since=ask.since, until=ask.until, most_rows=100
    )


@pytest.mark.parametrize(
    ("entity", "query", "expected"),
    [
        (
            Account(upn="jdoe@contoso.com", object_id=OBJECT_ID),
            "account-sign-ins",
            {"TheAccount": "jdoe@contoso.com", "TheAccountId": OBJECT_ID},
        ),
        (
            Account(upn="jdoe@contoso.com"),
            "mailbox-rules",
            {"TheMailbox": "jdoe@contoso.com"},
        ),
        (
            Account(name="jdoe", domain="CONTOSO"),
            "account-logons",
            {"TheAccountName": "jdoe"},
        ),
        (
            Account(sid="S-1-5-21-1-2-3-500"),
            "account-facts",
            {"TheAccountSid": "S-1-5-21-1-2-3-500"},
        ),
        (
            Account(name="backup-app", object_id=OBJECT_ID),
            "service-principal-sign-ins",
            {"TheApplication": OBJECT_ID},
        ),
        (Host(name="WEB1.contoso.com"), "host-logons", {"TheHost": "web1"}),
        (Host(name="10.0.0.4"), "host-logons", {"TheHost": "10.0.0.4"}),
        (Host(device_id="a" * 40), "host-processes", {"TheDevice": "a" * 40}),
        (
            Host(resource=f"{VM}/extensions/x"),
            "host-logons",
            {"TheHost": "vm-web-01", "TheMachine": VM},
        ),
        (
            AzureResource(resource=VM),
            "host-logons",
            {"TheHost": "vm-web-01", "TheMachine": VM},
        ),
        (Ip(address="203.0.113.7"), "address-activity", {"TheAddress": "203.0.113.7"}),
        (Ip(address="10.0.0.4"), "address-flows", {"TheAddress": "10.0.0.4"}),
        (
            Ip(address="203.0.113.7"),
            "threat-intelligence",
            {"TheAddresses": ("203.0.113.7",)},
        ),
        (Dns(domain="evil.example"), "domain-sightings", {"TheDomain": "evil.example"}),
        (
            Url(url="https://evil.example/a?b"),
            "url-sightings",
            {"TheUrl": "https://evil.example/a?b"},
        ),
        (
            Url(url="https://evil.example:8443/a"),
            "domain-sightings",
            {"TheDomain": "evil.example"},
        ),
        (
            Url(url="https://203.0.113.7/a"),
            "address-sign-ins",
            {"TheAddress": "203.0.113.7"},
        ),
        (
            FileHash(algorithm="md5", digest=DIGEST),
            "file-sightings",
            {"TheHash": DIGEST},
        ),
        (
            Mailbox(address="soc@contoso.com"),
            "mailbox-access",
            {"TheMailbox": "soc@contoso.com"},
        ),
        (
            AzureResource(resource=in_group("microsoft.sql/servers", "s/databases/d")),
            "sql-audit",
            {"TheResource": in_group("microsoft.sql/servers", "s")},
        ),
        (
            AzureResource(resource=in_group("microsoft.keyvault/vaults", "kv")),
            "vault-operations",
            {"TheResource": in_group("microsoft.keyvault/vaults", "kv")},
        ),
        (
            AzureResource(resource=in_group("microsoft.storage/storageaccounts", "l")),
            "blob-reads",
            {"TheResource": in_group("microsoft.storage/storageaccounts", "l")},
        ),
        (
            AzureResource(resource=in_group("microsoft.web/sites", "shop/slots/b")),
            "web-app-requests",
            {"TheResource": in_group("microsoft.web/sites", "shop")},
        ),
        (
            AzureResource(
                resource=in_group("microsoft.containerservice/managedclusters", "aks")
            ),
            "pod-exec",
            {
                "TheResource": in_group(
                    "microsoft.containerservice/managedclusters", "aks"
                )
            },
        ),
        (
            AzureResource(
                resource=in_group("microsoft.containerregistry/registries", "acr")
            ),
            "registry-access",
            {"TheResource": in_group("microsoft.containerregistry/registries", "acr")},
        ),
        (
            AzureResource(
                resource=in_group("microsoft.documentdb/databaseaccounts", "db")
            ),
            "cosmos-requests",
            {"TheResource": in_group("microsoft.documentdb/databaseaccounts", "db")},
        ),
        (
            Named(kind="k8s-pod", name="web-1", attributes={"namespace": "shop"}),
            "pod-audit",
            {"ThePod": "web-1", "TheNamespace": "shop"},
        ),
        (
            Named(
                kind="container-image",
                name=f"acr.azurecr.io/Shop/web:1.2@sha256:{'a' * 64}",
            ),
            "registry-events",
            {
                "TheRepository": "shop/web",
                "TheTag": "1.2",
                "TheDigest": f"sha256:{'a' * 64}",
            },
        ),
        (
            Named(kind="container-image", name="localhost:5000/web"),
            "registry-events",
            {"TheRepository": "web"},
        ),
        (
            Named(kind="container-image", name="library/nginx:latest"),
            "registry-events",
            {"TheRepository": "library/nginx", "TheTag": "latest"},
        ),
        (
            Named(kind="oauth-application", name=OBJECT_ID),
            "service-principal-sign-ins",
            {"TheApplication": OBJECT_ID},
        ),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_an_alert_names_is_asked_about(
    entity: Entity, query: str, expected: dict[str, Any]
) -> None:
    """Each kind of entity has its queries, and gives them its values."""
    found = asked(make_row(1, entity))

    [given] = values(found, query)
    assert {k: v for k, v in given.items() if k != "TheFirstAlert"} == expected
    for ask in found:
        assert f"// Firewatch: {ask.query.name}\n" in render(ask)


@pytest.mark.parametrize(
    "entity",
    [
        Account(name="SYSTEM", domain="NT AUTHORITY"),
        Account(name="root"),
        Account(sid="S-1-5-18"),
        Account(name="half \ud83d"),
        Account(name=f"somebody whose name was c{CUT_MARK}"),
        Account(name="x" * 2_000),
        Host(name="localhost"),
        Host(name="-"),
        Host(name=" "),
        Ip(address="127.0.0.1"),
        Ip(address="::"),
        Ip(address="168.63.129.16"),
        Ip(address="169.254.169.254"),
        Ip(address="224.0.0.1"),
        Ip(address="no address"),
        FileHash(algorithm="md5", digest="d41d8cd98f00b204e9800998ecf8427e"),
        Url(url=""),
        Url(url=f"https://[{CUT_MARK}"),
        Named(kind="container-image", name=""),
        Named(kind="container-image", name="@:/"),
        Named(kind="malware", name="Trojan"),
        AzureResource(resource=f"/subscriptions/{SUBSCRIPTION}"),
        Process(image="/bin/sh"),
        CloudApplication(name="Box"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_what_names_nothing_is_not_asked_about(entity: Entity) -> None:
    """Only the incident itself is left to ask about."""
    found = asked(make_row(1, entity))

    assert {ask.subject for ask in found} == {"incident inc-1"}
    assert {ask.query.name for ask in found} == {"earlier-incidents"}


def test_without_alerts_nothing_is_asked() -> None:
    """Nor with an alert that is only expected."""
    expected = make_row(1, Ip(address="203.0.113.7"), is_expected=True)

    assert asked() == []
    assert asked(expected) == []


def test_the_incident_is_asked_about_as_a_whole() -> None:
    """All that its alerts name goes into one question, in lists."""
    first = make_row(1, Ip(address="203.0.113.7"), resource=VM)
    second = make_row(2, Account(upn="jdoe@contoso.com"), Host(name="web1"))

    found = asked(first, second)

    [other] = values(found, "other-alerts")
    assert other["TheAlerts"] == ("alert-1", "alert-2")
    assert {*other["TheNames"]} == {
        "203.0.113.7",
        "jdoe@contoso.com",
        "vm-web-01",
        "web1",
        VM,
    }


def test_one_that_says_less_of_itself_is_the_other() -> None:
    """A UPN in one alert and the UPN with an object id in the next is one account."""
    less = make_row(1, Account(upn="jdoe@contoso.com"))
    more = make_row(2, Account(upn="jdoe@contoso.com", object_id=OBJECT_ID))

    found = asked(less, more)

    assert len(values(found, "account-sign-ins")) == 1
    assert values(found, "account-sign-ins")[0]["TheAccountId"] == OBJECT_ID


def test_a_machine_is_called_as_its_logs_call_it() -> None:
    """The name of the host, not that of the resource; it is asked about once."""
    row = make_row(
        1, Host(name="web1", resource=VM), AzureResource(resource=VM), resource=VM
    )

    assert values(asked(row), "host-logons") == [{"TheHost": "web1", "TheMachine": VM}]


def test_a_pod_is_of_the_cluster_that_the_alert_is_about() -> None:
    """Pods of other clusters have the same names."""
    cluster = in_group("microsoft.containerservice/managedclusters", "aks")
    row = make_row(1, Named(kind="k8s-pod", name="web-1"), resource=cluster)

    assert values(asked(row), "pod-audit") == [
        {"ThePod": "web-1", "TheResource": cluster}
    ]


def test_the_most_telling_comes_first() -> None:
    """Queries of the alert's plan before others, cheap ones before dear ones."""
    row = make_row(
        1,
        Host(name="web1", is_asset=True),
        Ip(address="203.0.113.7"),
        resource=VM,
        plan="Defender for Servers",
    )

    names = [ask.query.name for ask in asked(row)]

    assert names[0] == "host-logons"
    assert names.index("host-state") < names.index("address-flows")
    assert names.index("threat-intelligence") < names.index("recommendations")


def test_the_attacked_and_the_often_named_come_first_of_their_kind() -> None:
    """When there is room for one host, it is the right one."""
    often = [make_row(n, Host(name="often")) for n in range(3)]
    asset = make_row(9, Host(name="asset", is_asset=True), Host(name="once"))

    found = values(asked(*often, asset), "host-logons")

    assert [each["TheHost"] for each in found] == ["asset", "often", "once"]


def test_rather_another_question_than_the_same_of_the_third_account() -> None:
    """Each next one of a kind weighs less, so that no kind takes all the room."""
    accounts = [Account(upn=f"user{n}@contoso.com") for n in range(30)]
    row = make_row(1, *accounts, Ip(address="203.0.113.7"), resource=VM)

    kinds = {ask.subject.partition(" ")[0] for ask in asked(row, most=12)}

    assert kinds >= {"account", "address", "resource", "incident"}


def test_no_question_is_asked_twice() -> None:
    """However often a thing is named."""
    rows = [make_row(n, Ip(address="203.0.113.7"), resource=VM) for n in range(5)]

    found = asked(*rows)

    different = {
        (ask.query.name, tuple(sorted(map(str, ask.values.items())))) for ask in found
    }
    assert len(different) == len(found)


def test_order_of_alerts_makes_no_difference() -> None:
    """Every worker asks alike."""
    rows = [
        make_row(n, Ip(address=f"203.0.113.{n}"), Host(name=f"web{n}"), resource=VM)
        for n in range(6)
    ]

    assert asked(*rows) == asked(*reversed(rows))


@pytest.mark.parametrize("most", [0, 1, 5, -1])
def test_there_are_at_most_as_many_as_wanted(most: int) -> None:
    """The first ones of all that there would be."""
    row = make_row(1, Ip(address="203.0.113.7"), resource=VM)

    assert asked(row, most=most) == asked(row)[: max(most, 0)]


def test_only_the_queries_that_were_named_are_asked() -> None:
    """A policy may choose from the pack."""
    row = make_row(1, Ip(address="203.0.113.7"), resource=VM)

    found = asks(make_incident(), [row], most=ALL, only={"address-flows", "no-such"})

    assert [ask.query.name for ask in found] == ["address-flows"]


def test_times_reach_back_and_ahead_in_whole_hours() -> None:
    """From before the first alert that names it to after the last one."""
    early = make_row(1, Host(name="web1"), started_at=NOON - timedelta(minutes=90))
    late = make_row(2, Host(name="web1"), ended_at=NOON + timedelta(minutes=10))
    other = make_row(3, ended_at=NOON + timedelta(hours=9))

    [ask] = [a for a in asked(early, late, other) if a.query.name == "host-logons"]

    assert ask.query.reach == timedelta(days=1)
    assert ask.since == NOON - timedelta(days=1, hours=2)
    assert ask.until == NOON + ask.query.ahead + timedelta(hours=1)


def test_two_incidents_of_one_hour_ask_alike() -> None:
    """What the first was told, the second need not ask for again."""
    at = NOON + timedelta(minutes=20)
    first = make_row(1, Ip(address="203.0.113.7"), started_at=at, ended_at=at)
    at = NOON + timedelta(minutes=40)
    second = make_row(2, Ip(address="203.0.113.7"), started_at=at, ended_at=at)

    def of_the_address(row: AlertRow) -> list[Ask]:
        return [a for a in asked(row) if a.subject == "address 203.0.113.7"]

    assert of_the_address(first) == of_the_address(second)


@pytest.mark.parametrize(
    ("started_at", "ended_at"),
    [
        (datetime.min.replace(tzinfo=UTC), NOON),
        (NOON, datetime.max.replace(tzinfo=UTC)),
        (datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)),
        (datetime(1970, 1, 1, tzinfo=UTC), datetime(1970, 1, 2, tzinfo=UTC)),
        (NOON - timedelta(days=400), NOON),
    ],
)
def test_times_of_detectors_are_believed_within_bounds(
    started_at: datetime, ended_at: datetime
) -> None:
    """Nobody makes us read a workspace from its beginning."""
    row = make_row(1, Host(name="web1"), started_at=started_at, ended_at=ended_at)

    for ask in asked(row):
        slack = timedelta(days=15, hours=2)
        assert ask.until - ask.since <= ask.query.reach + ask.query.ahead + slack
        assert abs(ask.until - NOON) <= ask.query.ahead + slack
        assert ask.since < ask.until
        render(ask)


@pytest.mark.parametrize(
    "at", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)]
)
def test_an_incident_at_the_end_of_time_breaks_nothing(at: datetime) -> None:
    """Nor one at its beginning."""
    row = make_row(1, Host(name="web1"), started_at=at, ended_at=at)

    for ask in asked(row, earliest=at, latest=at):
        render(ask)


def test_a_flood_of_names_is_bounded() -> None:
    """Of each kind so many at most; the lists of the incident too."""
    names = [Ip(address=f"198.51.{n // 250}.{n % 250}") for n in range(500)]

    found = asked(make_row(1, *names))

    assert len(values(found, "address-activity")) == MOST_LISTED
    assert len(values(found, "threat-intelligence")[0]["TheAddresses"]) == MOST_LISTED


def test_labels_are_harmless() -> None:
    """A subject is shown to people."""
    found = asked(make_row(1, Account(name="<b>\x1b[31m\nhttps://evil.example/")))

    subjects = {ask.subject for ask in found} - {"incident inc-1"}
    assert subjects == {"account <b>[31m hxxps://evil.example/"}


def test_every_query_of_the_pack_can_be_asked() -> None:
    """No query waits for an entity that no alert can have."""
    cluster = in_group("microsoft.containerservice/managedclusters", "aks")
    kinds = (
        "microsoft.keyvault/vaults",
        "microsoft.sql/servers",
        "microsoft.storage/storageaccounts",
        "microsoft.web/sites",
        "microsoft.containerregistry/registries",
        "microsoft.documentdb/databaseaccounts",
    )
    row = make_row(
        1,
        Account(upn="jdoe@contoso.com", object_id=OBJECT_ID, name="jdoe"),
        Account(object_id=OBJECT_ID),
        Dns(domain="evil.example"),
        FileHash(algorithm="md5", digest=DIGEST),
        Host(name="web1"),
        Ip(address="203.0.113.7"),
        Mailbox(address="soc@contoso.com"),
        Named(kind="container-image", name="shop/web:1"),
        Named(kind="k8s-pod", name="web-1"),
        Url(url="https://evil.example/a"),
        *(AzureResource(resource=in_group(kind, "a")) for kind in kinds),
        resource=cluster,
    )

    assert {ask.query.name for ask in asked(row)} == {*pack()}
