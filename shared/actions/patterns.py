"""Patterns by RE2: no text of a policy can make one run for long.

As Alertmanager's they must fit the whole value; as all values here they have no case.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Protocol

# Of a value (review F12): what an attacker writes behind them changes nothing.
LONGEST = 1_000


class Pattern(Protocol):
    """A compiled pattern of RE2."""

    def fullmatch(self, text: bytes) -> object | None:
        """Something, where the whole text fits."""
        ...


def fits(pattern: str, value: str) -> bool:
    """Whether the first ``LONGEST`` characters of a value fit the whole pattern.

    Raises ValueError where the pattern is none.
    """
    # A lone surrogate, which is no UTF-8, is seen as a question mark.
    seen = value[:LONGEST].encode("utf-8", "replace")
    return compiled(pattern).fullmatch(seen) is not None


@lru_cache(maxsize=256)
def compiled(text: str) -> Pattern:
    """The pattern. Raises ValueError saying why it is none, without repeating it."""
    # Imported here: only a policy with patterns pays for it.
    import re2  # noqa: PLC0415

    options = re2.Options()
    # It would write what it does not like to stderr.
    options.log_errors = False
    options.case_sensitive = False
    # A line break in a title must not lead around a route.
    options.dot_nl = True
    try:
        found: Pattern = re2.compile(text, options)
    except (re2.error, UnicodeEncodeError) as error:
        raise ValueError(f"expected a pattern of RE2: {_why(error)}") from None
    return found


def _why(error: Exception) -> str:
    """What RE2 says is wrong, without the text it says it of."""
    said = error.args[0]
    if not isinstance(said, bytes):
        return "it is no valid text"
    return said.decode("utf-8", "replace").partition(":")[0]
