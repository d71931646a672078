"""What names an entity, and whether the name is good outside its alert."""

from __future__ import annotations

import msgspec
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
    Origin,
    Process,
    Url,
)
from tests.factories import SUBSCRIPTION, VM

OBJECT_ID = "011d5ede-0faa-4946-a25e-b2cd0c47a52c"
SID = "S-1-5-21-3061399664-1673012318-3185014992-20022"
UPN = "mallory@contoso.com"
DEVICE = "73e7e2de709dff64ef64b1d0c30e67fab63279db"

EXAMPLES: tuple[tuple[Entity, str, bool], ...] = (
    (Account(name="m", sid=SID, upn=UPN, object_id=OBJECT_ID), OBJECT_ID, True),
    (Account(name="m", sid=SID, upn=UPN), SID, True),
    (Account(name="m", upn=UPN), UPN, True),
    (Account(name="m", sid="S-1-12-1-1-2-3-4"), "S-1-12-1-1-2-3-4", True),
    (Account(name="m", domain="CONTOSO"), "CONTOSO\\m", False),
    (Account(name="SYSTEM", sid="S-1-5-18"), "SYSTEM", False),
    (Account(sid="S-1-5-32-544"), "S-1-5-32-544", False),
    (Account(name="SYSTEM", sid="S-1-5-18", upn=UPN), UPN, True),
    (Host(name="vm", resource=VM, device_id=DEVICE), VM, True),
    (Host(name="vm", device_id=DEVICE), DEVICE, True),
    (Host(name="vm", entra_device_id=OBJECT_ID), OBJECT_ID, True),
    (Host(name="vm", domain="contoso.com"), "vm.contoso.com", False),
    (Ip(address="8.8.8.8", is_public=True), "8.8.8.8", True),
    (Ip(address="10.0.0.4"), "10.0.0.4", False),
    (Url(url="https://evil.example/x"), "https://evil.example/x", True),
    (Url(url="/login.php"), "/login.php", False),
    (Url(url="https://evil.example/x…"), "https://evil.example/x…", False),
    (Dns(domain="evil.example"), "evil.example", True),
    (Dns(domain="dc01.contoso.local"), "dc01.contoso.local", False),
    (Dns(domain="dc01"), "dc01", False),
    (FileHash(algorithm="md5", digest="0a" * 16), "0a" * 16, True),
    (
        FileHash(algorithm="md5", digest="d41d8cd98f00b204e9800998ecf8427e"),
        "d41d8cd98f00b204e9800998ecf8427e",
        False,
    ),
    (Process(pid=944, image="c:\\x.exe"), "c:\\x.exe (944)", False),
    (Process(pid=944), "(944)", False),
    (Process(command_line="x -y"), "x -y", False),
    (AzureResource(resource=VM), VM, True),
    (
        AzureResource(resource=f"/subscriptions/{SUBSCRIPTION}"),
        f"/subscriptions/{SUBSCRIPTION}",
        False,
    ),
    (Mailbox(address=UPN, name="Mallory"), UPN, True),
    (Mailbox(name="Mallory"), "Mallory", False),
    (CloudApplication(app_id="11161", instance="0"), "11161 (0)", False),
    (CloudApplication(app_id="11161", name="Office 365"), "Office 365", False),
    (Named(kind="k8s-pod", name="web-1"), "web-1", False),
    (Named(kind="aws-resource", name="arn:x", strong=True), "arn:x", True),
)


@pytest.mark.parametrize(("entity", "identifier", "is_strong"), EXAMPLES)
def test_the_strongest_name_identifies(
    entity: Entity,
    identifier: str,
    is_strong: bool,  # noqa: FBT001  pytest gives it
) -> None:
    """Strong is what its issuer made unique: no well-known SID, no private name."""
    assert (entity.identifier, entity.is_strong) == (identifier, is_strong)


@pytest.mark.parametrize("entity", [entity for entity, _, _ in EXAMPLES])
def test_an_entity_survives_storage(entity: Entity) -> None:
    """Each kind has a tag of its own, so a stored union is read as it was."""
    changed = msgspec.structs.replace(entity, origin=Origin.EXTENDED, is_asset=True)

    read = msgspec.json.decode(msgspec.json.encode(changed), type=Entity)

    assert read == changed
