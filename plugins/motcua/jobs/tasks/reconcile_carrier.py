"""The tasks of the DAG ``reconcile_carrier``: find the providers' files, import each one, gate.

A carrier statement over the agreed tolerance, or a file that cannot be read, makes the run fail. Operators read the
reason in English, staff in Vietnamese.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any

from motcua.domain.checks import Finding, fault
from motcua.domain.clock import VIETNAM
from motcua.domain.periods import Period
from motcua.domain.run_window import EVERYTHING, Window
from motcua.jobs.gates import demand_nothing_left
from motcua.jobs.handed_in.faults import FileFault, FileRefused
from motcua.jobs.handed_in.statement_files import FormError, StatementForm, form_names, load_form, month_in_name
from motcua.jobs.handed_in.statements import figures_in_words, keep_refusal, take_statement
from motcua.jobs.handed_in.tables import LARGEST_FILE, shown_name
from motcua.settings import settings
from motcua.store.file_stores import open_store
from motcua.store.ledger.database import Connection, connect, without_values
from motcua.store.oversight.statements import (
    MissingStatement,
    figures_of,
    known_files,
    list_statements,
    missing_statements,
    settled_refusals,
    who_uploaded,
)

log = logging.getLogger(__name__)
DUE_DAY = 10
"""From this day of the month on, a missing carrier statement of the month before makes the run fail."""
_ENDINGS = (".csv", ".txt", ".xlsx", ".xlsm", ".xls", ".xlsb", ".ods")
"""Name endings of files that may be carrier statements. The last three formats are refused, because people would think
that a skipped file was imported."""


def window_month(window: Window) -> date | None:
    """Return the month that a backfill's run is about: the month before the end of its window. ``None`` for any other
    run, which imports every new file."""
    if window is EVERYTHING or window.end is None:
        return None
    return Period.month_before(window.end).first


def _files() -> Iterator[tuple[str, str, Any]]:
    """Yield (form, name, file) of everything in the folder MOTCUA_STATEMENTS that may be a carrier statement, the
    oldest first.

    A form describes the files of a provider. The name of the form is the name of the file's folder, even if no such
    form exists. The name is empty for a file outside a folder. A folder that cannot be read is yielded as a file.

    Since the oldest file comes first, a later file of the same month supersedes an earlier one.
    """
    root = open_store(settings().statements_url)
    if not root.is_dir():
        return
    found: list[tuple[float, str, str, Any]] = []
    for place in root.iterdir():
        if place.name.startswith("."):
            continue
        form = shown_name(place.name) if place.is_dir() else ""
        try:
            files = list(place.iterdir()) if form else [place]
        except OSError:
            # A folder that may not be read is refused like a file that may not be read, and delays no other folder.
            found.append((place.stat().st_mtime, form, form, place))
            continue
        for file in files:
            # Excel puts an auxiliary file beside a file that is open.
            usable = file.name.lower().endswith(_ENDINGS) and not file.name.startswith(("~$", "."))
            if usable and file.is_file():
                found.append((file.stat().st_mtime, form, shown_name(file.name), file))
    for _, form, name, file in sorted(found, key=lambda each: each[:3]):
        yield form, name, file


def _digest(file: Any) -> str | None:  # noqa: ANN401 - ObjectStoragePath is untyped
    """Return the SHA-256 of a file, or ``None`` if the file is too large or may not be read."""
    try:
        return None if file.stat().st_size > LARGEST_FILE else sha256(file.read_bytes()).hexdigest()
    except OSError:
        return None


@without_values()
def find_files(window: Window) -> list[dict[str, str]]:
    """Return the files that were not imported yet, the oldest first; for a backfill, only the files whose names contain
    the backfill's month.

    A refused file is tried again until a good file of its month has replaced it, or until it was discarded.
    """
    month = window_month(window)
    with connect() as connection:
        imported, settled = known_files(connection), settled_refusals(connection)
    found = []
    for form, name, file in _files():
        if month is not None and month_in_name(name) != month:
            continue
        digest = _digest(file)
        if digest in imported or (form, digest) in settled:
            continue
        found.append({"form": form, "file": name})
    log.info("%d new file(s)", len(found))
    return found


@without_values()
def take_file(form: str, file: str, run_id: str, now: datetime | None = None) -> dict[str, Any]:
    """Import one file of the folder. If the file is refused, the result gives the reason, which makes the gate fail."""
    where = f"{form}/{file}" if form else file
    path = next((path for *place, path in _files() if place == [form, file]), None)
    if path is None:
        return {"file": where, "refused": f"{where} is no longer there."}
    moment = now or datetime.now(UTC)
    digest = _digest(path)
    with connect() as connection:
        # If the file was uploaded on a staff page, it is imported in the name of the person who uploaded it.
        by = (who_uploaded(connection, digest, form) if digest else None) or run_id
    try:
        taken = take_statement(_content(path, file, form, by, moment), file, form, by, moment)
    except FileRefused as refused:
        log.error("%s: %s", where, refused.english)
        return {"file": where, "refused": refused.english}
    with connect() as connection:
        for figures in figures_of(connection, list_statements(connection, statement_no=taken.statement_no)):
            log.info("%s", figures_in_words(figures))
    return asdict(taken)


def _content(path: Any, file: str, form: str, by: str, now: datetime) -> bytes:  # noqa: ANN401
    """Return the content of a file.

    Raises:
        FileRefused: the file cannot be read, is too large, or has no usable form. The refusal is stored.
    """
    known = ", ".join(form_names())
    fault: FileFault | None = None
    content = b""
    if not form:
        fault = FileFault("no_folder", values={"known": known})
    elif form not in form_names():
        fault = FileFault("no_form", values={"form": form, "known": known})
    else:
        try:
            load_form(form)
            if path.stat().st_size > LARGEST_FILE:
                fault = FileFault("too_large", values={"most": LARGEST_FILE // 1024**2})
            else:
                content = path.read_bytes()
        except FormError as wrong:
            fault = FileFault("bad_form", values={"form": form, "why": str(wrong).removesuffix(".")})
        except OSError:
            fault = FileFault("unreadable")
    if fault is not None:
        refused = FileRefused(file, [fault])
        refused.month = month_in_name(file)
        keep_refusal(refused, form, _digest(path), by, now)
        raise refused
    return content


def missing_now(
    connection: Connection, now: datetime, month: date | None = None
) -> tuple[date, list[MissingStatement]]:
    """Return a month, by default last month, and the gateways that accepted messages in that month and have no carrier
    statement for that month."""
    month = month or Period.month_before(now).first
    gateways = {form.gateway for form in _usable_forms()} & set(settings().gateways)
    return month, missing_statements(connection, sorted(gateways), month)


def _usable_forms() -> Iterable[StatementForm]:
    for name in form_names():
        try:
            yield load_form(name)
        except FormError as failure:
            log.error("%s", failure)


@without_values()
def gate(
    window: Window,
    taken: Sequence[Mapping[str, Any]] = (),
    failed_tasks: Sequence[str] = (),
    now: datetime | None = None,
) -> None:
    """End the run: fail if a file was refused, if a carrier statement is over its tolerance, or if a statement is
    missing on the 10th of the following month or later.

    Judge the carrier statements of this run and the statements in force for the run's month.

    Raises:
        RunIncomplete: the run failed; the error has all findings.
    """
    moment = now or datetime.now(UTC)
    left = [
        fault("statement_refused", str(each.get("file", "")), str(each["refused"]))
        for each in taken
        if each.get("refused")
    ]
    numbers = {each["statement_no"] for each in taken if each.get("statement_no")}
    with connect() as connection:
        month, missing = missing_now(connection, moment, window_month(window))
        looked_at = {each.statement_no: each for each in list_statements(connection, month=month)}
        for number in numbers:
            looked_at |= {each.statement_no: each for each in list_statements(connection, statement_no=number)}
        for figures in figures_of(connection, [each for each in looked_at.values() if each.in_force]):
            if figures.over:
                detail = f"{figures_in_words(figures)}; over the agreed tolerance: {', '.join(figures.over)}"
                stored = figures.stored
                facts = {
                    "form": stored.form,
                    "month": f"{stored.month:%m/%Y}",
                    "statement": stored.statement_no,
                    "detail": detail,
                }
                left.append(Finding("statement_over", facts, str(stored.statement_no)))
    for each in missing:
        sentence = (
            f"no statement of {each.gateway} for {month:%m/%Y}, in which {each.segments} segment(s) were handed to it"
        )
        if is_overdue(moment, month):
            facts = {"month": f"{month:%m/%Y}", "segments": each.segments, "detail": sentence}
            left.append(Finding("statement_missing", facts, each.gateway))
        else:
            log.warning("%s; the run fails for it from the %dth on", sentence, DUE_DAY)
    demand_nothing_left(failed_tasks, left)


def is_overdue(now: datetime, month: date) -> bool:
    """Return whether a carrier statement of this month should be there: from the 10th of the following month on."""
    due = Period.month_of(month).end + timedelta(days=DUE_DAY - 1)
    return now.astimezone(VIETNAM) >= due
