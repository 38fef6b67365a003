"""``motcua quality``: check now, read what a run found, mail it, acknowledge, list the rules, verify the seals."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from motcua.commands.lists import Search, Sort, To, print_list
from motcua.commands.signing import By, signed
from motcua.commands.terminal import console, local_moment, print_error, refuse, without_phone
from motcua.domain.working_days import written_day
from motcua.jobs.listing.lists import findings_of
from motcua.jobs.mailing import MailsNotSent
from motcua.jobs.quality.checking import CheckInProgress, check_quality, verify_seals
from motcua.jobs.quality.mailing import mail_agency, mail_department
from motcua.quality.choosing import Chosen
from motcua.quality.report_data import AgencyFigures, DepartmentReport, RuleResult
from motcua.quality.reporting import (
    NoSuchAgency,
    NoSuchRun,
    agency_report,
    department_report,
    last_run_no,
)
from motcua.quality.rules import RulesInvalid, load_rules
from motcua.settings import settings
from motcua.store.ledger.database import connect
from motcua.store.oversight import quality as store

app = typer.Typer(help="Data quality: what the checks found, and what is done about it.", no_args_is_help=True)
_console = console()

_AGENCY = typer.Option(help="Only this agency's.")
_RUN = typer.Option("--run", help="Number of the run; by default the last one.")


def _chosen(run: int | None) -> int:
    with connect() as connection:
        chosen = run or last_run_no(connection)
    if chosen is None:
        raise refuse("Nothing was checked yet: motcua quality run")
    return chosen


@app.command("run")
def run_check() -> None:
    """Check the ledger as it is now and seal what is found; exit 1 if a check is broken. Nothing is mailed."""
    now = datetime.now(UTC)
    try:
        counts = check_quality(f"manual__{now.isoformat()}", now)
    except (CheckInProgress, RulesInvalid) as error:
        raise refuse(error) from None
    _console.print(
        f"Run {counts.run_no}: {counts.dossiers} dossiers, {counts.rules} rules, {counts.findings} findings, "
        f"{counts.broken} broken. Seal {counts.seal[:16]}…",
        markup=False,
    )
    if counts.broken:
        raise typer.Exit(1)


@app.command("show")
def show(agency: Annotated[str | None, _AGENCY] = None, run: Annotated[int | None, _RUN] = None) -> None:
    """Print what a run found, by rule and, without --agency, by agency."""
    chosen = _chosen(run)
    try:
        with connect() as connection:
            report = agency_report(connection, chosen, agency) if agency else department_report(connection, chosen)
    except (NoSuchRun, NoSuchAgency) as error:
        raise refuse(error) from None
    read = report.run.data_as_of
    _console.print(
        f"Run {report.run.run_no} of {local_moment(report.run.as_of)}, data as of {local_moment(read) or 'never'}; "
        f"changes since {f'run {report.previous.run_no}' if report.previous else 'nothing, this is the first run'}.",
        markup=False,
    )
    if report.figures.broken_reason:
        _console.print(f"BROKEN: {report.figures.broken_reason}", style="red", markup=False)
    _console.print(_results(report.results))
    if isinstance(report, DepartmentReport):
        _console.print(_agencies(report.agencies))
        for each in report.broken_agencies:
            _console.print(f"BROKEN: {each.agency_code or '-'} {each.name}: {each.reason}", style="red", markup=False)
    for number, first in enumerate(report.to_do_first, 1):
        _console.print(f"{number}. {first.rule.title}: {first.sentence} {first.rule.action}", markup=False)
    for suggestion in report.suggestions:
        _console.print(f"{suggestion.agency_name}: {suggestion.sentence}", markup=False)


def _results(results: tuple[RuleResult, ...]) -> Table:
    table = Table(
        "rule", "severity", "title", "found", "acknowledged", "new", "back", "fixed", "late", "per 1,000",
    )  # fmt: skip
    for each in results:
        if each.status == "broken":
            table.add_row(
                each.rule.code, each.rule.severity, each.rule.title, "BROKEN", escape(each.broken_reason or ""),
                style="red",
            )  # fmt: skip
            continue
        table.add_row(
            each.rule.code,
            each.rule.severity,
            each.rule.title,
            str(each.found),
            _or_nothing(each.acknowledged),
            _or_nothing(each.change.new),
            _or_nothing(each.change.back),
            _or_nothing(each.change.fixed),
            _or_nothing(each.remind_agency + each.remind_department),
            f"{each.per_thousand:.1f}" if each.per_thousand else "",
            style=None if each.found else "dim",
        )
    return table


def _agencies(agencies: tuple[AgencyFigures, ...]) -> Table:
    table = Table("agency", "name", "dossiers", "found", "acknowledged", "per 1,000", "before", "late")
    for each in agencies:
        if each.broken_reason:
            table.add_row(escape(each.agency_code), escape(each.name), "BROKEN", style="red")
            continue
        before = each.change.previous_per_thousand
        table.add_row(
            escape(each.agency_code),
            escape(each.name),
            str(each.dossiers),
            str(each.found),
            _or_nothing(each.acknowledged),
            "" if each.per_thousand is None else f"{each.per_thousand:.1f}",
            "" if before is None else f"{before:.1f}",
            _or_nothing(each.remind_agency + each.remind_department),
        )
    return table


def _or_nothing(count: int) -> str:
    return str(count) if count else ""


@app.command("rows")
def show_rows(
    rule: Annotated[str, typer.Argument(help="Code of the rule, for example R7.")],
    agency: Annotated[str | None, _AGENCY] = None,
    run: Annotated[int | None, _RUN] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most this many.")] = 100,
    search: Search = "",
    sort: Sort = "",
    to: To = None,
) -> None:
    """List the findings of one rule: what, since when, deadline, who accepted it until when. Numbers are masked."""
    if rule not in load_rules().rules:
        raise refuse(f"There is no rule {rule}: motcua quality rules")
    chosen = _chosen(run)
    try:
        print_list(
            findings_of(chosen, agency, Chosen(rule, None, None)),
            {"q": search, "sort": sort},
            most=limit,
            to=to,
            empty=f"Run {chosen} found nothing by {rule}.",
            red=lambda row: row.stage != "in_time",
        )
    except NoSuchRun as error:
        raise refuse(error) from None


@app.command("acknowledge")
def acknowledge(
    finding: Annotated[int, typer.Argument(help="Number of the finding, as listed by 'rows'.")],
    why: Annotated[str, typer.Option(help="Why it may stay for a time.", callback=without_phone)],
    until: Annotated[str, typer.Option(help="Last day on which that holds, for example 2026-12-31.")],
    by: By = None,
) -> None:
    """Accept a finding for a time: it is shown and subtracted, never hidden. A past day takes it back."""
    try:
        last_day = date.fromisoformat(until)
    except ValueError:
        raise typer.BadParameter(f"{until!r} is not a day such as 2026-12-31", param_hint="--until") from None
    if not why.strip():
        raise typer.BadParameter("must say why", param_hint="--why")
    who = signed(by)
    with connect() as connection:
        known = store.acknowledge(connection, finding, who, why.strip(), last_day, datetime.now(UTC))
    if not known:
        raise refuse(f"There is no finding {finding}.")
    _console.print(f"Finding {finding} is accepted until {written_day(last_day)}; counts follow with the next check.")


@app.command("rules")
def list_rules() -> None:
    """List the rules with the thresholds in force; those that differ from the rules' file are marked."""
    try:
        book = load_rules()
    except RulesInvalid as error:
        raise refuse(error) from None
    used = book.thresholds_used()
    table = Table("rule", "severity", "owner", "about", "title", "thresholds")
    for rule in book.rules.values():
        thresholds = [
            f"{each.name} = {each.value:g}{f' (file: {each.default:g})' if each.value != each.default else ''}: "
            f"{each.meaning}"
            for each in used
            if each.rule == rule.code
        ]
        table.add_row(rule.code, rule.severity, rule.owner, rule.level, rule.title, escape("\n".join(thresholds)))
    _console.print(table)
    _console.print("To change one: MOTCUA_QUALITY_THRESHOLDS=R3.days=15,P11.owners=8", markup=False)


@app.command("mail")
def mail(
    agency: Annotated[str | None, typer.Option(help="Only this agency's mail.")] = None,
    department: Annotated[bool, typer.Option("--department", help="Only the Department's mail.")] = False,
    run: Annotated[int | None, _RUN] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Whoever has the mail gets it once more; there need be nothing new in it.")
    ] = False,
) -> None:
    """Mail what a run found, to those whom its mail did not reach, also on a day off; exit 1 if one is not reached.

    Without --agency and --department all agencies' mails and the Department's.
    """
    chosen = _chosen(run)
    try:
        with connect() as connection:
            agencies = [each.agency_code for each in department_report(connection, chosen).agencies]
    except NoSuchRun as error:
        raise refuse(error) from None
    if agency and agency not in agencies:
        raise refuse(f"Run {chosen} checked no dossier of an agency {agency}: motcua quality show lists them.")
    whose: list[str | None] = [agency] if agency else [] if department else [*agencies]
    whose += [None] if department or not agency else []
    failed = False
    for code in whose:
        name = code or "the Department"
        try:
            counts = (
                mail_agency(chosen, code, again=again)
                if code
                else mail_department(chosen, settings().department_recipients, again=again)
            )
        except MailsNotSent as error:
            print_error(error)
            failed = True
        else:
            _console.print(
                f"{name}: {counts['recipients']} recipient(s), {counts['sent']} mailed,"
                f" {counts['had_it']} had it before.",
                markup=False,
            )
    if failed:
        raise typer.Exit(1)


@app.command("verify")
def verify() -> None:
    """Compute all seals again from the rows in the ledger; exit 1 if one does not agree."""
    runs, faults = verify_seals()
    for fault in faults:
        _console.print(fault, style="red", markup=False)
    if faults:
        raise typer.Exit(1)
    _console.print(f"{runs} run(s): every row, count and seal is as it was sealed.")
