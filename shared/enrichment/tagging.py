"""The tags of an incident's resources: as evidence, and on its head for matchers."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from shared.enrichment.inquiries import Topic, answer
from shared.enrichment.workspaces import wholes
from shared.model import tags as tags_of
from shared.model.evidence import TAGS, Lack
from shared.model.incident import MOST_TAGS, IncidentStatus
from shared.model.resource import display_name
from shared.model.text import plain

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from collections.abc import Set as AbstractSet
    from datetime import datetime

    from shared.enrichment.tags import Found, Tags
    from shared.model.evidence import Evidence
    from shared.model.incident import Incident

_SHOWN = 60
_MOST_NAMED = 2
_MOST_TAGS = 3


class ResourceTags:
    """An ``Inquiry`` of the tags, where the policy goes by any.

    ``critical`` are those that mean a critical asset, as ``name=value``; ``names`` gives
    those that routes and silences ask for, in lower case.
    """

    topic = Topic(
        TAGS,
        "Which tags do its resources have?",
        ("Resource", "Tag", "Value", "IsCritical", "Id"),
        -1,
    )

    def __init__(
        self,
        tags: Tags,
        *,
        critical: Sequence[str],
        names: Callable[[], Awaitable[AbstractSet[str]]],
    ) -> None:
        self._tags = tags
        self._critical = [tags_of.parse(each) for each in critical]
        self._names_now = names
        # As ``is_wanted`` found them: every look asks that first.
        self._names: AbstractSet[str] = frozenset()

    async def is_wanted(self, head: Incident) -> bool:
        """Whether a route or silence of now may ask for a tag of it that is not known."""
        self._names = await self._names_now()
        return self.is_open(head)

    async def onto(self, head: Incident) -> Incident:
        """The head with the tags that they ask for, as far as these can be known."""
        kept = self._kept(head)
        found = await self._tags.of(kept)
        tags: dict[str, dict[str, str]] = {}
        for each in kept:
            given = found.tags.get(each)
            known = head.tags.get(each, {})
            if given is not None:
                known = {name: given.get(name, "") for name in self._names}
            wanted = {name: known[name] for name in sorted(self._names & known.keys())}
            if wanted:
                tags[each] = wanted
        return replace(head, tags=tags)

    def is_open(self, head: Incident) -> bool:
        """The same, by the routes and silences of a moment ago."""
        is_open = head.status is IncidentStatus.OPEN and head.was_active
        if not is_open or head.is_sample:
            return False
        return any(
            not self._names <= head.tags.get(each, {}).keys()
            for each in self._kept(head)
        )

    def _kept(self, head: Incident) -> list[str]:
        """The resources whose tags a head has room for."""
        most = MOST_TAGS // len(self._names) if self._names else 0
        return wholes(head.resources)[:most]

    def subject(self, head: Incident) -> str:
        """The resources; nothing where no tag matters. Those of samples are made up."""
        if head.is_sample or not (self._critical or self._names):
            return ""
        found = wholes(head.resources)
        named = ", ".join(_name(each) for each in found[:_MOST_NAMED])
        more = len(found) - _MOST_NAMED
        return f"{named} and {more} more" if more > 0 else named

    async def __call__(self, head: Incident, now: datetime) -> Evidence:
        """A row for each tag, the critical ones first."""
        ids = wholes(head.resources)
        found = await self._tags.of(ids)
        subject = self.subject(head)
        if not found.tags:
            lack = found.lack or Lack.FORBIDDEN
            return answer(self.topic, subject, now, lack=lack)
        lines = sorted(self._lines(found), key=self._place)
        return answer(
            self.topic,
            subject,
            now,
            rows=[line.row() for line in lines],
            reading=self._reading(lines),
            lack=Lack.PARTIAL if len(found.tags) < len(ids) else None,
        )

    def _lines(self, found: Found) -> list[_Line]:
        return [
            _Line(
                resource,
                name,
                value,
                any(tag.name == name and tag.is_in(tags) for tag in self._critical),
            )
            for resource, tags in found.tags.items()
            for name, value in tags.items()
        ]

    def _place(self, line: _Line) -> tuple[bool, bool, str, str]:
        is_other = line.name not in self._names
        return not line.is_critical, is_other, line.resource, line.name

    def _reading(self, lines: Sequence[_Line]) -> str:
        if not lines:
            return "Its resources have no tags."
        critical = [line for line in lines if line.is_critical]
        shown = ", ".join(str(line) for line in (critical or lines)[:_MOST_TAGS])
        more = len(lines) - min(len(critical or lines), _MOST_TAGS)
        rest = f"; {more} more {'tag' if more == 1 else 'tags'}" if more else ""
        if critical:
            return f"Critical by the policy: {shown}{rest}."
        none = "; none is critical by the policy" if self._critical else ""
        return f"Tags: {shown}{rest}{none}."


class _Line(NamedTuple):
    """One tag of a resource."""

    resource: str
    name: str
    value: str
    is_critical: bool

    def row(self) -> tuple[str, ...]:
        return (
            display_name(self.resource),
            self.name,
            self.value,
            str(self.is_critical).lower(),
            self.resource,
        )

    def __str__(self) -> str:
        tag = f"{plain(self.name, _SHOWN)}={plain(self.value, _SHOWN)}"
        return f"{tag} on {_name(self.resource)}"


def _name(resource: str) -> str:
    return plain(display_name(resource), _SHOWN)
