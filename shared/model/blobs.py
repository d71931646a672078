"""Blobs of a storage account as a responder moves them: by what they are, never read."""

from __future__ import annotations

from typing import Protocol

import msgspec


class Blob(msgspec.Struct, frozen=True, kw_only=True):
    """What a blob is, without its content.

    ``size`` is in bytes, ``md5`` as it was put, in base64: empty where nobody gave one.
    One that is not ``is_whole`` is still being copied.
    """

    etag: str
    size: int
    md5: str = ""
    is_whole: bool = True

    def is_same_content(self, other: Blob) -> bool:
        """Whether it may hold the same, for all that is known without reading it."""
        return (self.size, self.md5) == (other.size, other.md5)


class Blobs(Protocol):
    """The blobs of one account, by paths such as ``/container/name``, percent-encoded.

    Everything raises as ``shared.model.rest.Rest`` does: a blob that has another etag by
    then is transient with reason CONFLICT.
    """

    async def find(self, path: str, *, permission: str = ...) -> Blob | None:
        """What a blob is; None where there is none."""
        ...

    async def copy(
        self, source: str, target: str, *, etag: str, permission: str = ...
    ) -> None:
        """Copy a blob of that etag to where there is none, whole before it returns.

        What came of it is proved by ``find`` of the target, and by nothing else.
        """
        ...

    async def remove(self, path: str, *, etag: str, permission: str = ...) -> None:
        """Delete a blob of that etag; one that is not there is done."""
        ...
