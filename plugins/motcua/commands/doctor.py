"""Command ``motcua doctor``: list all faults of an installation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from motcua.commands.terminal import console, refuse
from motcua.domain.checks import DOCTOR, Finding
from motcua.jobs.doctor.examine import examine
from motcua.jobs.doctor.examining import DOT_ENV, FILES, Diagnosis, of_environment, of_folder
from motcua.reports.checks import address_of, english_words, in_words
from motcua.version import software

_console = console()


Machine = Annotated[
    Path,
    typer.Option(
        "--machine",
        help="Path at which the machine's root directory is visible, for example in a container.",
        metavar="FOLDER",
    ),
]
"""Option with the path at which this process sees the root directory of the machine. Inside a container this is not
``/``. Paths outside the installation's folder, such as the folder of backups, are found below this path."""


def doctor(
    files: Annotated[
        Path | None,
        typer.Option(
            "--files",
            help="Check only .env and the other files in this folder, for example before anything runs.",
            metavar="FOLDER",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for a monitor.")] = False,
    machine: Machine = Path("/"),
) -> None:
    """List all faults of this installation, each with its remedy. Changes nothing and sends nothing.

    Exit code 1 if there is an error, and 0 if there are only warnings. Never prints a secret.
    """
    if files is not None and not any((files / file).exists() for file in FILES):
        raise refuse(f"{files} contains neither {DOT_ENV} nor another file of settings.")
    diagnosis = examine(of_environment() if files is None else of_folder(files, machine))
    if as_json:
        typer.echo(json.dumps(_as_record(diagnosis), ensure_ascii=False, indent=2))
    else:
        show(diagnosis)
    if any(each.severity == "error" for each in diagnosis.findings):
        raise typer.Exit(1)


def _as_record(diagnosis: Diagnosis) -> dict[str, object]:
    """Return a diagnosis as a record for JSON."""
    return {
        "whole": diagnosis.is_whole,
        "findings": [
            {
                "fault": each.name,
                "severity": each.severity,
                "where": each.subject,
                "detail": each.detail,
                "what": what,
                "remedy": todo,
                "page": address_of(each.name) or each.check.page,
            }
            for each in diagnosis.findings
            for what, todo in [_finding_words(each)]
        ],
        "not_looked_at": [{"why": why, "checks": list(checks)} for why, checks in diagnosis.not_looked_at],
        "looked_at": diagnosis.looked_at,
    }


def _finding_words(finding: Finding) -> tuple[str, str]:
    """Return what is wrong and what to do, in English for the doctor's own checks, otherwise in Vietnamese."""
    if DOCTOR & finding.check.asked_by and "adapter" not in finding.facts:
        words = english_words(finding.name)
        return words["what"], words["todo"]
    found = in_words(finding, str(finding.facts.get("adapter", "")))
    return f"{found.title}. {found.found} {found.meaning}", found.todo


def show(diagnosis: Diagnosis) -> None:
    """Print the findings, errors first, and the checks that were not possible."""
    if diagnosis.findings:
        table = Table("", "fault", "where", "what, and what to do", show_lines=True)
        # The sort is stable, so that findings of the same severity stay in the order of the checks.
        for each in sorted(diagnosis.findings, key=lambda finding: finding.severity):
            what, todo = _finding_words(each)
            table.add_row(
                each.severity,
                each.name,
                escape("\n".join(filter(None, (each.subject, each.detail)))),
                escape(f"{what}\n→ {todo}\n{address_of(each.name) or each.check.page}"),
                style="red" if each.severity == "error" else None,
            )
        _console.print(table)
    errors = sum(each.severity == "error" for each in diagnosis.findings)
    warnings = len(diagnosis.findings) - errors
    for why, checks in diagnosis.not_looked_at:
        _console.print(f"Not looked at, because {why}: {', '.join(checks)}.", markup=False)
    summary = f"{errors} error(s), {warnings} warning(s)" if diagnosis.findings else "nothing is wrong"
    _console.print(f"{software()}, {diagnosis.looked_at} checks: {summary}.", markup=False)
