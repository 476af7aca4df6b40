"""`pocket import`: from magic-pocket to Pocket."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pocket.cli.options import Local, Yes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pocket.deploy.operate.takeover import FormerPlace
    from pocket.scaffold.magic_pocket.translation import Translation

KEPT = "magic-pocket.toml"
"""The name under which the file of magic-pocket stays in the project."""


def import_(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]",
            help=f"File of magic-pocket. Defaults to pocket.toml, with --stage to {KEPT} if it exists.",
        ),
    ] = None,
    stage: Annotated[
        str | None,
        typer.Option("--stage", "-s", metavar="STAGE", help="Copy this stage's secrets; pocket.toml must be written."),
    ] = None,
    local: Local = False,
    yes: Yes = False,
) -> None:
    """Translate a pocket.toml of magic-pocket, or copy a stage's secrets from where magic-pocket keeps them."""
    from pocket.config.file import FILE_NAME

    if stage is None:
        _translate(file or Path(FILE_NAME), yes=yes)
    else:
        _take_over(file or _kept(Path(FILE_NAME)), stage, local=local, yes=yes)


def _kept(source: Path) -> Path:
    """The file of magic-pocket: a file that Pocket accepts as it stands is not kept under another name."""
    return Path(KEPT) if Path(KEPT).exists() else source


def _read(path: Path) -> tuple[str, Translation]:
    from pocket.config import file
    from pocket.scaffold.magic_pocket.translation import translate

    text = file.read_text(path)
    return text, translate(file.parse(text, path), Path.cwd())


def _translate(source: Path, *, yes: bool) -> None:
    from pocket.cli.failure import write
    from pocket.cli.init import write_changes
    from pocket.config.file import FILE_NAME
    from pocket.errors import ConfigError
    from pocket.scaffold import changes, toml_text

    folder = Path.cwd()
    target = folder / FILE_NAME
    text, translation = _read(source)
    if target.exists() and target.resolve() != source.resolve():
        raise ConfigError(
            f"{FILE_NAME} exists already.", f"Rename it first, or copy secrets: pocket import {source} --stage STAGE"
        )
    if _is_accepted(text, target):
        write("info", f"{source} is valid for Pocket as it is; nothing was changed.")
        kept = _kept(source)
        for step in _steps(_read(kept)[1], kept):
            sys.stderr.write(f"{step}\n")
        return
    written = toml_text.text(translation.tables, below=tuple(translation.tables["general"]["stages"]))
    planned = changes.change(folder, FILE_NAME, f"# Translated from magic-pocket by pocket import.\n\n{written}")
    kept = source
    if target.exists():
        kept = Path(KEPT)
        planned += changes.change(folder, KEPT, text)
    steps = _steps(translation, kept)
    write_changes(planned, steps, yes=yes, remarks=_remarks(translation, written, target))


def _is_accepted(text: str, path: Path) -> bool:
    """Whether the text is a file of Pocket, and each of its stages could be deployed."""
    from pocket.config import loads
    from pocket.deploy.template.validate import refuse_unsupported
    from pocket.errors import PocketError

    try:
        project = loads(text, path)
        for stage in project.stages.values():
            refuse_unsupported(project, stage)
    except PocketError:
        return False
    return True


def _remarks(translation: Translation, text: str, path: Path) -> Iterator[tuple[str, str]]:
    """What has no counterpart, and what of the translation needs a change by hand, each with what to do."""
    from pocket.config import loads
    from pocket.errors import ConfigErrors

    for note in translation.notes:
        yield "warning", f"No counterpart: {', '.join(note.keys)}\n{note.advice}"
    for old, new in translation.buckets.values():
        yield "info", f"Bucket {old} stays. Copy its uploads after the first deploy: aws s3 sync s3://{old} s3://{new}"
    try:
        loads(text, path)
    except ConfigErrors as errors:
        for error in errors.errors:
            hint = f"\n{error.hint}" if error.hint else ""
            yield "warning", f"Change by hand: {error.key}: {error.message}{hint}"


def _steps(translation: Translation, kept: Path) -> Iterator[str]:
    yield "Replace magic-pocket by django-pocket[s3] in the requirements. Both are the package `pocket`: uninstall the"
    yield '  former. Add "pocket.django" to INSTALLED_APPS.'
    for stage, former in translation.former.items():
        if former:
            yield f"Copy the secrets of stage {stage}: pocket import {kept} --stage {stage}"
    yield "Next: pocket check, then pocket local"


def _take_over(source: Path, stage: str, *, local: bool, yes: bool) -> None:
    from pocket.cli.console import reporter
    from pocket.cli.failure import write
    from pocket.cli.project import destination
    from pocket.cli.secrets import confirm
    from pocket.deploy.operate import stage_secrets, takeover
    from pocket.deploy.stacks import secret_holders

    place = destination(stage, local=local)
    _, translation = _read(source)
    former = [takeover.FormerPlace(*item) for item in translation.former.get(stage, ())]
    planned = takeover.plan(place.stage, place.target, former)
    for names, why in (
        (planned.kept, "Pocket has a value already, which stays"),
        (planned.absent, f"magic-pocket has no value in {place.stage.region}"),
        (planned.undeclared, f"not a secret of stage {stage} in pocket.toml"),
    ):
        if names:
            write("info", f"Not copied, {why}: {', '.join(names)}.")
    if not planned.values:
        write("info", "There is nothing to copy.")
        return
    new = {name: secret_holders.place(stage_secrets.variable(place.stage, name)) for name in planned.values}
    for name, found in planned.places.items():
        write("info", f"{name}: from {_former(found)} to {new[name].partition('#')[0]}")
    confirm(place, "Copy these values?", yes=yes)
    takeover.carry_out(place.stage, place.target, planned, reporter(assume_yes=yes))
    write("info", f"The old places are unchanged. Next: pocket deploy --stage {stage}")


def _former(place: FormerPlace) -> str:
    return f"{'parameter' if place.service == 'ssm' else 'secret'} {place.secret_id}"
