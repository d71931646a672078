"""Azure Resource Graph: tags of many resources in one request, and rows of a question.

It answers of what the identity may read, some minutes late: what it leaves out is not
there, or not for us to see. (remote-apis-azure.md 0.4 and 19.12)
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from shared.clouds.arm import resets_after
from shared.model.errors import FailureReason, PermanentFailure
from shared.model.resource import subscription
from shared.model.tags import LONGEST_NAME, LONGEST_VALUE, MOST_OF_ONE
from shared.model.text import cut

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from shared.clouds.arm import Arm

PATH = "/providers/Microsoft.ResourceGraph/resources"
VERSION = "2022-10-01"
PERMISSION = "to read the resources (role Reader)"

# A page has that many; nobody asks for more.
MOST_RESOURCES = 1_000

MOST_PAGES = 100

# What a quoted text of the query is made of: an alert says which resource it is about.
_SAFE = re.compile(r"/subscriptions/[0-9a-f-]{36}(?:/[a-z0-9._()-]{1,260})+")

_NO_TIME = timedelta(0)


class Shown(NamedTuple):
    """The tags of the resources that were shown, names in lower case.

    For ``rest`` nobody is to ask again.
    """

    tags: dict[str, dict[str, str]]
    rest: timedelta = _NO_TIME


class ResourceGraph:
    """Asks Resource Graph through ``arm``."""

    def __init__(self, arm: Arm) -> None:
        self._arm = arm

    async def tags(self, canonical_ids: Sequence[str]) -> Shown:
        """The tags of each of these that the identity may read.

        One whose id would break the query is not asked about. Raises TransientFailure
        and PermanentFailure.
        """
        asked = [each for each in canonical_ids if _SAFE.fullmatch(each)]
        asked = asked[:MOST_RESOURCES]
        if not asked:
            return Shown({})
        content, headers = await self._arm.ask(
            PATH,
            VERSION,
            {
                "subscriptions": sorted({subscription(each) for each in asked}),
                "query": _query(asked),
                "options": {"resultFormat": "objectArray", "$top": MOST_RESOURCES},
            },
            permission=PERMISSION,
        )
        wanted = frozenset(asked)
        found = {name: tags for name, tags in _rows(content) if name in wanted}
        return Shown(found, _rest(headers))

    async def rows(
        self, subscriptions: Sequence[str], query: str
    ) -> list[dict[str, Any]]:
        """Every row that a question has in these subscriptions, on all its pages.

        The question must order its rows. Raises TransientFailure and PermanentFailure,
        the latter also where less comes than Resource Graph says that there is.
        """
        found: list[dict[str, Any]] = []
        options: dict[str, Any] = {
            "resultFormat": "objectArray",
            "$top": MOST_RESOURCES,
        }
        for _ in range(MOST_PAGES):
            content, _headers = await self._arm.ask(
                PATH,
                VERSION,
                {
                    "subscriptions": [*subscriptions],
                    "query": query,
                    "options": options,
                },
                permission=PERMISSION,
            )
            data = content.get("data")
            page = data if isinstance(data, list) else []
            found += [each for each in page if isinstance(each, dict)]
            token, total = content.get("$skipToken"), content.get("totalRecords")
            if not token or not page:
                if isinstance(total, int | float) and total > len(found):
                    break
                return found
            options = {**options, "$skipToken": token}
        raise PermanentFailure(
            FailureReason.INVALID, "Azure Resource Graph showed less than there is"
        )


def _query(asked: Sequence[str]) -> str:
    ids = ", ".join(f"'{each}'" for each in asked)
    return (
        f"resources | where id in~ ({ids}) | project id = tolower(id), tags"
        " | order by id asc"
    )


def _rows(content: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, str]]]:
    rows = content.get("data")
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict) and isinstance(row.get("id"), str):
            yield row["id"].lower(), _tags(row.get("tags"))


def _tags(given: object) -> dict[str, str]:
    """Whoever may write tags may write what they like: texts of bounded length alone."""
    found: dict[str, str] = {}
    for name, value in given.items() if isinstance(given, dict) else ():
        if isinstance(value, str) and len(found) < MOST_OF_ONE:
            found[_text(name, LONGEST_NAME).lower()] = _text(value, LONGEST_VALUE)
    return found


def _text(text: str, most: int) -> str:
    """The text, cut; halves of characters, which no row can hold, are marked."""
    return cut(text.encode(errors="replace").decode(), most)


def _rest(headers: Mapping[str, str]) -> timedelta:
    if headers.get("x-ms-user-quota-remaining", "").strip() != "0":
        return _NO_TIME
    return resets_after(headers) or _NO_TIME
