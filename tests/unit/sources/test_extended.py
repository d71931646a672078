"""What only the extended properties name."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shared.model.entity import (
    Account,
    Dns,
    Entity,
    FileHash,
    Host,
    Ip,
    Named,
    Origin,
    Process,
    Url,
)
from shared.sources.entities import entities_of
from tests.factories import VM

Json = dict[str, Any]

FROM = Origin.EXTENDED
SID = "S-1-5-21-2144575486-892844654-516386431-500"
GUID = "011d5ede-0faa-4946-a25e-b2cd0c47a52c"


def lifted(extended: object, *held: Json) -> tuple[Entity, ...]:
    """What the properties add to the list, without a warning."""
    found, warnings = entities_of(list(held), extended)
    assert warnings == ()
    return tuple(entity for entity in found if entity.origin is FROM)


@pytest.mark.parametrize(
    "key",
    [
        *("Client IP address", "client IP address", "clientIpAddress", "Client-IP"),
        *("attacker IP Address", "Attacker source IP", "ip Address", "IP address"),
        *("Source IPs", "source", "Attackers", "Caller IP Address", "SOURCE_IP"),
    ],
)
@pytest.mark.parametrize(
    "value",
    [
        *("96.81.218.10", "96.81.218.10:3389", "FreeRDP (96.81.218.10)"),
        *("IP Address: 96.81.218.10", '["96.81.218.10"]', ["96.81.218.10"]),
        "96.81.218.10, 96.81.218.10",
    ],
)
def test_an_attackers_address_is_lifted(key: str, value: object) -> None:
    """Whatever its key and however it is written."""
    assert lifted({key: value}) == (
        Ip(origin=FROM, address="96.81.218.10", is_public=True),
    )


@pytest.mark.parametrize("key", ["Victim IP", "destination IP", "Host IP address"])
def test_an_own_address_is_marked(key: str) -> None:
    """What is attacked must never be taken for the attacker."""
    assert lifted({key: "20.1.2.3"}) == (
        Ip(origin=FROM, address="20.1.2.3", is_public=True, is_asset=True),
    )


def test_addresses_that_are_none_are_told() -> None:
    """Sample alerts write 00.00.00.00; what else the list holds is lifted."""
    found, warnings = entities_of(
        None, {"Client IP address": "8.8.8.8, 00.00.00.00", "Attacker IP": "vm-1"}
    )

    assert [entity.identifier for entity in found] == ["8.8.8.8"]
    assert warnings == ("not an address: 00.00.00.00", "not an address: vm-1")


def test_a_source_without_an_address_is_no_mistake() -> None:
    """The key holds names of programs as often."""
    assert lifted({"source": "FreeRDP", "Client IP location": "10.0.0.1"}) == ()


@pytest.mark.parametrize(
    ("extended", "account"),
    [
        ({"username": "sample-user"}, Account(origin=FROM, name="sample-user")),
        (
            {"Account": "Contoso\\administrator"},
            Account(origin=FROM, name="administrator", domain="Contoso"),
        ),
        ({"Client principal name": "m"}, Account(origin=FROM, name="m")),
        ({"Created Account": "adm1n"}, Account(origin=FROM, name="adm1n")),
        ({"User name": "m@contoso.com"}, Account(origin=FROM, name="m@contoso.com")),
        (
            {"user name": "m", "User SID": SID, "User Principal Name": "M@contoso.com"},
            Account(origin=FROM, name="m", sid=SID, upn="m@contoso.com"),
        ),
        (
            {"user object id": GUID.upper()},
            Account(origin=FROM, object_id=GUID),
        ),
        (
            {"user name": "CN=m,OU=people,DC=contoso"},
            Account(origin=FROM, name="CN=m,OU=people,DC=contoso"),
        ),
        ({"user name": 1001}, Account(origin=FROM, name="1001")),
    ],
)
def test_a_user_is_lifted(extended: Json, account: Account) -> None:
    """A name and the ids beside it are one user; an address is no UPN by its look."""
    assert lifted(extended) == (account,)


def test_several_users_are_not_joined_with_one_id() -> None:
    """Whose SID it is, nobody can tell."""
    assert lifted({"user name": "a, b", "user SID": SID}) == (
        Account(origin=FROM, name="a"),
        Account(origin=FROM, name="b"),
        Account(origin=FROM, sid=SID),
    )


def test_accounts_that_were_only_tried_are_not_lifted() -> None:
    """Names that a brute force guesses have done nothing."""
    tried = "PAULA (2), MARTIN (2)"
    keys = ("Top accounts with failed sign in attempts (count)", "existing users")

    assert lifted(dict.fromkeys(keys, tried)) == ()


def test_a_pod_is_lifted_with_its_namespace() -> None:
    """Kubernetes alerts name pod, container and image in their properties alone."""
    extended = {
        "resourceType": "Connected Cluster",
        "namespace": "prod",
        "pod name": "web-1",
        "Container name": "web",
        "container image": "registry/web:1",
    }
    within = {"namespace": "prod"}

    assert lifted(extended) == (
        Named(origin=FROM, kind="k8s-namespace", name="prod"),
        Named(origin=FROM, kind="k8s-pod", name="web-1", attributes=within),
        Named(origin=FROM, kind="container", name="web", attributes=within),
        Named(origin=FROM, kind="container-image", name="registry/web:1"),
    )


def test_other_namespaces_and_containers_are_not_kubernetes() -> None:
    """Service Bus has namespaces, storage accounts have containers."""
    extended = {"namespace": "bus", "container name": "logs", "resourceType": "Storage"}

    assert lifted(extended) == ()


@pytest.mark.parametrize(
    ("extended", "entity"),
    [
        (
            {"Compromised Host": "vm-1"},
            Host(origin=FROM, name="vm-1", is_asset=True),
        ),
        ({"machine name": "vm-1"}, Host(origin=FROM, name="vm-1")),
        (
            {"Attacker source computer name": "kali"},
            Host(origin=FROM, name="kali"),
        ),
        ({"domain Name": "Evil.Example."}, Dns(origin=FROM, domain="evil.example")),
        (
            {"Suspicious URL": "HTTPS://Evil.Example/X"},
            Url(origin=FROM, url="https://evil.example/X"),
        ),
        (
            {"SHA256": "AB" * 32},
            FileHash(origin=FROM, algorithm="sha256", digest="ab" * 32),
        ),
        (
            {"Process Path": "c:\\x.exe", "PID": 944, "Command line": "x  -y"},
            Process(origin=FROM, pid=944, image="c:\\x.exe", command_line="x  -y"),
        ),
        (
            {"suspicious Process Id": "0x4680", "parent process id": "0x1"},
            Process(origin=FROM, pid=18048),
        ),
    ],
)
def test_other_things_are_lifted(extended: Json, entity: Entity) -> None:
    """Machines, names, URLs, hashes and the one process that the keys describe."""
    assert lifted(extended) == (entity,)


@pytest.mark.parametrize(
    "extended",
    [
        *({}, None, "", "{}", {"domain name": "CONTOSO"}, {"User name": "-"}),
        {"Attacker source computer name": "Unknown", "pod": None, "username": {}},
    ],
)
def test_what_names_nothing_is_not_lifted(extended: object) -> None:
    """Placeholders are no names, and a NetBIOS domain is no domain name."""
    assert lifted(extended) == ()


@pytest.mark.parametrize(
    ("held", "extended"),
    [
        ({"Type": "ip", "Address": "8.8.8.8"}, {"Client IP address": "8.8.8.8:1"}),
        ({"Type": "account", "Name": "M"}, {"user name": "m"}),
        ({"Type": "account", "Name": "M"}, {"user name": "CONTOSO\\m"}),
        (
            {"Type": "account", "Name": "m", "NTDomain": "contoso"},
            {"user name": "CONTOSO\\m"},
        ),
        ({"Type": "account", "Name": "m", "NTDomain": "x"}, {"user name": "m"}),
        (
            {"Type": "account", "Name": "m", "Sid": SID},
            {"user name": "Mallory", "user SID": SID},
        ),
        ({"Type": "host", "HostName": "vm-1"}, {"Compromised Host": "VM-1.corp"}),
        ({"Type": "azure-resource", "ResourceId": VM}, {"Host": "vm-web-01"}),
        ({"Type": "K8s-pod", "Name": "web-1"}, {"pod name": "web-1"}),
        ({"Type": "dns", "DomainName": "evil.example"}, {"domain": "EVIL.example"}),
        ({"Type": "process", "ProcessId": 1}, {"process name": "c:\\x.exe"}),
    ],
)
def test_what_the_list_holds_is_not_lifted_again(held: Json, extended: Json) -> None:
    """One thing of one alert is one entity, however its two places spell it."""
    assert lifted(extended, held) == ()


@pytest.mark.parametrize(
    ("held", "extended"),
    [
        ({"Type": "account", "Name": "m", "NTDomain": "x"}, {"user name": "y\\m"}),
        ({"Type": "account", "Name": "m"}, {"user name": "m", "user SID": SID}),
    ],
)
def test_news_about_a_name_is_lifted(held: Json, extended: Json) -> None:
    """Another domain is another account, and an id is more than a name."""
    assert len(lifted(extended, held)) == 1


def test_properties_may_be_text() -> None:
    """Log Analytics keeps the object as a JSON text."""
    assert lifted(json.dumps({"ip address": "8.8.8.8"})) == (
        Ip(origin=FROM, address="8.8.8.8", is_public=True),
    )


@pytest.mark.parametrize(
    ("extended", "warning"),
    [
        ("{", "extended properties are no JSON"),
        ([1], "extended properties are no object"),
        (7, "extended properties are no object"),
        ({"user SID": "S-0-0-00"}, "not a SID: S-0-0-00"),
        ({"md5": "0a"}, "not a digest by md5: 0a"),
    ],
)
def test_what_cannot_be_read_is_told(extended: object, warning: str) -> None:
    """Garbage gives no entity, and says why."""
    assert entities_of(None, extended) == ((), (warning,))


def test_a_key_in_two_spellings_is_read_once() -> None:
    """As with the fields of an alert, the first spelling holds."""
    assert lifted({"user name": "a", "User Name": "b", "userName": "c"}) == (
        Account(origin=FROM, name="a"),
    )
