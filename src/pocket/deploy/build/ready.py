"""What a build makes ready before packages are installed. It reports nothing, so it can run beside other steps.

That is all that a deploy needs if the packages have not changed since the last one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pocket.deploy.build import archive, bytecode, packages, platforms, requirements
from pocket.errors import BuildFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from pocket.config.tables.awscontainer import AwsContainer
    from pocket.deploy.build.archive import Entry
    from pocket.deploy.build.packages import Layer
    from pocket.deploy.build.platforms import Platform
    from pocket.deploy.build.requirements import Requirements
    from pocket.deploy.build.snapshot import Snapshot

SOURCE = "source"
"""The folder in the build folder with the project's modules."""


@dataclass(frozen=True)
class Ready:
    """The exact packages, their `layers` if all from an index are there, and the project's own files.

    `options` are those that the packages were resolved with, `interpreter` compiles modules. `notes` and `of_source`
    are what the user should know about the packages, and about the project's files.
    """

    interpreter: str | None
    wanted: Requirements
    options: Sequence[str]
    layers: list[Layer] | None
    own: dict[str, Entry]
    notes: tuple[str, ...]
    of_source: tuple[str, ...]


def get_ready(
    directory: Path, container: AwsContainer, platform: Platform, folder: Path, taken: Callable[[], Snapshot]
) -> Ready:
    """Resolves the packages of the project in `directory`, and compiles its modules in the build `folder`.

    `taken` returns the project's files, of which the modules are in SOURCE there. Raises BuildFailed.
    """
    interpreter = bytecode.find_interpreter(platform.python)
    place = requirements.locate(directory, container.requirements)
    options = requirements.selection(container, place)
    wanted = requirements.resolve(directory, place, platform, options=options)
    made = packages.are_made(wanted, platform, interpreter, folder / "layers")
    layers = packages.install(wanted, platform, interpreter, folder / "layers") if made else None
    found = taken()
    own, invalid = _own_files(found.files, interpreter, folder / SOURCE)
    of_source = (*found.source.notes, *invalid)
    notes = tuple(_notes(platform, interpreter, wanted))
    return Ready(interpreter, wanted, options, layers, own, notes, of_source)


def missing_wheels(directory: Path, container: AwsContainer, ready: Ready) -> str:
    """Which packages, about to be built for this machine, may not build for Lambda; "" where all have a wheel."""
    # Reads versions and tags, whose library is not needed otherwise.
    from pocket.deploy.build import wheels

    there = platforms.lambda_platform(container.python_version, container.architecture)
    try:
        wanted = requirements.resolve(directory, ready.wanted.source, there, options=ready.options)
    except BuildFailed as error:
        return f"This build would fail for {there.label}. {error}"
    found = ", ".join(wheels.lacking(wanted.packages, there))
    hint = "A deploy refuses what has to be compiled. Use a package with a wheel: psycopg[binary] for psycopg2."
    return f"No wheel for Python {there.python} on {there.label}, only source: {found}. {hint}" if found else ""


def _notes(platform: Platform, interpreter: str | None, wanted: Requirements) -> Iterator[str]:
    if interpreter is None:
        effect = f"No Python {platform.python} on this machine, so functions compile their modules at each start."
        yield f"{effect} To compile them at build time: uv python install {platform.python}"
    if wanted.dropped:
        yield f"Left out, not needed in functions: {', '.join(wanted.dropped)}."


def _own_files(
    files: Mapping[str, Path], interpreter: str | None, place: Path
) -> tuple[dict[str, Entry], tuple[str, ...]]:
    """The project's files, of which the modules are in `place` and compiled there, and notes on them."""
    notes: tuple[str, ...] = ()
    if interpreter is not None and (invalid := bytecode.compile_tree(interpreter, place, processes=1)):
        notes = (f"Not valid Python: {', '.join(invalid)}.",)
    others = {name: archive.Entry.of(path) for name, path in files.items() if not path.is_relative_to(place)}
    return {**others, **archive.scan(place)}, notes
