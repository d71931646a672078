"""What only the extended properties of an alert name: attackers, users, pods.

Their keys are ``topics``. What the entity list holds already is not lifted again
(wire-formats.md 7).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

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
from shared.sources.entities.likeness import ANY_PROCESS, marks, sought
from shared.sources.entities.properties import Properties
from shared.sources.entities.topics import ADDRESSES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from shared.sources.entities.likeness import Mark
    from shared.sources.entities.problems import Problems

_EXTENDED = Origin.EXTENDED
_MORE_ON_USERS = frozenset({"other users", "upn", "sid", "object id"})
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
    if not said.topics:
        return []
    found: list[Entity] = []
    known = marks(held)
    for row in _lifters(said.topics):
        if row.unless in known:
            continue
        for entity in row.lift(said):
            if known.isdisjoint(sought(entity)):
                known |= marks((entity,))
                found.append(entity)
    return found


@lru_cache(maxsize=1024)
def _lifters(topics: frozenset[str]) -> list[Lifter]:
    return [row for row in _LIFTERS if not row.topics.isdisjoint(topics)]


def _addresses(said: Properties) -> Iterator[Entity]:
    for key, texts in said.each(ADDRESSES):
        for text in texts:
            if (only := identifiers.only_address(text)) is not None:
                address, is_public = only
                yield Ip(
                    origin=_EXTENDED,
                    address=address,
                    is_public=is_public,
                    is_asset=key.is_own,
                )
                continue
            good, bad = _sorted_tokens(text)
            for token in () if key.is_free else bad:
                said.tell("not an address", token)
            for address, is_public in good:
                yield Ip(
                    origin=_EXTENDED,
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
    if said.topics.isdisjoint(_MORE_ON_USERS):
        yield from map(_account, names)
        return
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
        origin=_EXTENDED,
        name=after,
        domain=domain,
        upn=upn,
        sid=sid,
        object_id=object_id,
    )


def _hosts(said: Properties) -> Iterator[Entity]:
    for name in said.names("compromised host"):
        yield Host(origin=_EXTENDED, name=name, is_asset=True)
    for name in said.names("hosts"):
        yield Host(origin=_EXTENDED, name=name)


def _names_of_the_net(said: Properties) -> Iterator[Entity]:
    for text in said.names("domain"):
        # Windows alerts call the NetBIOS domain of an account by the same key.
        if "." in text and (domain := identifiers.domain(text)) is not None:
            yield Dns(origin=_EXTENDED, domain=domain)
    for text in said.texts("url"):
        yield Url(origin=_EXTENDED, url=identifiers.url(text))


def _digests(said: Properties) -> Iterator[Entity]:
    for topic, algorithm in _DIGESTS.items():
        for text in said.names(topic):
            if (known := identifiers.digest(algorithm, text)) is None:
                said.tell(f"not a digest by {algorithm}", text)
            else:
                _, digest = known
                yield FileHash(origin=_EXTENDED, algorithm=algorithm, digest=digest)


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
    return Named(origin=_EXTENDED, kind=kind, name=name, attributes=attributes)


def _processes(said: Properties) -> Iterator[Entity]:
    images, commands = said.texts("image file"), said.texts("command")
    pids = [identifiers.process_id(text) for text in said.texts("pid")]
    process = Process(
        origin=_EXTENDED,
        pid=pids[0] if pids else None,
        image=tidy(images[0]) if images else "",
        command_line=commands[0] if commands else "",
    )
    if process.identifier:
        yield process


class Lifter(NamedTuple):
    """What lifts entities, and the topics without which it has nothing to lift.

    ``unless`` is the mark of the one thing that it would lift.
    """

    lift: Callable[[Properties], Iterator[Entity]]
    topics: frozenset[str]
    unless: Mark | None = None


_LIFTERS = (
    Lifter(_addresses, frozenset({ADDRESSES})),
    Lifter(_accounts, frozenset({"user", "other users", "upn", "sid", "object id"})),
    Lifter(_hosts, frozenset({"compromised host", "hosts"})),
    Lifter(_names_of_the_net, frozenset({"domain", "url"})),
    Lifter(_digests, frozenset(_DIGESTS)),
    Lifter(_kubernetes, frozenset({"pod", "namespace", "container", "image"})),
    Lifter(_processes, frozenset({"pid", "image file", "command"}), ANY_PROCESS),
)
