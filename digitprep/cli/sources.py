"""What the commands on photos share: where photos are, how much one may take, and how they pass."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digitprep.errors import DataError, UsageError
from digitprep.limits import LIMITS, Limits

if TYPE_CHECKING:
    from digitprep.batch import Cleaned
    from digitprep.formats.provenance import Files
    from digitprep.sources import Source

NAMED_PLACES = 20  # on a page, which has the names of all photos
LIST = "-"  # in the place of photos: their names are read from stdin

Photos = Annotated[
    list[str],
    typer.Argument(
        metavar="PHOTOS",
        help="Image files, folders, .zip and .tar archives, addresses such as s3://bucket/photos/; "
        "or - for a list of them on stdin.",
    ),
]
MostBytes = Annotated[
    int, typer.Option("--max-bytes", min=1, help="How large a photo's file may be; larger ones are rejected.")
]
MostPixels = Annotated[
    int, typer.Option("--max-pixels", min=1, help="How many pixels a photo may have, and be read.")
]


def found_photos(
    places: Sequence[str], made: Sequence[Path] = (), limits: Limits = LIMITS
) -> Iterator[Source]:
    """The photos that were asked for, less the sheets of earlier runs, and what is to be replaced in `made`.

    They are walked as they are asked for; only the first one is looked for at once.

    Raises UsageError where a photo to clean lies in a folder that is to be replaced, DataError where there
    is none.
    """
    from digitprep.names import PHOTO_SUFFIXES

    own = {os.path.realpath(path): path for path in made}
    for place in places:
        _check_not_inside(place, own)
    replaced: list[str] = []
    photos = _left(places, own, replaced, limits)
    first = next(photos, None)
    if first is None:
        for place in replaced:
            _check_not_inside(place, own)
        asked = "the list" if list(places) == [LIST] else ", ".join(places)
        raise DataError(f"{asked}: expected photos ({', '.join(PHOTO_SUFFIXES)}), found none")
    return chain([first], photos)


def _left(
    places: Sequence[str], own: dict[str, Path], replaced: list[str], limits: Limits
) -> Iterator[Source]:
    """The photos that are none of `own`, nor in one; the first that is, is noted in `replaced`."""
    from digitprep.report.cleaning import is_own_sheet
    from digitprep.sources import find_photos

    for photo in find_photos(places_of(places), limits.bytes):
        if isinstance(photo, Path):
            if is_own_sheet(photo):
                continue
            if not own.keys().isdisjoint(_itself_and_folders(photo)):
                if not replaced:
                    replaced.append(str(photo))
                continue
        yield photo


def places_text(places: Sequence[str]) -> str:
    """The places as they are given on a command line, of many the first."""
    more = f" and {len(places) - NAMED_PLACES:,} more" if len(places) > NAMED_PLACES else ""
    return shlex.join(places[:NAMED_PLACES]) + more


def places_of(places: Sequence[str]) -> Iterator[str]:
    """The places, those of the list on stdin in its place."""
    from digitprep.sources import listed

    for place in places:
        yield from listed(sys.stdin.buffer) if place == LIST else [place]


def _check_not_inside(place: str, own: dict[str, Path]) -> None:
    """Raise UsageError where a place lies in a folder that is to be replaced."""
    for folder in _itself_and_folders(place)[1:]:
        if folder in own:
            raise UsageError(f"{own[folder]} holds {place}, to be cleaned; choose another destination")


def _itself_and_folders(file: str | Path) -> list[str]:
    """The real path of a file, links followed, and those of the folders that it lies in."""
    real = os.path.realpath(file)
    return [real, *map(str, Path(real).parents)]


class Places:
    """The files, folders and addresses that hold the photos, which may go while the work goes on."""

    def __init__(self, places: Sequence[str]) -> None:
        from digitprep.sources import is_there

        self._there = [place for place in places if place != LIST and is_there(place)]

    def check(self) -> None:
        """Raise DataError where one has gone: then it is not its photos that are at fault."""
        from digitprep.sources import is_there

        for place in self._there:
            if not is_there(place):
                reason = "it can no longer be read" if os.path.lexists(place) else "it is no longer there"
                raise DataError(f"{place}: {reason}; see to it, then the same command goes on where it was")


def photos_ahead(places: Sequence[str], made: Sequence[Path] = ()) -> int | None:
    """How many photos there are, for the progress bar; None off a terminal, and where to count takes long."""
    from digitprep.sources import is_quickly_walked

    if not sys.stderr.isatty() or not all(place != LIST and is_quickly_walked(place) for place in places):
        return None
    return sum(1 for _ in found_photos(places, made))


@dataclass
class Tally:
    """What is known of photos that pass: how many there are, and which files they were read from."""

    photos: int = 0
    files: Files = field(default_factory=lambda: _no_files())

    def each(self, found: Iterable[list[Cleaned]], advance: Any) -> Iterator[Cleaned]:
        """What came of each photo, one after the other, shown on the progress bar."""
        for cleaned in found:
            self.photos += 1
            if cleaned and cleaned[0].file:
                self.files.add(*cleaned[0].file)
            yield from cleaned
            advance()

    def origin(self, pipeline: str) -> dict[str, Any]:
        """The provenance of a dataset that is made of the photos that have passed."""
        from digitprep import __version__
        from digitprep.formats import provenance

        return provenance.record([self.files.record("photos")], __version__, pipeline=pipeline)


def _no_files() -> Files:
    from digitprep.formats.provenance import Files

    return Files()
