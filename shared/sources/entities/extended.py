"""What only the extended properties of an alert name: attackers, users, pods.

Their keys are free text (`Client IP address`, `client IP address`, `Attacker source
IP`), so they are compared without case, spaces and punctuation. What the entity list
holds already is not lifted again (wire-formats.md 7).
"""

from __future__ import annotations

import re
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
from shared.sources.entities.properties import Properties

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from shared.sources.entities.likeness import Mark
    from shared.sources.entities.problems import Problems

# Whose address it is. `source` and `attackers` hold more than addresses:
# "FreeRDP (96.81.218.10)".
_ADDRESS = re.compile(
    r"(attacker|attackersource|caller|client|external|login|malicious|remote|requester"
    r"|source|src|suspicious|user)?ip(s|address|addresses)?"
)
_OWN_ADDRESS = re.compile(
    r"(compromisedhost|dest|destination|host|local|machine|private|server|target|victim"
    r"|vm)ip(s|address|addresses)?"
)
_MAY_HOLD_ADDRESS = frozenset({"attackers", "source"})

_USER = ("username", "user", "useraccount", "account", "accountname")
_OTHER_USERS = (
    "attackerusername",
    "callername",
    "clientprincipalname",
    "compromisedaccount",
    "compromiseduser",
    "createdaccount",
    "loginname",
    "principalname",
)
_UPN = ("userprincipalname", "upn", "accountupn")
_SID = ("usersid", "accountsid", "sid")
_OBJECT_ID = ("userobjectid", "aaduserid", "principalobjectid", "callerobjectid")
_COMPROMISED_HOST = ("compromisedhost", "compromisedmachine")
_HOST = ("machinename", "hostname", "host", "computername", "virtualmachinename")
_OTHER_HOSTS = ("attackersourcecomputername", "attackerhostname", "clienthostname")
_DOMAIN = ("domainname", "domain", "suspiciousdomain", "suspiciousdomainname")
_URL = ("url", "suspiciousurl", "maliciousurl")
_DIGESTS = {"md5": "md5", "sha1": "sha1", "sha256": "sha256", "filesha256": "sha256"}
_POD = ("podname", "pod")
_NAMESPACE = ("namespace", "podnamespace")
_CONTAINER = ("containername",)
_IMAGE = ("containerimage", "imagename", "image")
_PID = ("suspiciousprocessid", "processid", "pid")
_IMAGE_FILE = ("suspiciousprocess", "processpath", "processname")
_COMMAND = ("suspiciouscommandline", "commandline")


def lift(raw: object, held: Sequence[Entity], problems: Problems) -> list[Entity]:
    """The entities that the properties name and ``held`` does not hold, each once.

    ``raw`` is an object or a text that holds one; never raises.
    """
    said = Properties(raw, problems)
    if not said.keys:
        return []
    found: list[Entity] = []
    known: set[Mark] = set()
    for lifter in _LIFTERS:
        for entity in lifter(said):
            if not known:
                known.update(*map(marks, held))
            if known.isdisjoint(sought(entity)):
                known.update(marks(entity))
                found.append(entity)
    return found


def _addresses(said: Properties) -> Iterator[Entity]:
    for key in said.keys:
        # Cheaper than a match, and most keys end here.
        is_own = "ip" in key and bool(_OWN_ADDRESS.fullmatch(key))
        is_address = is_own or ("ip" in key and bool(_ADDRESS.fullmatch(key)))
        if not is_address and key not in _MAY_HOLD_ADDRESS:
            continue
        for text in said.texts(key):
            good, bad = _sorted_tokens(text)
            for token in bad if is_address else ():
                said.tell("not an address", token)
            for address, is_public in good:
                yield Ip(
                    origin=Origin.EXTENDED,
                    address=address,
                    is_public=is_public,
                    is_asset=is_own,
                )


def _sorted_tokens(text: str) -> tuple[list[tuple[str, bool]], list[str]]:
    """The addresses in "IP Address: 192.0.2.1", and what should be one and is not."""
    tokens = identifiers.address_tokens(text)
    good = [known for t in tokens if (known := identifiers.address(t)) is not None]
    bad = [t for t in tokens if t[0].isdigit() and identifiers.address(t) is None]
    return good, bad if good or bad else [text]


def _accounts(said: Properties) -> Iterator[Entity]:
    names = said.names(*_USER)
    upns = said.formed("a UPN", identifiers.upn, *_UPN)
    sids = said.formed("a SID", identifiers.sid, *_SID)
    object_ids = said.formed("an object id", identifiers.guid, *_OBJECT_ID)
    if max(len(names), len(upns), len(sids), len(object_ids)) == 1:
        # One of each is one user.
        ids = ("".join(ids) for ids in (upns, sids, object_ids))
        yield _account("".join(names), *ids)
    else:
        yield from (_account(name) for name in names)
        yield from (_account(upn=upn) for upn in upns)
        yield from (_account(sid=sid) for sid in sids)
        yield from (_account(object_id=object_id) for object_id in object_ids)
    yield from (_account(name) for name in said.names(*_OTHER_USERS))


def _account(
    name: str = "", upn: str = "", sid: str = "", object_id: str = ""
) -> Account:
    before, backslash, after = name.partition("\\")
    is_full = bool(backslash and before and after)
    return Account(
        origin=Origin.EXTENDED,
        name=after if is_full else name,
        domain=before if is_full else "",
        upn=upn,
        sid=sid,
        object_id=object_id,
    )


def _hosts(said: Properties) -> Iterator[Entity]:
    for name in said.names(*_COMPROMISED_HOST):
        yield Host(origin=Origin.EXTENDED, name=name, is_asset=True)
    for name in said.names(*_HOST, *_OTHER_HOSTS):
        yield Host(origin=Origin.EXTENDED, name=name)


def _names_of_the_net(said: Properties) -> Iterator[Entity]:
    for text in said.names(*_DOMAIN):
        # Windows alerts call the NetBIOS domain of an account by the same key.
        if "." in text and (domain := identifiers.domain(text)) is not None:
            yield Dns(origin=Origin.EXTENDED, domain=domain)
    for text in said.texts(*_URL):
        yield Url(origin=Origin.EXTENDED, url=identifiers.url(text))


def _digests(said: Properties) -> Iterator[Entity]:
    for key, algorithm in _DIGESTS.items():
        for text in said.names(key):
            if (known := identifiers.digest(algorithm, text)) is None:
                said.tell(f"not a digest by {algorithm}", text)
            else:
                _, digest = known
                yield FileHash(
                    origin=Origin.EXTENDED, algorithm=algorithm, digest=digest
                )


def _kubernetes(said: Properties) -> Iterator[Entity]:
    pods, images = said.names(*_POD), said.names(*_IMAGE)
    kind = " ".join(said.texts("resourcetype")).lower()
    spaces: list[str] = []
    containers: list[str] = []
    # Service Bus has namespaces too, and storage accounts have containers.
    if pods or "kubernetes" in kind or "cluster" in kind:
        spaces, containers = said.names(*_NAMESPACE), said.names(*_CONTAINER)
    within = {"namespace": spaces[0]} if len(spaces) == 1 else {}
    yield from (_named("k8s-namespace", name) for name in spaces)
    yield from (_named("k8s-pod", name, **within) for name in pods)
    yield from (_named("container", name, **within) for name in containers)
    yield from (_named("container-image", name) for name in images)


def _named(kind: str, name: str, **attributes: str) -> Named:
    return Named(origin=Origin.EXTENDED, kind=kind, name=name, attributes=attributes)


def _processes(said: Properties) -> Iterator[Entity]:
    images, commands = said.texts(*_IMAGE_FILE), said.texts(*_COMMAND)
    pids = [identifiers.process_id(text) for text in said.texts(*_PID)]
    process = Process(
        origin=Origin.EXTENDED,
        pid=pids[0] if pids else None,
        image=tidy(images[0]) if images else "",
        command_line=commands[0] if commands else "",
    )
    if process.identifier:
        yield process


_LIFTERS: tuple[Callable[[Properties], Iterator[Entity]], ...] = (
    _addresses,
    _accounts,
    _hosts,
    _names_of_the_net,
    _digests,
    _kubernetes,
    _processes,
)
