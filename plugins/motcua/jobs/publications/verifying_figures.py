"""Compares figures counted again from the facts with the published CSV files and the closing, cell by cell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from typing import Any, TypeAlias

from motcua.domain.reconciliation import Change, Closing, Difference, Figures, Orphan
from motcua.jobs.publications.verification import (
    MOST_TOLD,
    DifferingFigure,
    Mismatch,
    Verification,
    differing_values,
    not_too_many,
    shown,
)
from motcua.reports.publication.csv_tables import (
    COMPLAINTS,
    FIGURES,
    FigureTable,
    closing_value,
    figure_rows,
    heads,
    read_csv,
    table_rows,
    tables_of,
    unquoted,
)
from motcua.reports.publication.files import MANIFEST
from motcua.store.ledger.database import Connection
from motcua.store.oversight.closings import (
    broken_histories,
    hash_figures,
    load_changes,
    load_closing,
    load_differences,
    load_figures,
    load_orphans,
)
from motcua.store.oversight.publications import Publication, find_publication

ComputeFigures: TypeAlias = Callable[[Connection, Closing], Figures]
ComputeOrphans: TypeAlias = Callable[[Connection, Closing], tuple[Orphan, ...]]


def check_figures(
    checked: Verification,
    ledger: Connection,
    manifest: dict[str, Any],
    contents: dict[str, bytes],
    compute: ComputeFigures,
    orphans: ComputeOrphans,
) -> tuple[Closing, Figures] | None:
    """Count a closing's figures again and compare them with the published and the stored ones.

    Args:
        checked: collects the checks without faults, and the faults.
        ledger: a connection; an auditor's rights are enough.
        manifest: the published manifest.
        contents: the files that could be read, by name.
        compute: counts the figures of a closing.
        orphans: finds records without the record that they belong to.

    Returns: the closing and its newly counted figures. ``None`` if the closing no longer exists.
    """
    faults = checked.faults
    number = checked.publication.closing_no
    try:
        closing = load_closing(ledger, number)
    except LookupError as error:
        faults.append(Mismatch("ledger, audit.closings", str(error)))
        return None
    before = len(faults)
    # Figures that a later release added to closings are in no manifest of an earlier release.
    value = {name: each for name, each in closing_value(closing).items() if name in manifest["closing"]}
    faults.extend(
        Mismatch(MANIFEST, f"closing.{path}: published {shown(was)}, the ledger says {shown(now)}")
        for path, was, now in differing_values("", manifest["closing"], value)
    )
    stored, counted = load_figures(ledger, number), compute(ledger, closing)
    differences, changes = load_differences(ledger, number), load_changes(ledger, number)
    orphans_now = orphans(ledger, closing)
    recomputed = {**figure_rows(counted), "orphans": orphans_now}
    kept = {
        **figure_rows(stored),
        "differences": differences,
        "orphans": load_orphans(ledger, number),
        "changes": changes,
    }
    for table in tables_of(closing):
        if table is COMPLAINTS:
            # The complaints that were known at the time of publishing cannot be counted again, because complaints about
            # the same period may have been recorded since. So only the form of the complaints file is checked.
            _published_rows(checked, table, contents, manifest)
            continue
        published = _published_rows(checked, table, contents, manifest)
        if published is not None:
            if table.name in recomputed:
                faults.extend(_compare(table, number, published, recomputed[table.name], "recomputed"))
            faults.extend(_compare(table, number, published, kept[table.name], "stored in the closing"))
        if table in FIGURES:
            faults.extend(_stored_against_counted(table, number, kept[table.name], recomputed[table.name]))
        if table.name in _LISTED:
            stored_rows = [list(map(unquoted, row)) for row in table_rows(table, number, kept[table.name])]
            now = table_rows(table, number, recomputed[table.name])
            checked.figures.extend(_differing(table, (published or [], stored_rows), now))
    faults.extend(
        Mismatch("ledger, audit.message_history", f"the history of message {message} does not lead to its state")
        for message in broken_histories(ledger, closing, MOST_TOLD)
    )
    faults.extend(_at_odds(closing, counted, differences))
    if closing.corrects is not None:
        faults.extend(_corrected_at_odds(ledger, checked.publication, closing.corrects))
        faults.extend(_changes_at_odds(load_figures(ledger, closing.corrects), counted, changes))
    found = hash_figures(counted, differences, orphans_now)
    if found != closing.figures_hash:
        faults.append(
            Mismatch("figures", f"recomputed they have SHA-256 {found}, the closing says {closing.figures_hash}")
        )
    if len(faults) == before:
        rows = sum(len(each) for each in figure_rows(counted).values())
        checked.held.append(f"{rows} rows of figures, counted anew from the facts, are the published ones")
    return closing, counted


_LISTED = ("messages", "dossiers", "agencies")
"""Tables whose differing figures are listed one by one for people. The figures of the other tables follow from
these."""


def _differing(
    table: FigureTable, before: Sequence[Sequence[Sequence[str]]], now: Sequence[tuple[str, ...]]
) -> Iterator[DifferingFigure]:
    """Yield the figures of a table whose present counts differ from the counts in ``before``, the published and the
    stored rows."""
    columns, width = heads(table), 1 + table.keys
    counted = {row[1:width]: row for row in (tuple(map(unquoted, each)) for each in now)}
    told: set[tuple[tuple[str, ...], str]] = set()
    for rows in before:
        was = {tuple(row[1:width]): row for row in rows if len(row) == len(columns)}
        for key in sorted(was.keys() | counted.keys()) if was else ():
            agency, procedure, kind = (*key, "", "")[:3]
            for place in range(width, len(columns)):
                left, right = (side[key][place] if key in side else "" for side in (was, counted))
                if left != right and (key, columns[place]) not in told:
                    told.add((key, columns[place]))
                    yield DifferingFigure(agency, procedure, kind, columns[place], left, right)


def _at_odds(closing: Closing, counted: Figures, differences: Sequence[Difference]) -> Iterator[Mismatch]:
    """Yield where the figures of a closing and its list of differences contradict each other. So nobody can change only
    one of them without being noticed."""
    where = "ledger, audit.closings"
    difference = sum(abs(each.difference) for each in counted.messages)
    if difference != closing.difference:
        yield Mismatch(where, f"difference {closing.difference}, recomputed {difference}")
    unexplained = sum(not each.is_explained for each in differences)
    if unexplained != closing.unexplained:
        yield Mismatch(
            where, f"unexplained {closing.unexplained}, but {unexplained} row(s) of differences have no reason"
        )
    for side, figure in (("source", "only_source"), ("ledger", "only_ledger")):
        cases = Counter(
            (each.agency_code, each.procedure_code, each.kind)
            for each in differences
            if each.side == side and each.is_explained
        )
        figures = {
            (each.agency_code, each.procedure_code, each.kind): getattr(each, figure)
            for each in counted.messages
            if getattr(each, figure)
        }
        for key in sorted(cases.keys() | figures.keys()):
            if cases[key] != figures.get(key, 0):
                yield Mismatch(
                    "ledger, audit.closing_messages",
                    f"({_named_cells(key)}): {figure} is {figures.get(key, 0)}, but {cases[key]} row(s) of differences "
                    "are stored",
                )


def _corrected_at_odds(ledger: Connection, own: Publication, corrected_closing: int) -> Iterator[Mismatch]:
    """Yield a fault if a correction's row does not name the publication of the closing that it corrects."""
    first = find_publication(ledger, closing_no=corrected_closing)
    # If the corrected closing was published only after its correction, the correction could not name it.
    if first is not None and first.publication_no < own.publication_no and first.publication_no != own.corrects:
        yield Mismatch(
            "ledger, audit.publications",
            f"closing {own.closing_no} corrects closing {corrected_closing}, which is publication "
            f"{first.publication_no}, but the row names {shown(own.corrects)} as the corrected publication",
        )


def _changes_at_odds(was: Figures, became: Figures, changes: Sequence[Change]) -> list[Mismatch]:
    """Compare the changes that a correction lists with the figures of both closings."""
    cells: dict[tuple[str, str, str, str], list[int]] = {}
    for place, figures in enumerate((was, became)):
        for rows, keys in ((figures.messages, 3), (figures.dossiers, 2), (figures.agencies, 1)):
            for row in rows:
                names = [each.name for each in fields(row)]
                agency, procedure, kind = (*(getattr(row, name) for name in names[:keys]), "", "")[:3]
                for name in names[keys:]:
                    cells.setdefault((agency, procedure, kind, name), [0, 0])[place] = getattr(row, name)
    true = {key: tuple(pair) for key, pair in cells.items() if pair[0] != pair[1]}
    listed = {
        (each.agency_code, each.procedure_code, each.kind, each.figure): (each.was, each.became) for each in changes
    }
    faults = [
        Mismatch(
            "ledger, audit.closing_changes",
            f"({_named_cells(key)}): "
            + (f"said {listed[key][0]} → {listed[key][1]}" if key in listed else "not said")
            + (f", in truth {true[key][0]} → {true[key][1]}" if key in true else ", in truth not changed"),
        )
        for key in sorted(true.keys() | listed.keys())
        if true.get(key) != listed.get(key)
    ]
    return not_too_many("ledger, audit.closing_changes", faults)


def _published_rows(
    checked: Verification, table: FigureTable, contents: dict[str, bytes], manifest: dict[str, Any]
) -> list[list[str]] | None:
    """Return the rows of a published CSV file without the heading row. ``None`` if the file cannot be read; a fault
    says why."""
    if table.file_name not in contents:
        if table.file_name not in {each["name"] for each in manifest["files"]}:
            checked.faults.append(Mismatch(MANIFEST, f"lists no {table.file_name}"))
        return None
    try:
        lines = read_csv(contents[table.file_name])
    except ValueError as error:
        checked.faults.append(Mismatch(table.file_name, f"cannot be read as CSV: {error}"))
        return None
    if not lines or tuple(lines[0]) != heads(table):
        checked.faults.append(Mismatch(table.file_name, f"row 1: its columns are not {', '.join(heads(table))}"))
        return None
    stated = next(each.get("rows") for each in manifest["files"] if each["name"] == table.file_name)
    if stated != len(lines) - 1:
        checked.faults.append(
            Mismatch(table.file_name, f"published with {shown(stated)} rows, the file has {len(lines) - 1}")
        )
    return lines[1:]


def _compare(
    table: FigureTable, closing_no: int, published: list[list[str]], rows: Sequence[Any], label: str
) -> list[Mismatch]:
    """Compare published rows with ``rows``, cell by cell. Rows of a table without keys are compared as a whole."""
    wanted = [tuple(map(unquoted, row)) for row in table_rows(table, closing_no, rows)]
    file, columns = table.file_name, heads(table)
    faults: list[Mismatch] = []
    lines: dict[tuple[str, ...], list[tuple[int, tuple[str, ...]]]] = {}
    width = 1 + table.keys if table.keys else len(columns)
    for place, line in enumerate(published, 2):
        if len(line) != len(columns):
            faults.append(Mismatch(file, f"row {place} has {len(line)} cells, not {len(columns)}"))
        else:
            lines.setdefault(tuple(line[1:width] if table.keys else line), []).append((place, tuple(line)))
    for row in wanted:
        key = row[1:width] if table.keys else row
        found = lines.get(key)
        if not found:
            faults.append(
                Mismatch(
                    file,
                    f"the row ({_named_cells(key)}) is missing; {label}: {_in_words(columns[width:], row[width:])}",
                )
            )
            continue
        (place, cells), name = found.pop(0), _named_cells(key)
        faults.extend(
            Mismatch(
                file,
                f"row {place} ({name}), column {column}: published {shown(was)}, {label} {shown(now)}",
            )
            for column, was, now in zip(columns, cells, row, strict=True)
            if was != now
        )
    faults.extend(
        Mismatch(file, f"row {place} ({_named_cells(key)}) is published, and not {label}")
        for key, left in lines.items()
        for place, _ in left
    )
    return not_too_many(file, faults)


def _stored_against_counted(
    table: FigureTable, closing_no: int, stored: Sequence[Any], counted: Sequence[Any]
) -> list[Mismatch]:
    """Compare the stored closing with the newly counted figures, even if the published file is missing or broken."""
    old, new = Counter(table_rows(table, closing_no, stored)), Counter(table_rows(table, closing_no, counted))
    if old == new:
        return []
    where = f"ledger, audit.{table.table}"
    faults = [Mismatch(where, f"stored and not recomputed: {_in_words(heads(table), row)}") for row in old - new]
    faults += [Mismatch(where, f"recomputed and not stored: {_in_words(heads(table), row)}") for row in new - old]
    return not_too_many(where, faults)


def _named_cells(key: Sequence[str]) -> str:
    return ", ".join(cell or "–" for cell in key)


def _in_words(columns: Sequence[str], cells: Sequence[str]) -> str:
    return ", ".join(f"{column} {cell}" for column, cell in zip(columns, cells, strict=True) if cell)
