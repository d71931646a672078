"""The entities of every payload that came with the project, read in place."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from shared.model.entity import AzureResource, Dns, Host, Ip, Named, Origin
from shared.sources.entities import entities_of
from tests.given import given

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.model.entity import Entity

LISTS = frozenset({"entities", "relatedentities"})
CARRIERS = (
    *("arm-alert", "arm-alert-live", "eventhub-alert", "law-securityalert"),
    *("sentinel-arm-incidents",),
)


def alerts(value: object) -> Iterator[tuple[object, object]]:
    """Every entity list with the extended properties beside it, at any depth."""
    if isinstance(value, list):
        for item in value:
            yield from alerts(item)
    if not isinstance(value, dict):
        return
    fields = {name.lower(): item for name, item in value.items()}
    found = [fields[name] for name in LISTS & fields.keys()]
    extended = fields.get("extendedproperties")
    if found or extended is not None:
        yield (found[0] if found else None), extended
    for item in value.values():
        yield from alerts(item)


def read(
    kind: str, name: str = "*"
) -> list[tuple[tuple[Entity, ...], tuple[str, ...]]]:
    """Entities and warnings of every alert in the files."""
    bodies = given(kind, name)
    assert bodies
    return [
        entities_of(*alert)
        for body in bodies.values()
        for alert in alerts(json.loads(body))
    ]


@pytest.mark.parametrize("kind", CARRIERS)
def test_given_alerts_are_read_without_a_warning(kind: str) -> None:
    """Nothing in the given alerts is strange, but what stix-shifter rewrote."""
    found = read(kind)

    assert sum(len(entities) for entities, _ in found) > 0
    told = [warnings for _, warnings in found if warnings]
    assert len(told) == (2 if kind == "law-securityalert" else 0)


@pytest.mark.parametrize("name", ["Account", "CloudApplication", "File", "Host"])
def test_given_sentinel_entities_are_of_their_kind(name: str) -> None:
    """Sentinel's entity objects read like Defender's."""
    for body in given("sentinel-arm-entities", f"Get{name}EntityById.json").values():
        (entity,), warnings = entities_of([json.loads(body)])

        kind = entity.kind if isinstance(entity, Named) else type(entity).__name__
        assert kind.lower() == name.lower()
        assert warnings == ()


def test_given_sentinel_entities_all_have_names() -> None:
    """All kinds of the specification's examples are known."""
    bodies = given("sentinel-arm-entities", "Get*EntityById.json")

    for name, body in bodies.items():
        found, _ = entities_of([json.loads(body)])
        assert [bool(entity.identifier) for entity in found] == [True], name


def test_given_kubernetes_alert_names_its_pod_in_its_properties() -> None:
    """The list holds the cluster alone; namespace, pod, container, image are lifted."""
    ((found, _),) = read("arm-alert-live", "*MaliciousContainerImage.json")

    assert isinstance(found[0], AzureResource)
    assert [
        (entity.kind, entity.name, entity.origin)
        for entity in found[1:]
        if isinstance(entity, Named)
    ] == [
        ("k8s-namespace", "sample-namespace", Origin.EXTENDED),
        ("k8s-pod", "sample-pod", Origin.EXTENDED),
        ("container", "sample-container", Origin.EXTENDED),
        ("container-image", "sample-image", Origin.EXTENDED),
    ]


def test_given_dns_alert_holds_host_address_and_name() -> None:
    """References between them lead somewhere, and 0.0.0.0 is kept, not public."""
    ((found, _),) = read("arm-alert-live", "*PhishingDomain.json")

    kinds: list[Any] = [type(entity) for entity in found]
    assert kinds == [Host, Ip, Dns]
    assert found[1] == Ip(address="0.0.0.0", country="US")


def test_given_brute_force_names_its_source_in_its_properties() -> None:
    """The attacker stands in ``FreeRDP (96.81.218.10)`` and nowhere else."""
    ((found, _),) = read("law-securityalert", "Failed-RDP-*.json")

    assert found[1:] == (
        Ip(origin=Origin.EXTENDED, address="96.81.218.10", is_public=True),
    )


def test_given_victim_is_told_from_the_attacker() -> None:
    """Both addresses are public, and only one may ever be blocked."""
    ((found, _),) = read("law-securityalert", "Network-communication-*.json")

    addresses = {e.address: e.is_asset for e in found if isinstance(e, Ip)}
    assert addresses == {"183.95.154.13": False, "1.2.3.4": True}
