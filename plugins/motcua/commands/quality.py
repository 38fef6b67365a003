"""Commands ``motcua quality``: check data, show, mail and acknowledge findings, list the rules, verify the seals.

A seal is the hash of a run's findings together with the seal of the run before.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated

import typer

from motcua.commands.lists import Search, Sort, To, print_list
from motcua.commands.terminal import By, local_moment, print_error, print_rows, refuse, say, signed, without_phone
from motcua.domain.working_days import written_day
from motcua.jobs.listing.lists import findings_of
from motcua.jobs.mailing import MailsNotSent
from motcua.jobs.quality.checking import check_quality, verify_seals
from motcua.jobs.quality.mailing import mail_agency, mail_department
from motcua.quality.choosing import Chosen
from motcua.quality.report_data import DepartmentReport
from motcua.quality.reporting import (
    agency_report,
    department_report,
    last_run_no,
)
from motcua.quality.rules import Rule, load_rules
from motcua.settings import settings
from motcua.store.ledger.database import connect
from motcua.store.oversight import quality as store

app = typer.Typer(help="Data quality: what the checks found, and what is done about it.", no_args_is_help=True)

_AGENCY = typer.Option(help="Only this agency.")
_RUN = typer.Option("--run", help="Number of the run; by default the last one.")


def _run_number(run: int | None) -> int:
    """Return the number of a run, by default the last one."""
    with connect() as connection:
        chosen = run or last_run_no(connection)
    if chosen is None:
        raise refuse("There is no run yet. Start one with motcua quality run.")
    return chosen


@app.command("run")
def run_check() -> None:
    """Check the ledger's present data and seal the findings. Exit code 1 if a check is broken. Mails nothing."""
    now = datetime.now(UTC)
    counts = check_quality(f"manual__{now.isoformat()}", now)
    say(
        f"Run {counts.run_no}: {counts.dossiers} dossiers, {counts.rules} rules, {counts.findings} findings, "
        f"{counts.broken} broken. Seal {counts.seal[:16]}…"
    )
    if counts.broken:
        raise typer.Exit(1)


@app.command("show")
def show(agency: Annotated[str | None, _AGENCY] = None, run: Annotated[int | None, _RUN] = None) -> None:
    """Print what a run found, by rule and, without --agency, by agency."""
    chosen = _run_number(run)
    with connect() as connection:
        report = agency_report(connection, chosen, agency) if agency else department_report(connection, chosen)
    read = report.run.data_as_of
    say(
        f"Run {report.run.run_no} of {local_moment(report.run.as_of)}, data as of {local_moment(read) or 'never'}; "
        f"{f'changes since run {report.previous.run_no}' if report.previous else 'this is the first run'}."
    )
    if report.figures.broken_reason:
        say(f"BROKEN: {report.figures.broken_reason}", "red")
    print_rows(
        {
            "rule": lambda each: each.rule.code,
            "severity": lambda each: each.rule.severity,
            "title": lambda each: each.rule.title,
            "found": lambda each: "BROKEN" if each.status == "broken" else each.found,
            "acknowledged": lambda each: each.broken_reason if each.status == "broken" else each.acknowledged or None,
            "new": lambda each: each.change.new or None,
            "back": lambda each: each.change.back or None,
            "fixed": lambda each: each.change.fixed or None,
            "late": lambda each: each.remind_agency + each.remind_department or None,
            "per 1,000": lambda each: f"{each.per_thousand:.1f}" if each.per_thousand else None,
        },
        report.results,
        style=lambda each: "red" if each.status == "broken" else None if each.found else "dim",
    )
    if isinstance(report, DepartmentReport):
        print_rows(
            {
                "agency": "agency_code",
                "name": "name",
                "dossiers": lambda each: "BROKEN" if each.broken_reason else each.dossiers,
                "found": lambda each: None if each.broken_reason else each.found,
                "acknowledged": lambda each: each.acknowledged or None,
                "per 1,000": lambda each: _rounded(each.per_thousand),
                "before": lambda each: _rounded(each.change.previous_per_thousand),
                "late": lambda each: each.remind_agency + each.remind_department or None,
            },
            report.agencies,
            style=lambda each: "red" if each.broken_reason else None,
        )
        for each in report.broken_agencies:
            say(f"BROKEN: {each.agency_code or '-'} {each.name}: {each.reason}", "red")
    for number, first in enumerate(report.to_do_first, 1):
        say(f"{number}. {first.rule.title}: {first.sentence} {first.rule.action}")
    for suggestion in report.suggestions:
        say(f"{suggestion.agency_name}: {suggestion.sentence}")


def _rounded(share: float | None) -> str | None:
    """Return a share with one decimal place."""
    return None if share is None else f"{share:.1f}"


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
    """List the findings of one rule: fault, since when, deadline, who accepted it until when. Masks phone numbers."""
    if rule not in load_rules().rules:
        raise refuse(f"There is no rule {rule}. See motcua quality rules.")
    chosen = _run_number(run)
    print_list(
        findings_of(chosen, agency, Chosen(rule, None, None)),
        {"q": search, "sort": sort},
        most=limit,
        to=to,
        empty=f"Run {chosen} has no finding of rule {rule}.",
        red=lambda row: row.stage != "in_time",
    )


@app.command("acknowledge")
def acknowledge(
    finding: Annotated[int, typer.Argument(help="Number of the finding, as listed by 'rows'.")],
    why: Annotated[str, typer.Option(help="Why the finding is acceptable for now.", callback=without_phone)],
    until: Annotated[str, typer.Option(help="Last day of the acceptance, for example 2026-12-31.")],
    by: By = None,
) -> None:
    """Accept a finding until a day. The finding stays visible but is no fault. A past day ends the acceptance."""
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
    say(f"Finding {finding} is accepted until {written_day(last_day)}. The next check counts it so.")


@app.command("rules")
def list_rules() -> None:
    """List the rules with their thresholds. Thresholds that differ from the rules' file are marked."""
    book = load_rules()
    used = book.thresholds_used()

    def thresholds(rule: Rule) -> str:
        return "\n".join(
            f"{each.name} = {each.value:g}{f' (file: {each.default:g})' if each.value != each.default else ''}: "
            f"{each.meaning}"
            for each in used
            if each.rule == rule.code
        )

    columns = {"rule": "code", "severity": "severity", "owner": "owner", "about": "level", "title": "title"}
    print_rows({**columns, "thresholds": thresholds}, list(book.rules.values()))
    say("To change one: MOTCUA_QUALITY_THRESHOLDS=R3.days=15,P11.owners=8")


@app.command("mail")
def mail(
    agency: Annotated[str | None, typer.Option(help="Only this agency's mail.")] = None,
    department: Annotated[bool, typer.Option("--department", help="Only the Department's mail.")] = False,
    run: Annotated[int | None, _RUN] = None,
    again: Annotated[
        bool,
        typer.Option("--again", help="Mail also recipients who have the mail already, even if it has nothing new."),
    ] = False,
) -> None:
    """Mail a run's findings to recipients who do not have them yet, also on a day off. Exit code 1 if a mail fails.

    Without --agency and --department, all agencies and the Department get their mails.
    """
    chosen = _run_number(run)
    with connect() as connection:
        agencies = [each.agency_code for each in department_report(connection, chosen).agencies]
    if agency and agency not in agencies:
        raise refuse(f"Run {chosen} checked no dossier of agency {agency}. motcua quality show lists the agencies.")
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
            say(
                f"{name}: {counts['recipients']} recipient(s), {counts['sent']} mailed,"
                f" {counts['had_it']} had it before."
            )
    if failed:
        raise typer.Exit(1)


@app.command("verify")
def verify() -> None:
    """Compute all seals again from the rows in the ledger. Exit code 1 if a seal does not agree."""
    runs, faults = verify_seals()
    for fault in faults:
        say(fault, "red")
    if faults:
        raise typer.Exit(1)
    say(f"{runs} run(s): every row, count and seal is as it was sealed.")
