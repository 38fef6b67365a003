"""Makes a publication's files again, and compares them with the stored files. The files are made from the closing and
from the field ``words`` of the manifest. That field has what the report needs besides the closing.

CSV files are always made again. The report, its page and the workbooks are made again only if this same software made
the published files. So a changed word in the report is found even if somebody also changed every hash. If another
release or other libraries made the files, these documents are only compared by their hash, and a remark says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import asdict
from hashlib import sha256
from io import BytesIO
from itertools import zip_longest
from typing import Any
from zipfile import ZipFile

from motcua.domain.costs import spent
from motcua.domain.reconciliation import Closing, ComplaintCount, Figures
from motcua.jobs.publications.verification import (
    Mismatch,
    Verification,
    differing_values,
    not_too_many,
    shown,
)
from motcua.jobs.reconciliation.reporting import is_same_query, published_report, query_version, urge
from motcua.reports.publication.csv_tables import figure_rows, table_rows, tables_of, write_csv
from motcua.reports.publication.data import Corrected
from motcua.reports.publication.files import MANIFEST, render
from motcua.reports.publication.manifest import made_by, pushed_value, stops_value
from motcua.store.intake.pushes import pushed_of_closing
from motcua.store.ledger.database import Connection
from motcua.store.notices.stops import stops_of_closing
from motcua.store.oversight.closings import load_changes, load_differences, load_figures, load_orphans
from motcua.store.oversight.publications import list_definitions, names_on
from motcua.version import software


def check_files_again(
    checked: Verification,
    ledger: Connection,
    manifest: dict[str, Any],
    contents: dict[str, bytes],
    closing: Closing,
    counted: Figures,
) -> None:
    """Compare the field ``words`` of a manifest with the figures, and the files with newly made files.

    Args:
        checked: collects the checks without faults, the faults, and what could not be checked.
        ledger: a connection; an auditor's rights are enough.
        manifest: the published manifest.
        contents: the files that could be read, by name.
        closing: the closing.
        counted: the closing's figures, newly counted from the facts.
    """
    _remark_on_names(checked, ledger, manifest, closing)
    _remark_on_queries(checked, ledger, manifest)
    words = manifest.get("words", {"made_by": {}, "complaints": None})
    try:
        other = _made_otherwise(manifest, words["made_by"])
        if "words" in manifest:
            _check_words(checked, words, closing, counted, is_own=not other)
            stops, pushed = stops_of_closing(ledger, closing.closing_no), pushed_of_closing(ledger, closing.closing_no)
            _check_stored(checked, words, "stops", stops_value(stops), "stop(s) of sending match the ledger")
            text = "agency(s) listed as sending pushes match the closing"
            _check_stored(checked, words, "pushed", pushed_value(pushed), text)
        if other:
            made = _tables_again(ledger, closing, words["complaints"])
            checked.remarks.append(
                "figures, CSV files, chain and seals were recomputed; report, page and workbooks were only compared "
                f"with their published SHA-256, because other software made them: {other}"
            )
        else:
            made = _files_again(ledger, manifest, closing)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        checked.faults.append(Mismatch(MANIFEST, f"words: cannot be used: {type(error).__name__} {error}"))
        return
    _check_made_again(checked, manifest, contents, made, is_whole=not other)


def _made_otherwise(manifest: Mapping[str, Any], by: Mapping[str, Any]) -> str:
    """Return in words what differs between the software that made the files and this software.

    The text is empty if both must produce the same bytes.

    Raises:
        AttributeError: ``by`` was not written by any release of this software.
    """
    here = made_by()
    differing = [f"{name} {shown(by.get(name))}, here {value}" for name, value in here.items() if by.get(name) != value]
    if by.get("source") != here["source"]:
        was, now = shown(manifest.get("software")), software()
        differing[0] = f"{was}, here {now}" if was != now else f"another build of {now}"
    return "; ".join(differing)


def _check_words(
    checked: Verification,
    words: Any,  # noqa: ANN401
    closing: Closing,
    counted: Figures,
    *,
    is_own: bool,
) -> None:
    """Compare those parts of the manifest's ``words`` that follow from the figures with the figures.

    ``is_own``: whether this same software wrote the words.

    Raises:
        KeyError, TypeError, AttributeError, ValueError: The field ``words`` has an unexpected form.
    """
    faults = []
    urged = [asdict(each) for each in urge(counted, words["thresholds"])]
    if is_own:
        faults += [
            Mismatch(MANIFEST, f"words.{path}: published {shown(was)}, recomputed {shown(now)}")
            for path, was, now in differing_values("urged", words["urged"], urged)
        ]
    elif urged != words["urged"]:
        checked.remarks.append("the publication proposes to urge other agencies than the rules of this version would")
    published, now = words["budget"]["spent_in_period"], spent(closing, counted)
    if published != now:
        faults.append(
            Mismatch(MANIFEST, f"words.budget.spent_in_period: published {shown(published)}, recomputed {shown(now)}")
        )
    checked.faults.extend(faults)
    if words["urged"] and urged == words["urged"]:
        checked.held.append(f"{len(urged)} proposal(s) to urge an agency follow from the figures")


def _check_stored(checked: Verification, words: Any, name: str, kept: list[Any], held: str) -> None:  # noqa: ANN401
    """Compare one list in the manifest's words with the list that the ledger stored for the closing (``kept``). This is
    possible whatever release made the files."""
    published = words.get(name, []) if isinstance(words, dict) else []
    faults = [
        Mismatch(MANIFEST, f"words.{path}: published {shown(was)}, the ledger says {shown(now)}")
        for path, was, now in differing_values(name, published, kept)
    ]
    checked.faults.extend(faults)
    if kept and not faults:
        checked.held.append(f"{len(kept)} {held}")


def _remark_on_names(checked: Verification, ledger: Connection, manifest: dict[str, Any], closing: Closing) -> None:
    """Add a remark for each agency whose name in the publication differs from its name in the ledger.

    A later correction of a name's dates is legitimate, so the difference is no fault, but readers should know of it.
    """
    words = manifest.get("words")
    published = words.get("agencies") if isinstance(words, dict) else None
    names = names_on(ledger, closing.period.last)
    for each in published if isinstance(published, list) else ():
        code, name = (each.get("agency_code"), each.get("name")) if isinstance(each, dict) else (None, None)
        if isinstance(code, str) and code in names and name != names[code]:
            checked.remarks.append(
                f"agency {code} is called {shown(name)} in the publication; the ledger now says that it was called "
                f"{shown(names[code])} on {closing.period.last.isoformat()}"
            )


def _remark_on_queries(checked: Verification, ledger: Connection, manifest: dict[str, Any]) -> None:
    """Add a remark for each query that changed since it counted the published figures."""
    queries = manifest.get("queries")
    known = {each.name: each.sha256 for each in list_definitions(ledger)}
    for each in queries if isinstance(queries, list) else ():
        if not isinstance(each, dict):
            continue
        name = str(each.get("name"))
        now, published = known.get(name) or query_version(name), each.get("sha256")
        if now != published and not is_same_query(name, str(published)):
            checked.remarks.append(
                f"{name} has changed (SHA-256 {now or 'none: it is gone'}) since it made the figures ({published}): "
                "they were counted again with its present text"
            )


def _tables_again(ledger: Connection, closing: Closing, complaints: list[dict[str, Any]] | None) -> dict[str, bytes]:
    """Make the CSV files again from a closing whose figures were checked against the facts.

    Args:
        ledger: a connection.
        closing: the closing.
        complaints: the counts of complaints in the manifest. ``None`` if the manifest has none; the file of complaints
            is then not made.

    Raises:
        TypeError: The complaints have an unexpected form.
    """
    number = closing.closing_no
    rows = {
        **figure_rows(load_figures(ledger, number)),
        "differences": load_differences(ledger, number),
        "orphans": load_orphans(ledger, number),
        "changes": load_changes(ledger, number),
    }
    if complaints is not None:
        rows["complaints"] = tuple(ComplaintCount(**each) for each in complaints)
    return {
        table.file_name: write_csv(table, table_rows(table, number, rows[table.name]))
        for table in tables_of(closing)
        if table.name in rows
    }


def _files_again(ledger: Connection, manifest: dict[str, Any], closing: Closing) -> dict[str, bytes]:
    """Make all files again from a closing and the manifest's words.

    Raises:
        KeyError, TypeError, AttributeError, ValueError: The field ``words`` has an unexpected form.
    """
    corrects = manifest["corrects"]
    files = render(published_report(ledger, manifest, closing), None if corrects is None else Corrected(**corrects))
    return {file.name: file.content for file in files}


def _check_made_again(
    checked: Verification,
    manifest: dict[str, Any],
    contents: dict[str, bytes],
    made: dict[str, bytes],
    *,
    is_whole: bool,
) -> None:
    """Compare the published files with newly made ones. ``is_whole``: whether all files were made again."""
    before = len(checked.faults)
    named = {fault.where for fault in checked.faults}
    listed = {each["name"] for each in manifest["files"]}
    for name in sorted(listed ^ made.keys()) if is_whole else ():
        why = "is published, and the figures make no such file" if name in listed else "is not published"
        checked.faults.append(Mismatch(name, why))
    for name in sorted(contents.keys() & made):
        checked.faults.extend(not_too_many(name, list(_unlike(name, contents[name], made[name], named))))
    if len(checked.faults) == before:
        whole = "report, page, workbooks and CSV files" if is_whole else f"{len(made)} CSV files"
        checked.held.append(f"{whole} are what the recomputed figures make, made again")


def _unlike(name: str, content: bytes, own: bytes, named: Set[str]) -> Iterator[Mismatch]:
    """Yield how a published file differs from the newly made one.

    Nothing is yielded if the files are equal, or for a CSV file about which a fault is known already (``named``).
    """
    if content == own:
        return
    if name.endswith(".xlsx"):
        yield from _unlike_workbook(name, content, own)
    elif not (name.endswith(".csv") and name in named):
        made, first = sha256(own).hexdigest(), _first_unlike_line(content, own)
        yield Mismatch(name, f"is not what the figures make: made again it has SHA-256 {made}{first}")


def _first_unlike_line(content: bytes, own: bytes) -> str:
    """Return in words where two texts differ first. Empty if one of the files is not UTF-8 text."""
    try:
        was, now = content.decode().splitlines(keepends=True), own.decode().splitlines(keepends=True)
    except UnicodeDecodeError:
        return ""
    for number, (left, right) in enumerate(zip_longest(was, now, fillvalue=""), 1):
        if left != right:
            place = next((n for n, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), 0)
            if "data:image" in left:
                return f"; line {number}: the picture differs"
            start = max(0, place - 40)
            left, right = (repr(each[start : start + 120]) if each else "nothing" for each in (left, right))
            return f"; line {number}: the file says {left}, made again {right}"
    return ""


def _unlike_workbook(name: str, content: bytes, own: bytes) -> Iterator[Mismatch]:
    """Yield the cells that differ. Nothing is yielded if two workbooks differ only in how they are compressed."""
    try:
        with ZipFile(BytesIO(content)) as given, ZipFile(BytesIO(own)) as made:
            if sorted(given.namelist()) == sorted(made.namelist()) and all(
                given.read(each) == made.read(each) for each in made.namelist()
            ):
                return
        found = False
        for fault in _unlike_cells(name, content, own):
            found = True
            yield fault
    except Exception as error:  # a manipulated archive may make the reader raise anything
        yield Mismatch(name, f"cannot be read as a workbook: {type(error).__name__}")
        return
    if not found:
        yield Mismatch(
            name, "has the same value in every cell and differs elsewhere: formats, hidden rows or other parts"
        )


def _unlike_cells(name: str, content: bytes, own: bytes) -> Iterator[Mismatch]:
    from openpyxl import load_workbook
    from openpyxl.utils import get_column_letter

    given, made = load_workbook(BytesIO(content), read_only=True), load_workbook(BytesIO(own), read_only=True)
    for sheet in [*made.sheetnames, *(each for each in given.sheetnames if each not in made.sheetnames)]:
        if sheet not in given.sheetnames or sheet not in made.sheetnames:
            yield Mismatch(name, f"sheet {sheet} {'should not exist' if sheet in given.sheetnames else 'is missing'}")
            continue
        rows = zip_longest(
            given[sheet].iter_rows(values_only=True), made[sheet].iter_rows(values_only=True), fillvalue=()
        )
        for line, (left, right) in enumerate(rows, 1):
            for column, (was, now) in enumerate(zip_longest(left, right), 1):
                if was != now:
                    cell = f"{get_column_letter(column)}{line}"
                    yield Mismatch(name, f"sheet {sheet}, cell {cell}: published {shown(was)}, made again {shown(now)}")
