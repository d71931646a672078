"""Events of the archive as files, or as lines, that hold them byte for byte."""

from __future__ import annotations

import re
from contextlib import ExitStack
from typing import TYPE_CHECKING, Protocol

import msgspec

from cli.archive.period import Once, fetched
from cli.parse import harmless
from shared.store.batches import day_of, text_or_base64

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime
    from pathlib import Path
    from typing import BinaryIO, Self

    from cli.archive.period import Period
    from shared.store.archive import Archive
    from shared.store.batches import Line

# Files open at once: one for each day and source that is being written.
MOST_OPEN = 64

_STRANGE = re.compile(r"[^A-Za-z0-9._-]")


class Exported(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One event as it is exported; ``sha256`` is of its bytes."""

    source: str
    place: str
    received_at: datetime
    sha256: str
    body: str | None = None
    base64: str | None = None


class Outcome(msgspec.Struct):
    """What came of an export; ``broken`` says what could not be read."""

    blobs: int = 0
    events: int = 0
    bytes: int = 0
    broken: list[str] = []


class Sink(Protocol):
    """Where events go."""

    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...
    def write(self, line: Line) -> None:
        """Take one event."""
        ...


class Stream:
    """Lines of JSON, all in one stream."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.flush()

    def write(self, line: Line) -> None:
        """Write it as a line."""
        self._stream.write(encoded(line))


class Lines:
    """A file of lines for each day and source, below a folder. Overwrites none.

    Until all of them are whole they end in ``.partial``.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[Path, BinaryIO] = {}
        self._made: set[Path] = set()
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._stack.close()
        if raised[0] is None:
            for path in self._made:
                _partial(path).rename(path)

    def write(self, line: Line) -> None:
        """Write it as a line of its file. Raises OSError."""
        path = _below(self._folder, line, ".ndjson")
        if path not in self._files:
            if len(self._files) >= MOST_OPEN:
                self._stack.close()
                self._files.clear()
            self._files[path] = self._stack.enter_context(self._opened(path))
        self._files[path].write(encoded(line))

    def _opened(self, path: Path) -> BinaryIO:
        if path in self._made:
            return _partial(path).open("ab")
        if path.exists():
            raise FileExistsError(f"{path} is there already: name another folder")
        path.parent.mkdir(parents=True, exist_ok=True)
        self._made.add(path)
        return _partial(path).open("wb")


class Files:
    """A file for each event, its bytes and nothing else. Overwrites none."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def write(self, line: Line) -> None:
        """Write it to a file of its own. Raises OSError."""
        # Ended so that `firewatch run --feed` takes each for one event.
        name = f"{_safe(line.place)}-{line.sha256[:12]}.event"
        path = _below(self._folder, line, f"/{name}")
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            file.write(line.raw)


async def export(
    archive: Archive,
    names: Iterable[str],
    period: Period,
    sink: Sink,
    tell: Callable[[Outcome], None],
) -> Outcome:
    """Give each event of the period to the sink once, in the order of the names."""
    done, once = Outcome(), Once()
    async for _name, lines in fetched(archive, names):
        done.blobs += 1
        if isinstance(lines, Exception):
            done.broken.append(str(lines))
            continue
        for line in lines:
            if period.has(line.received_at) and once(line):
                sink.write(line)
                done.events += 1
                done.bytes += len(line.raw)
        tell(done)
    return done


def encoded(line: Line) -> bytes:
    """An event as a line of JSON on which no terminal acts, and of which nothing is lost."""
    raw = line.raw
    found = Exported(
        source=line.source,
        place=line.place,
        received_at=line.received_at,
        sha256=line.sha256,
        **text_or_base64(raw),
    )
    return harmless(msgspec.json.encode(found).decode()).encode() + b"\n"


def _below(folder: Path, line: Line, ending: str) -> Path:
    """A file of a day and a source: whatever these say, it is below the folder."""
    parts = [_safe(part) for part in line.source.split("/")]
    return folder.joinpath(
        str(day_of(line.received_at)), *parts[:-1], parts[-1] + ending
    )


def _partial(path: Path) -> Path:
    """What a file is called until it is whole."""
    return path.with_name(f"{path.name}.partial")


def _safe(part: str) -> str:
    """A part of a path that leads nowhere else."""
    return _STRANGE.sub("_", part).lstrip(".") or "_"
