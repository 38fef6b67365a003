"""Makes a publication's files again from the verified closing and the manifest's words: the published are the same.

A word that was changed in the printed report is found so, even where every hash was mended after it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from hashlib import sha256
from io import BytesIO
from itertools import zip_longest
from typing import Any
from zipfile import ZipFile

from motcua.domain.reconciliation import Closing, Figures
from motcua.jobs.reporting import query_version, urge
from motcua.jobs.verification import Fault, Verification, not_too_many, shown, walk
from motcua.reports.publication import MANIFEST, render
from motcua.reports.publication_again import made_by, report_again
from motcua.reports.publication_data import Corrected
from motcua.store.closings import load_changes, load_differences, load_figures, load_orphans
from motcua.store.database import Connection
from motcua.store.publications import names_on


def check_files_again(
    checked: Verification,
    ledger: Connection,
    manifest: dict[str, Any],
    contents: dict[str, bytes],
    closing: Closing,
    counted: Figures,
) -> None:
    """Holds a manifest's words against the figures, and the files against those made again.

    Args:
        checked: takes what holds, what does not, and what cannot be looked at.
        ledger: what auditors may read is enough.
        manifest: the published one.
        contents: the files that could be read, by name.
        closing: the closing.
        counted: its figures, counted anew.
    """
    _check_words(checked, manifest, closing, counted)
    _remark_on_names(checked, ledger, manifest, closing)
    made = _made_again(checked, ledger, manifest, closing)
    if made is not None:
        _check_made_again(checked, manifest, contents, made)


def _check_words(checked: Verification, manifest: dict[str, Any], closing: Closing, counted: Figures) -> None:
    """What the manifest says beside figures, as far as figures say it too."""
    words = manifest.get("words")
    if not isinstance(words, dict):
        return
    before = len(checked.faults)
    try:
        urged = [asdict(each) for each in urge(counted, words["thresholds"])]
        checked.faults.extend(
            Fault(MANIFEST, f"words.{path}: published {shown(was)}, recomputed {shown(now)}")
            for path, was, now in walk("urged", words["urged"], urged)
        )
        spent = words["budget"]["spent_in_period"]
        price = closing.segment_price
        found = None if price is None else price * sum(each.segments for each in counted.messages)
        if spent != found:
            checked.faults.append(
                Fault(MANIFEST, f"words.budget.spent_in_period: published {shown(spent)}, recomputed {shown(found)}")
            )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        checked.faults.append(Fault(MANIFEST, f"words: cannot be used: {type(error).__name__} {error}"))
    if len(checked.faults) == before and words["urged"]:
        checked.held.append(f"{len(words['urged'])} proposal(s) to urge an agency follow from the figures")


def _remark_on_names(checked: Verification, ledger: Connection, manifest: dict[str, Any], closing: Closing) -> None:
    """Agencies that the publication calls otherwise than the ledger does: who mends a name's dates later means no harm,
    and yet it is to be seen."""
    words = manifest.get("words")
    told = words.get("agencies") if isinstance(words, dict) else None
    names = names_on(ledger, closing.period.last)
    for each in told if isinstance(told, list) else ():
        code, name = (each.get("agency_code"), each.get("name")) if isinstance(each, dict) else (None, None)
        if isinstance(code, str) and code in names and name != names[code]:
            checked.remarks.append(
                f"agency {code} is called {shown(name)} in it; by what the ledger says now it was {shown(names[code])} "
                f"on {closing.period.last.isoformat()}"
            )


def _made_again(
    checked: Verification, ledger: Connection, manifest: dict[str, Any], closing: Closing
) -> dict[str, bytes] | None:
    """The files as this software makes them of the closing, which was held against the facts, and of the manifest's
    words; ``None``: it cannot, and a remark or a fault says why."""
    number = closing.closing_no
    words = manifest.get("words")
    whole = "report, page and workbooks were held against their hashes alone"
    queries = manifest.get("queries")
    for each in queries if isinstance(queries, list) else ():
        if isinstance(each, dict) and (now := query_version(str(each.get("name")))) != each.get("sha256"):
            checked.remarks.append(
                f"{each.get('name')} is another query by now (SHA-256 {now or 'none: it is gone'}) than the one that "
                f"made the figures ({each.get('sha256')}): they were counted anew by this one"
            )
    if words is None:
        checked.remarks.append(f"it was published by an older version, which did not keep how it was made: {whole}")
        return None
    try:
        other = {
            name: (words["made_by"].get(name), made_by().get(name))
            for name in sorted(words["made_by"].keys() | made_by().keys())
            if words["made_by"].get(name) != made_by().get(name)
        }
        if other:
            told = ", ".join(f"{name} {shown(was)}, here {shown(now)}" for name, (was, now) in other.items())
            checked.remarks.append(f"it was made by other software ({told}): {whole}")
            return None
        previous = words["previous_closing"]
        report = report_again(
            manifest,
            closing,
            load_figures(ledger, number),
            None if previous is None else load_figures(ledger, int(previous)),
            load_differences(ledger, number),
            load_orphans(ledger, number),
            load_changes(ledger, number),
        )
        corrects = manifest["corrects"]
        files = render(report, None if corrects is None else Corrected(**corrects))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        checked.faults.append(Fault(MANIFEST, f"words: cannot be used: {type(error).__name__} {error}"))
        return None
    return {file.name: file.content for file in files}


def _check_made_again(
    checked: Verification, manifest: dict[str, Any], contents: dict[str, bytes], made: dict[str, bytes]
) -> None:
    """Published files against the files made again."""
    before = len(checked.faults)
    named = {fault.where for fault in checked.faults}
    listed = {each["name"] for each in manifest["files"]}
    for name in sorted(listed ^ made.keys()):
        checked.faults.append(
            Fault(name, "is published, and the figures make no such file" if name in listed else "is not published")
        )
    for name in sorted(contents.keys() & made.keys()):
        content, own = contents[name], made[name]
        if content == own:
            continue
        if name.endswith(".xlsx"):
            checked.faults.extend(not_too_many(name, list(_unlike_workbook(name, content, own))))
        elif not (name.endswith(".csv") and name in named):
            checked.faults.append(
                Fault(
                    name,
                    "is not what the figures make: made again it has SHA-256 "
                    f"{sha256(own).hexdigest()}{_first_unlike_line(content, own)}",
                )
            )
    if len(checked.faults) == before:
        checked.held.append("report, page, workbooks and CSV files are what the recomputed figures make, made again")


def _first_unlike_line(content: bytes, own: bytes) -> str:
    """Where a text differs first, in words; nothing of what is no text."""
    try:
        was, now = content.decode().splitlines(keepends=True), own.decode().splitlines(keepends=True)
    except UnicodeDecodeError:
        return ""
    for number, (left, right) in enumerate(zip_longest(was, now, fillvalue=""), 1):
        if left != right:
            place = next((n for n, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), 0)
            if "data:image" in left:
                return f"; line {number}: another picture"
            start = max(0, place - 40)
            left, right = (repr(each[start : start + 120]) if each else "nothing" for each in (left, right))
            return f"; line {number}: the file says {left}, made again {right}"
    return ""


def _unlike_workbook(name: str, content: bytes, own: bytes) -> Iterator[Fault]:
    """Cells that differ; nothing where two workbooks are the same but for how they are packed."""
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
    except Exception as error:  # whatever a doctored archive makes a reader say
        yield Fault(name, f"cannot be read as a workbook: {type(error).__name__}")
        return
    if not found:
        yield Fault(
            name, "says the same in every cell and looks otherwise: formats, hidden rows or what is behind them"
        )


def _unlike_cells(name: str, content: bytes, own: bytes) -> Iterator[Fault]:
    from openpyxl import load_workbook
    from openpyxl.utils import get_column_letter

    given, made = load_workbook(BytesIO(content), read_only=True), load_workbook(BytesIO(own), read_only=True)
    for sheet in [*made.sheetnames, *(each for each in given.sheetnames if each not in made.sheetnames)]:
        if sheet not in given.sheetnames or sheet not in made.sheetnames:
            yield Fault(name, f"sheet {sheet} {'is too much' if sheet in given.sheetnames else 'is missing'}")
            continue
        rows = zip_longest(
            given[sheet].iter_rows(values_only=True), made[sheet].iter_rows(values_only=True), fillvalue=()
        )
        for line, (left, right) in enumerate(rows, 1):
            for column, (was, now) in enumerate(zip_longest(left, right), 1):
                if was != now:
                    cell = f"{get_column_letter(column)}{line}"
                    yield Fault(name, f"sheet {sheet}, cell {cell}: published {shown(was)}, made again {shown(now)}")
