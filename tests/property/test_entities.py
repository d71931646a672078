"""Entity lists and extended properties that hold anything."""

from __future__ import annotations

import marshal
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from shared.model.entity import Entity
from shared.model.text import clean
from shared.sources.entities import MOST_ENTITIES, entities_of
from shared.sources.entities.identifiers import LONGEST_COMMAND
from shared.sources.entities.kinds import READERS
from shared.sources.entities.problems import MOST_WARNINGS
from tests.property.feeds import QUICK
from tests.property.hostile import VALUES, deep

NAMES = (
    *("Name", "UPNSuffix", "NTDomain", "Sid", "AadUserId", "Host", "HostName"),
    *("AzureID", "DnsDomain", "Address", "Location", "Url", "DomainName", "Value"),
    *("Algorithm", "ProcessId", "CommandLine", "ImageFile", "Account", "Key", "Hive"),
    *("ParentProcess", "ResourceId", "CloudResource", "Cluster", "Namespace", "Pod"),
    *("Directory", "FileHashes", "IpAdresses", "SourceAddress", "hostEntityId"),
    *("MailboxPrimaryAddress", "AppId", "Asset", "CreationTimeUtc", "properties"),
    *("kind", "name", "MdatpDeviceId", "EvidenceRole"),
)
KEYS = (
    *("Client IP address", "Victim IP", "source", "user name", "User SID", "username"),
    *("user object id", "Compromised Host", "domain name", "url", "sha256", "pod name"),
    *("namespace", "container image", "resourceType", "PID", "process name"),
    *("command line", "User Principal Name"),
)
# What is nearly right gets further than what is random.
NEARLY = st.sampled_from(
    [
        *("8.8.8.8:53", "00.00.00.00", "[::1]:1", "fe80::1%\u202e", "1.2.3.4, x"),
        *("m@contoso.com", "S-1-5-18", "0x1e49a", "a" * 40, "https://[x", "a.b."),
        *("011d5ede-0faa-4946-a25e-b2cd0c47a52c", "/subscriptions/", "c:\\x", "NT\\m"),
        *("MD5", "SHA256AC", "e\u0301" * 3_000, "[1]", '{"a": 1}', 944, 0.5, 10**30),
        "/subscriptions/011d5ede-0faa-4946-a25e-b2cd0c47a52c/\u202ex",
    ]
)
IDS = st.sampled_from(["1", "2", "3", 4])
REFERENCES = st.builds(lambda reference: {"$ref": reference}, IDS)
LEAVES = st.one_of(NEARLY, REFERENCES, VALUES)


def objects(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Entities of any kind with ids of which many are equal or missing."""
    return st.fixed_dictionaries(
        {"Type": st.sampled_from(sorted(READERS))},
        optional={"$id": IDS, **dict.fromkeys(NAMES, inner)},
    )


def small_objects(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """The same with a few of the names: larger ones do not fit into what is nested."""
    return st.builds(
        lambda about, fields: fields | about,
        st.fixed_dictionaries(
            {"Type": st.sampled_from(sorted(READERS))}, optional={"$id": IDS}
        ),
        st.dictionaries(st.sampled_from(NAMES), inner, max_size=3),
    )


NODES = st.recursive(
    LEAVES,
    lambda inner: small_objects(inner) | st.lists(inner, max_size=3),
    max_leaves=8,
)
LISTS = st.one_of(
    st.lists(objects(NODES) | NODES, max_size=6), VALUES, st.builds(deep, st.just(60))
)
PROPERTIES = st.one_of(
    st.fixed_dictionaries({}, optional=dict.fromkeys(KEYS, LEAVES)), VALUES
)


@QUICK
@given(LISTS, PROPERTIES)
def test_anything_gives_bounded_entities(raw: object, extended: object) -> None:
    """No JSON value raises, and all that comes of it is bounded and can be stored."""
    found, warnings = entities_of(raw, extended)

    assert len(found) <= MOST_ENTITIES
    assert len(warnings) <= MOST_WARNINGS + 1
    assert all(len(warning) < 250 for warning in warnings)
    for entity in found:
        assert entity.identifier
        for text in texts(msgspec.structs.asdict(entity)):
            assert len(text) <= 2 * LONGEST_COMMAND
            assert clean(text) == text
    stored = msgspec.json.encode(found)
    assert msgspec.json.decode(stored, type=tuple[Entity, ...]) == found


@QUICK
@given(LISTS, PROPERTIES)
def test_case_of_names_does_not_matter(raw: object, extended: object) -> None:
    """Names of fields in upper or lower case, at any depth, give the same."""
    assert entities_of(cased(raw), cased(extended)) == entities_of(raw, extended)


@QUICK
@given(LISTS, PROPERTIES)
def test_what_is_read_stays_as_it_came(raw: object, extended: object) -> None:
    """The raw unit is archived and digested: reading must not change it."""
    before = written(raw, extended)

    once = entities_of(raw, extended)

    assert written(raw, extended) == before
    assert entities_of(raw, extended) == once


@QUICK
@given(st.lists(objects(NODES), max_size=4))
def test_no_entity_comes_twice(raw: list[object]) -> None:
    """A list that is said twice gives what it gives when it is said once."""
    once, _ = entities_of(raw)
    twice, _ = entities_of([*raw, *raw])

    assert twice == once
    assert all(entity not in once[:place] for place, entity in enumerate(once))


def cased(value: object) -> object:
    """The value with the case of its ASCII names swapped, where none then collide."""
    if isinstance(value, list):
        return [cased(item) for item in value]
    if not isinstance(value, dict):
        return value
    swapped = {
        name.swapcase() if name.isascii() else name: cased(item)
        for name, item in value.items()
    }
    collide = len({name.lower() for name in value}) < len(value)
    return value if collide or len(swapped) < len(value) else swapped


def written(*values: Any) -> bytes:  # noqa: ANN401  marshal wants no object
    """All of the values, of whatever depth and size: JSON and repr have bounds."""
    return marshal.dumps(values, 2)


def texts(value: object) -> list[str]:
    """Every text in a value, at any depth."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for pair in value.items() for item in pair for text in texts(item)]
    return []
