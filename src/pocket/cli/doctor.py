"""`pocket doctor`: what a start costs, and the issues that Django's app registry warns about."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pocket.cli.options import Local, OutputFormat, Stage

if TYPE_CHECKING:
    from pocket.config import Project, StageConfig
    from pocket.deploy.reporting import Reporter
    from pocket.deploy.target import Target
    from pocket.doctor.report.model import Report

Remote = Annotated[bool, typer.Option("--remote", help="Examine the deployed release, inside Lambda.")]
Compare = Annotated[bool, typer.Option("--compare", help="Compare with the last run.")]
Html = Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Also write the report as an HTML page.")]
RequestPath = Annotated[str, typer.Option("--path", metavar="PATH", help="Path of the first request.")]


def doctor(
    stage: Stage = "",
    remote: Remote = False,
    local: Local = False,
    compare: Compare = False,
    html: Html = None,
    path: RequestPath = "/",
    output: OutputFormat = "text",
) -> None:
    """Report what the start costs, and its issues with hints."""
    from pocket.cli.console import reporter
    from pocket.cli.project import current_project
    from pocket.doctor.report import saved_reports
    from pocket.doctor.report.model import exceeds

    if output not in {"text", "json"}:
        raise typer.BadParameter(f"{output!r} is not one of text, json.", param_hint="--format")
    if not path.startswith("/"):
        raise typer.BadParameter(f"{path!r} does not start with a slash.", param_hint="--path")
    if html is not None and not html.absolute().parent.is_dir():
        raise typer.BadParameter(f"Directory {html.parent} does not exist.", param_hint="--html")
    if (remote or local) and not stage:
        raise typer.BadParameter("--remote and --local need --stage.", param_hint="--stage")
    project = current_project()
    project = project.with_stage(stage) if stage else project
    config = project.stage(stage) if stage else None
    report = _examined(project, config, reporter(), remote=remote, local=local, path=path)
    place = "local AWS" if local else report.place
    before = saved_reports.last(project.directory, place, report.stage) if compare else None
    if compare and before is None:
        sys.stderr.write("There is no earlier run to compare with.\n")
    container = config.awscontainer if config else None
    excess = exceeds(container.startup.budget_ms if container else None, report)
    try:
        saved_reports.keep(project.directory, report, place)
    except OSError as error:
        sys.stderr.write(f"Could not save this run for --compare: {error.filename}: {error.strerror}.\n")
    _show(report, before, excess, html=html, output=output)
    raise typer.Exit(1 if report.issues or excess else 0)


def _examined(
    project: Project, stage: StageConfig | None, progress: Reporter, *, remote: bool, local: bool, path: str
) -> Report:
    from pocket.deploy.gates import startup
    from pocket.deploy.operate import doctor as diagnosis

    if stage is not None and not (remote or local):
        return diagnosis.examine_stage(project, stage, _target(project, stage, local=False), progress, path=path)
    with progress.step("Start the project in fresh processes"):
        if stage is None:
            return diagnosis.examine(project, path=path)
        return startup.examine(stage, _target(project, stage, local=local), path=path)


def _target(project: Project, stage: StageConfig, *, local: bool) -> Target:
    from pocket.cli.project import aws_target, local_target

    if not local:
        return aws_target(stage)
    from pocket.local import attach

    return local_target(stage, attach(project.directory))


def _show(report: Report, before: Report | None, excess: str, *, html: Path | None, output: str) -> None:
    from pocket.doctor.report import page, text

    if output == "json":
        typer.echo(report.to_json())
    else:
        for line in text.lines(report, before):
            typer.echo(line)
    if excess:
        sys.stderr.write(f"{excess}\n")
    if html is not None:
        html.write_text(page.render(report, before, excess), encoding="utf-8")
        sys.stderr.write(f"Wrote the page to {html}.\n")
