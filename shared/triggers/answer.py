"""What goes back to whoever sent a request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from http import HTTPStatus


class Answer(NamedTuple):
    """What goes back; no body where the sender is to learn nothing."""

    status: HTTPStatus
    content: dict[str, Any] | None = None
    headers: Mapping[str, str] = {}


def problem(path: str, text: str) -> dict[str, Any]:
    """The content that says what is wrong, and where in the request."""
    return {"problems": [{"path": path, "problem": text}]}
