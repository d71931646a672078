"""Tags of Azure resources. Azure compares their names without case, and so are values."""

from __future__ import annotations

from typing import NamedTuple

# Azure's own limits (tag-resources); what is longer is none of its tags.
LONGEST_NAME = 512
LONGEST_VALUE = 256
MOST_OF_ONE = 50


class Tag(NamedTuple):
    """A tag that somebody names, in lower case."""

    name: str
    value: str

    def is_in(self, tags: dict[str, str]) -> bool:
        """Whether a resource with these tags has it; names are in lower case."""
        return tags.get(self.name, "").lower() == self.value


def parse(text: str) -> Tag:
    """A tag from a text such as ``criticality=high``; raises ValueError."""
    name, sign, value = (part.strip() for part in text.partition("="))
    if not (sign and 0 < len(name) <= LONGEST_NAME and 0 < len(value) <= LONGEST_VALUE):
        raise ValueError("expected a tag as name=value, such as criticality=high")
    return Tag(name.lower(), value.lower())
