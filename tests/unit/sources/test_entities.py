"""The entity list: what is in it, and what refers to what."""

from __future__ import annotations

import gc
import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.model.entity import (
    Account,
    AzureResource,
    CloudApplication,
    Dns,
    Entity,
    FileHash,
    Host,
    Ip,
    Mailbox,
    Named,
    Process,
    Url,
)
from shared.sources.entities import MOST_ENTITIES, entities_of
from shared.sources.entities.problems import MOST_WARNINGS
from shared.sources.entities.references import DEEPEST, MOST_NODES
from tests.factories import VM

Json = dict[str, Any]

GUID = "011d5ede-0faa-4946-a25e-b2cd0c47a52c"
ZEROS = "00000000-0000-0000-0000-000000000000"
SID = "S-1-5-21-3061399664-1673012318-3185014992-20022"
CLUSTER = VM.replace("compute/virtualmachines", "containerservice/managedclusters")
HOST = {"$id": "5", "HostName": "vm", "AzureID": VM.upper(), "Type": "host"}


def only(raw: Json) -> Entity:
    """The entity that a list of one holds, without a warning."""
    (entity,), warnings = entities_of([raw])
    assert warnings == ()
    return entity


@pytest.mark.parametrize(
    ("raw", "entity"),
    [
        (
            {"Name": "Mallory", "UPNSuffix": "Contoso.com", "Type": "account"},
            Account(name="Mallory", upn="mallory@contoso.com"),
        ),
        (
            {"Name": "m@contoso.com", "UPNSuffix": "contoso.com", "Type": "account"},
            Account(name="m@contoso.com", upn="m@contoso.com"),
        ),
        (
            {"DisplayName": "m@contoso.com", "Type": "account"},
            Account(name="m@contoso.com"),
        ),
        (
            {"DisplayName": "Mallory", "UPNSuffix": "contoso.com", "Type": "account"},
            Account(name="Mallory"),
        ),
        (
            {"Name": "m", "NTDomain": "CONTOSO", "Sid": SID.lower(), "Type": "account"},
            Account(name="m", domain="CONTOSO", sid=SID),
        ),
        ({"Name": "NT\\m", "Type": "account"}, Account(name="m", domain="NT")),
        (
            {"Name": "m", "AadUserId": GUID.upper(), "Type": "account"},
            Account(name="m", object_id=GUID),
        ),
        ({"Name": "m", "AadUserId": ZEROS, "Type": "account"}, Account(name="m")),
        (
            {"HostName": "vm", "DnsDomain": "contoso.com", "Type": "host"},
            Host(name="vm", domain="contoso.com"),
        ),
        (
            {"HostName": "vm.contoso.com", "DnsDomain": "CONTOSO.com", "Type": "host"},
            Host(name="vm.contoso.com"),
        ),
        ({"AzureID": VM.upper(), "Type": "host"}, Host(resource=VM)),
        (
            {"MdatpDeviceId": "AB" * 20, "AadDeviceId": GUID, "Type": "host"},
            Host(device_id="ab" * 20, entra_device_id=GUID),
        ),
        (
            {"Address": "8.8.8.8", "Location": {"CountryCode": "us"}, "Type": "ip"},
            Ip(address="8.8.8.8", is_public=True, country="US"),
        ),
        (
            {"Address": "0.0.0.0", "Location": {"CountryCode": "sample"}, "Type": "ip"},
            Ip(address="0.0.0.0"),
        ),
        (
            {"Url": "HTTP://Evil.Example/X", "Type": "url"},
            Url(url="http://evil.example/X"),
        ),
        ({"DomainName": "Evil.Example.", "Type": "dns"}, Dns(domain="evil.example")),
        (
            {"Algorithm": "SHA256", "Value": "AB" * 32, "Type": "filehash"},
            FileHash(algorithm="sha256", digest="ab" * 32),
        ),
        (
            {"Value": "AB" * 32, "Type": "filehash"},
            Named(kind="file-hash", name="AB" * 32, attributes={"value": "AB" * 32}),
        ),
        (
            {
                "ProcessId": "0x1e49a",
                "CommandLine": "php  -r x",
                "CreationTimeUtc": "2023-05-11T13:17:49.1333596Z",
                "Type": "process",
            },
            Process(
                pid=124058,
                command_line="php  -r x",
                created_at=datetime(2023, 5, 11, 13, 17, 49, 133359, UTC),
            ),
        ),
        (
            {"ResourceId": VM.upper(), "Type": "azure-resource"},
            AzureResource(resource=VM),
        ),
        (
            {"MailboxPrimaryAddress": "M@contoso.com", "Type": "mailbox"},
            Mailbox(address="m@contoso.com", name="M@contoso.com"),
        ),
        (
            {"AppId": 11161, "AppName": "Office 365", "Type": "cloud-application"},
            CloudApplication(app_id="11161", name="Office 365"),
        ),
        (
            {"Directory": "c:\\x", "Name": "y.exe", "Type": "file"},
            Named(kind="file", name="c:\\x\\y.exe", attributes={"directory": "c:\\x"}),
        ),
        (
            {"Directory": "/tmp", "Name": "y", "Type": "file"},
            Named(kind="file", name="/tmp/y", attributes={"directory": "/tmp"}),
        ),
        (
            {"Hive": "HKLM", "Key": "SOFTWARE\\Run", "Type": "registry-key"},
            Named(
                kind="registry-key",
                name="HKLM\\SOFTWARE\\Run",
                attributes={"hive": "HKLM", "key": "SOFTWARE\\Run"},
            ),
        ),
        (
            {"AmazonResourceId": "arn:aws:s3:::b", "Type": "aws-resource"},
            Named(
                kind="aws-resource",
                name="arn:aws:s3:::b",
                attributes={"amazonresourceid": "arn:aws:s3:::b"},
                strong=True,
            ),
        ),
        (
            {"Name": "b", "Url": "https://A.blob.x/c/b", "Asset": True, "Type": "blob"},
            Named(
                kind="blob",
                name="https://a.blob.x/c/b",
                attributes={"url": "https://A.blob.x/c/b"},
                strong=True,
                is_asset=True,
            ),
        ),
        (
            {"Name": "sa", "Number": 7, "Is": False, "Type": "K8s-service-account"},
            Named(
                kind="k8s-service-account",
                name="sa",
                attributes={"is": "false", "number": "7"},
            ),
        ),
    ],
)
def test_a_kind_is_read_in_its_normal_form(raw: Json, entity: Entity) -> None:
    """Every kind gives its strong identifiers normalised and guesses none."""
    assert only(raw) == entity


@pytest.mark.parametrize(
    "raw",
    [
        {"Type": "ip", "Address": "8.8.8.8"},
        {"type": "IP", "address": "8.8.8.8"},
        {"kind": "Ip", "type": "X/Entities", "properties": {"address": "8.8.8.8"}},
        {"TYPE": "Ip", "ADDRESS": "8.8.8.8", "address": "9.9.9.9"},
    ],
)
def test_spelling_does_not_matter(raw: Json) -> None:
    """Defender's, Sentinel's and any other case of names and types read alike."""
    assert only(raw) == Ip(address="8.8.8.8", is_public=True)


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        ("K8s-cluster", "k8s-cluster"),
        ("k8s-namespace", "k8s-namespace"),
        ("AzureResource", "azure-resource"),
        ("RegistryKey", "registry-key"),
        ("MailMessage", "mail-message"),
        ("IoTDevice", "iot-device"),
        ("host-logon-session", "logon-session"),
        ("SecurityGroup", "security-group"),
    ],
)
def test_types_are_named_alike(raw: str, kind: str) -> None:
    """Hyphens and case of a type are the sender's; ours are always the same."""
    given = {"Type": raw, "Name": "x", "Key": "x", "ResourceId": "x"}

    (entity,), _ = entities_of([given])

    assert isinstance(entity, Named)
    assert entity.kind == kind


def test_a_list_may_be_text() -> None:
    """Log Analytics keeps the list as a JSON text."""
    found, warnings = entities_of(json.dumps([HOST]))

    assert found == (Host(name="vm", resource=VM),)
    assert warnings == ()


@pytest.mark.parametrize("raw", [None, "", " \r\n", "null", "[]", []])
def test_no_list_is_no_problem(raw: object) -> None:
    """Alerts without entities are usual and not worth a warning."""
    assert entities_of(raw) == ((), ())


@pytest.mark.parametrize(
    ("raw", "warning"),
    [
        ("[{", "entities are no JSON"),
        ("[" * 100_000, "entities are no JSON"),
        ("\ud800", "entities are no JSON"),
        (7, "entities are no list"),
        ("true", "entities are no list"),
        ([7], "an entity is no JSON object"),
        ([{"Address": "8.8.8.8"}], "an entity has no type"),
        ([{"Type": "host"}], "an entity names nothing: host"),
        ([{"Type": "ip", "Address": "00.00.00.00"}], "not an address: 00.00.00.00"),
        ([{"Type": "account", "Sid": "S-0-0-00"}], "not a SID: S-0-0-00"),
        ([{"Type": "process", "ProcessId": "abc"}], "not a process id: abc"),
        (
            [{"Type": "filehash", "Algorithm": "MD5", "Value": "Sample-SHA"}],
            "not a digest by MD5: Sample-SHA",
        ),
    ],
)
def test_what_cannot_be_read_is_left_out_and_told(raw: object, warning: str) -> None:
    """Garbage gives no entity, and says why."""
    found, warnings = entities_of(raw)

    assert found == ()
    assert warning in warnings


def test_a_malformed_arm_id_is_kept_as_a_name() -> None:
    """A resource that cannot be compared still tells people what it is about."""
    found, warnings = entities_of([{"Type": "azure-resource", "ResourceId": "/x/Y"}])

    assert found == (
        Named(kind="azure-resource", name="/x/Y", attributes={"resourceid": "/x/Y"}),
    )
    assert warnings == ("not an ARM id: /x/Y",)


def test_several_addresses_are_several_entities() -> None:
    """An address field may be a list with commas and ports."""
    text = "8.8.8.8:53, [2606:4700::1111]:443,10.0.0.4,8.8.8.8"

    found, _ = entities_of([{"Type": "ip", "Address": text}])

    assert [entity.identifier for entity in found] == [
        *("8.8.8.8", "2606:4700::1111", "10.0.0.4")
    ]


def test_references_are_followed_both_ways() -> None:
    """A process finds its image before it, and parent, account and host after it."""
    raw = [
        {"$id": "4", "Directory": "c:\\", "Name": "x.exe", "Type": "file"},
        {
            "$id": "8",
            "ProcessId": "0x10",
            "ImageFile": {"$ref": "4"},
            "ParentProcess": {"$ref": "9"},
            "Account": {"$ref": "7"},
            "Host": {"$ref": "5"},
            "Type": "process",
        },
        {"$id": "7", "Name": "m", "Host": {"$ref": "5"}, "Type": "account"},
        {"$ref": "5"},
        HOST,
        {"$id": "9", "ProcessId": "0x11", "Type": "process"},
    ]

    found, warnings = entities_of(raw)

    assert warnings == ()
    assert found[1] == Process(
        pid=16, parent_pid=17, image="c:\\x.exe", account="m", host=VM
    )
    assert found[2] == Account(name="m", host=VM)
    assert len(found) == 5


def test_a_definition_inside_another_is_an_entity_where_it_is_met() -> None:
    """Entities may be written out at first use, with or without a type of their own."""
    raw = [
        {
            "$id": "5",
            "DomainName": "evil.example",
            "IpAdresses": [{"$id": "6", "Address": "8.8.8.8", "Type": "ip"}],
            "HostIpAddress": {"$ref": "6"},
            "Type": "dns",
        },
        {"ProcessId": 1, "ImageFile": {"Name": "x"}, "Type": "process"},
    ]

    found, warnings = entities_of(raw)

    assert warnings == ()
    assert found == (
        Dns(domain="evil.example"),
        Ip(address="8.8.8.8", is_public=True),
        Process(pid=1, image="x"),
        Named(kind="file", name="x"),
    )


def test_a_pod_knows_its_namespace_and_cluster() -> None:
    """What acts on a pod needs the way to it, which references alone tell."""
    raw = [
        {"$id": "4", "ResourceId": CLUSTER, "Type": "azure-resource"},
        {"$id": "5", "CloudResource": {"$ref": "4"}, "Type": "K8s-cluster"},
        {"$id": "6", "Name": "n", "Cluster": {"$ref": "5"}, "Type": "K8s-namespace"},
        {"$id": "7", "Name": "p", "Namespace": {"$ref": "6"}, "Type": "K8s-pod"},
        {"Name": "c", "Pod": {"$ref": "7"}, "Type": "container"},
    ]

    (_, cluster, space, pod, container), warnings = entities_of(raw)

    assert warnings == ()
    assert cluster.identifier == CLUSTER
    assert cluster.is_strong
    assert isinstance(space, Named)
    assert space.attributes == {"cluster": CLUSTER}
    assert isinstance(pod, Named)
    assert pod.attributes == {"namespace": "n", "cluster": CLUSTER}
    assert isinstance(container, Named)
    assert container.attributes == {"pod": "p", "namespace": "n"}


def test_sentinel_refers_by_name() -> None:
    """Sentinel's ``hostEntityId`` is the name of another object of the list."""
    raw = [
        {
            "kind": "Account",
            "name": GUID,
            "properties": {"accountName": "m", "hostEntityId": GUID.replace("0", "F")},
        },
        {
            "kind": "Host",
            "name": GUID.replace("0", "f"),
            "properties": {"hostName": "vm", "azureID": VM},
        },
    ]

    found, warnings = entities_of(raw)

    assert found == (Account(name="m", host=VM), Host(name="vm", resource=VM))
    assert warnings == ()


def test_a_dangling_reference_is_left_out_and_told() -> None:
    """A process whose account is not there is still a process."""
    raw = [{"ProcessId": 1, "Account": {"$ref": "9"}, "Type": "process"}]

    assert entities_of(raw) == (
        (Process(pid=1),),
        ("a reference leads to no entity: 9",),
    )


def test_the_first_definition_of_an_id_holds() -> None:
    """Both entities stay; who refers to them means the first, and it is told."""
    raw = [
        HOST,
        {"$id": "5", "HostName": "other", "Type": "host"},
        {"Name": "m", "Host": {"$ref": "5"}, "Type": "account"},
    ]

    found, warnings = entities_of(raw)

    assert [e.identifier for e in found] == [VM, "other", "m"]
    assert found[2] == Account(name="m", host=VM)
    assert warnings == ("an $id is defined again; the first holds: 5",)


def test_a_reference_to_another_kind_is_not_followed() -> None:
    """A duplicate id can make a host of an address; that is not believed."""
    raw = [
        {"$id": "5", "Address": "8.8.8.8", "Type": "ip"},
        {"Name": "m", "Host": {"$ref": "5"}, "Type": "account"},
    ]

    found, _ = entities_of(raw)

    assert found[1] == Account(name="m")


def test_an_entity_that_is_written_out_again_is_one() -> None:
    """Some products repeat a definition with its id; equal ones are one, untold."""
    raw = [HOST, dict(HOST), {"Name": "m", "Host": dict(HOST), "Type": "account"}]

    found, warnings = entities_of(raw)

    assert found == (Host(name="vm", resource=VM), Account(name="m", host=VM))
    assert warnings == ()


def test_cycles_end() -> None:
    """Processes that are each other's parents, and an entity that is its own."""
    raw = [
        {
            "$id": name,
            "ProcessId": number,
            "ParentProcess": {"$ref": parent},
            "Files": [{"$ref": name}],
            "Type": "process",
        }
        for number, (name, parent) in enumerate((("a", "b"), ("b", "a"), ("c", "c")))
    ]

    found, warnings = entities_of(raw)

    assert found == (
        Process(pid=0, parent_pid=1),
        Process(pid=1, parent_pid=0),
        Process(pid=2, parent_pid=2),
    )
    assert warnings == ()


def test_what_has_a_type_and_is_no_entity_is_passed_over() -> None:
    """Charts and locations inside an entity have types too."""
    raw = {"Address": "8.8.8.8", "Location": {"Type": "Country"}, "Type": "ip"}

    assert only(raw) == Ip(address="8.8.8.8", is_public=True)


def test_the_attacked_are_marked() -> None:
    """``Asset`` tells the protected thing from what attacks it."""
    host = only({**HOST, "Asset": True})

    assert host == Host(name="vm", resource=VM, is_asset=True)


def test_attacker_text_is_clean_and_bounded() -> None:
    """Names and command lines are cut, and hold nothing that hides or reorders."""
    raw = [
        {"Name": "\u202ea" + "x" * 5_000, "Type": "malware"},
        {"CommandLine": "\x1b" + "y" * 9_000, "Type": "process"},
        {"Type": "t" * 5_000, "Name": "z"},
    ]

    (malware, process, other), _ = entities_of(raw)

    assert malware.identifier == "a" + "x" * 998 + "…"
    assert isinstance(process, Process)
    assert process.command_line == "y" * 3_999 + "…"
    assert isinstance(other, Named)
    assert len(other.kind) == 100


def test_entities_are_counted() -> None:
    """The first 500 are kept and the cut is told."""
    raw = [{"Type": "ip", "Address": f"10.0.{n // 256}.{n % 256}"} for n in range(900)]

    found, warnings = entities_of(raw, {"Client IP": "8.8.8.8"})

    assert len(found) == MOST_ENTITIES
    assert warnings == (f"entities after the first {MOST_ENTITIES} were left out",)


def test_objects_are_counted() -> None:
    """Past 20,000 objects nothing more is looked at."""
    found, warnings = entities_of([*([{"Type": "x"}] * MOST_NODES), HOST])

    assert found == ()
    assert f"entities were cut after {MOST_NODES} objects" in warnings


def test_levels_are_counted() -> None:
    """Past 64 levels nothing more is looked at."""
    raw: Json = dict(HOST)
    for _ in range(DEEPEST):
        raw = {"Host": raw}

    found, warnings = entities_of([raw])

    assert found == ()
    assert f"entities below {DEEPEST} levels were left out" in warnings


def test_warnings_are_counted() -> None:
    """A list of nothing but mistakes tells some of them and how many more."""
    _, warnings = entities_of(
        [{"Type": "ip", "Address": f"1.2.3.{n}"} for n in range(300, 400)]
    )

    assert len(warnings) == MOST_WARNINGS + 1
    assert warnings[-1].startswith("and ")


def big(kilobytes: int) -> list[str]:
    """Lists of so many kilobytes, each bad for another part of the reader."""
    size = kilobytes * 1_000
    marks = "a\u0301\u0316" * 300
    return [
        json.dumps(
            [{"$id": str(n), **HOST, "X": {"$ref": "0"}} for n in range(size // 250)]
        ),
        json.dumps(
            [{"Type": "malware", "Name": marks, "N": n} for n in range(size // 3_700)]
        ),
        json.dumps([{"Type": "process", "CommandLine": "y" * size}]),
        json.dumps([{"Type": "ip", "Address": "1.2.3.4," * (size // 8)}]),
        json.dumps(
            [
                {
                    "Type": "x",
                    "Name": "n",
                    **{str(n): [{}] for n in range(size // 20)},
                }
            ]
        ),
        json.dumps(
            [{"Type": "malware", "Name": "n", "Files": [{"$ref": "1"}]}] * (size // 70)
        ),
    ]


def test_a_megabyte_takes_linear_time() -> None:
    """Four times the bytes take at most some four times the time, and few seconds."""
    small, large = big(250), big(1_000)

    for few, many in zip(small, large, strict=True):
        # A machine that is busy with something else gets another try.
        assert any(seconds(many) < max(8 * seconds(few), 0.5) for _ in range(3))


def seconds(raw: str) -> float:
    """The CPU time of reading the list."""
    # A collection goes through all that the tests of this process ever made.
    gc.disable()
    try:
        before = time.process_time()
        entities_of(raw)
        return time.process_time() - before
    finally:
        gc.enable()
