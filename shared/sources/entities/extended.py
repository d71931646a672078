"""What only the extended properties of an alert name: attackers, users, pods.

Their keys are ``topics``. What the entity list holds already is not lifted again
(wire-formats.md 7).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

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
from shared.sources.entities import identifiers
from shared.sources.entities.identifiers import tidy
from shared.sources.entities.likeness import marks, sought
from shared.sources.entities.properties import Properties, texts_in
from shared.sources.entities.topics import ADDRESSES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from shared.sources.entities.likeness import Mark
    from shared.sources.entities.problems import Problems

# Which of several processes they mean, nobody can tell.
_ONE_PROCESS = dict.fromkeys(("pid", "image file", "command"))
_DIGESTS = {
    "md5": "md5",
    "sha1": "sha1",
    "sha256": "sha256",
    "sha256 of a file": "sha256",
}


def lift(raw: object, held: Sequence[Entity], problems: Problems) -> list[Entity]:
    """The entities that the properties name and ``held`` does not hold, each once.

    ``raw`` is an object or a text that holds one; never raises.
    """
    said = Properties(raw, problems)
    # Most say again what the list holds, in the same words.
    return [] if said.is_within(repeated(held)) else lift_news(said, held)


def lift_news(said: Properties, held: Sequence[Entity]) -> list[Entity]:
    """The same, with a closer look at every value."""
    found: list[Entity] = []
    known: set[Mark] = set().union(*map(marks, held))
    for topics, lifter in _LIFTERS:
        if topics.isdisjoint(said.topics):
            continue
        for entity in lifter(said):
            if known.isdisjoint(sought(entity)):
                known |= marks(entity)
                found.append(entity)
    return found


def repeated(held: Sequence[Entity]) -> dict[str, Sequence[str] | None]:
    """By topic, values that name nothing new, as they are mostly written.

    Under None nothing is new, whatever it is.
    """
    hosts: list[str] = []
    users: list[str] = []
    addresses: list[str] = []
    found: dict[str, Sequence[str] | None] = {
        ADDRESSES: addresses,
        "compromised host": hosts,
        "hosts": hosts,
        # It says what other values are about.
        "resource type": None,
        "user": users,
    }
    for entity in held:
        if type(entity) is Host:
            hosts.append(entity.name)
        elif type(entity) is Ip:
            addresses.append(entity.address)
        elif type(entity) is Account:
            # Where the first backslash is, a name is cut in two.
            if entity.name and "\\" not in (entity.domain or entity.name):
                local = f"{entity.domain}\\{entity.name}"
                users.append(local if entity.domain else entity.name)
        elif type(entity) is Process:
            found.update(_ONE_PROCESS)
    return found


def _addresses(said: Properties) -> Iterator[Entity]:
    for key, value in said.each(ADDRESSES):
        for text in texts_in(value):
            good, bad = _sorted_tokens(text)
            for token in () if key.is_free else bad:
                said.tell("not an address", token)
            for address, is_public in good:
                yield Ip(
                    origin=Origin.EXTENDED,
                    address=address,
                    is_public=is_public,
                    is_asset=key.is_own,
                )


def _sorted_tokens(text: str) -> tuple[list[tuple[str, bool]], list[str]]:
    """The addresses in "IP Address: 192.0.2.1", and what should be one and is not."""
    tokens = identifiers.address_tokens(text)
    good = [known for t in tokens if (known := identifiers.address(t)) is not None]
    bad = [t for t in tokens if t[0].isdigit() and identifiers.address(t) is None]
    return good, bad if good or bad else [text]


def _accounts(said: Properties) -> Iterator[Entity]:
    names = said.names("user")
    upns = said.formed("a UPN", identifiers.upn, "upn")
    sids = said.formed("a SID", identifiers.sid, "sid")
    object_ids = said.formed("an object id", identifiers.guid, "object id")
    if max(len(names), len(upns), len(sids), len(object_ids)) == 1:
        # One of each is one user.
        yield _account(*map("".join, (names, upns, sids, object_ids)))
    else:
        yield from (_account(name) for name in names)
        yield from (_account(upn=upn) for upn in upns)
        yield from (_account(sid=sid) for sid in sids)
        yield from (_account(object_id=object_id) for object_id in object_ids)
    yield from (_account(name) for name in said.names("other users"))


def _account(
    name: str = "", upn: str = "", sid: str = "", object_id: str = ""
) -> Account:
    domain, _, after = name.partition("\\")
    if not (domain and after):
        domain, after = "", name
    return Account(
        origin=Origin.EXTENDED,
        name=after,
        domain=domain,
        upn=upn,
        sid=sid,
        object_id=object_id,
    )


def _hosts(said: Properties) -> Iterator[Entity]:
    for name in said.names("compromised host"):
        yield Host(origin=Origin.EXTENDED, name=name, is_asset=True)
    for name in said.names("hosts"):
        yield Host(origin=Origin.EXTENDED, name=name)


def _names_of_the_net(said: Properties) -> Iterator[Entity]:
    for text in said.names("domain"):
        # Windows alerts call the NetBIOS domain of an account by the same key.
        if "." in text and (domain := identifiers.domain(text)) is not None:
            yield Dns(origin=Origin.EXTENDED, domain=domain)
    for text in said.texts("url"):
        yield Url(origin=Origin.EXTENDED, url=identifiers.url(text))


def _digests(said: Properties) -> Iterator[Entity]:
    for topic, algorithm in _DIGESTS.items():
        for text in said.names(topic):
            if (known := identifiers.digest(algorithm, text)) is None:
                said.tell(f"not a digest by {algorithm}", text)
            else:
                _, digest = known
                yield FileHash(
                    origin=Origin.EXTENDED, algorithm=algorithm, digest=digest
                )


def _kubernetes(said: Properties) -> Iterator[Entity]:
    pods, images = said.names("pod"), said.names("image")
    kind = " ".join(said.texts("resource type")).lower()
    spaces: list[str] = []
    containers: list[str] = []
    # Service Bus has namespaces too, and storage accounts have containers.
    if pods or "kubernetes" in kind or "cluster" in kind:
        spaces, containers = said.names("namespace"), said.names("container")
    within = {"namespace": spaces[0]} if len(spaces) == 1 else {}
    yield from (_named("k8s-namespace", name) for name in spaces)
    yield from (_named("k8s-pod", name, **within) for name in pods)
    yield from (_named("container", name, **within) for name in containers)
    yield from (_named("container-image", name) for name in images)


def _named(kind: str, name: str, **attributes: str) -> Named:
    return Named(origin=Origin.EXTENDED, kind=kind, name=name, attributes=attributes)


def _processes(said: Properties) -> Iterator[Entity]:
    images, commands = said.texts("image file"), said.texts("command")
    pids = [identifiers.process_id(text) for text in said.texts("pid")]
    process = Process(
        origin=Origin.EXTENDED,
        pid=pids[0] if pids else None,
        image=tidy(images[0]) if images else "",
        command_line=commands[0] if commands else "",
    )
    if process.identifier:
        yield process


# What lifts entities, by the topics without which it has nothing to lift.
_LIFTERS: tuple[
    tuple[frozenset[str], Callable[[Properties], Iterator[Entity]]], ...
] = (
    (frozenset({ADDRESSES}), _addresses),
    (frozenset({"user", "other users", "upn", "sid", "object id"}), _accounts),
    (frozenset({"compromised host", "hosts"}), _hosts),
    (frozenset({"domain", "url"}), _names_of_the_net),
    (frozenset(_DIGESTS), _digests),
    (frozenset({"pod", "namespace", "container", "image"}), _kubernetes),
    (frozenset({"pid", "image file", "command"}), _processes),
)
