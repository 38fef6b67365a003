"""Makes a publication's files again from the verified closing and the manifest's words: the published are the same.

A word that was changed in the printed report is found so, even where every hash was mended after it. Each is made by
its own rendering. What other software made (a rendering that is not known here, other libraries) need not be the same
again; what is holds all the same, and the rest is named.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import asdict
from hashlib import sha256
from io import BytesIO
from itertools import zip_longest
from typing import Any, TypeAlias
from zipfile import ZipFile

from motcua.domain.reconciliation import Closing, Figures
from motcua.jobs.publications.verification import (
    Mismatch,
    Verification,
    differing_values,
    not_too_many,
    shown,
)
from motcua.jobs.reconciliation.reporting import is_same_query, query_version, urge
from motcua.reports.publication.again import made_otherwise, pushed_value, rendering_of, report_again, stops_value
from motcua.reports.publication.data import Corrected
from motcua.reports.publication.files import MANIFEST, render
from motcua.store.intake.closings import pushed_of_closing
from motcua.store.ledger.database import Connection
from motcua.store.notices.stops import stops_of_closing
from motcua.store.oversight.closings import load_changes, load_differences, load_figures, load_orphans
from motcua.store.oversight.publications import list_definitions, names_on


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
    _remark_on_names(checked, ledger, manifest, closing)
    _remark_on_queries(checked, ledger, manifest)
    words = manifest.get("words")
    if words is None:
        checked.remarks.append(
            "it was published by an older version, which did not keep how it was made: report, page and workbooks were "
            "held against their hashes alone"
        )
        return
    try:
        other = made_otherwise(words["made_by"])
        rendering = rendering_of(words["made_by"])
    except (KeyError, TypeError, AttributeError) as error:
        checked.faults.append(_unusable(error))
        return
    _check_words(checked, words, closing, counted, rendering, other)
    _check_stops(checked, ledger, words, closing)
    _check_pushed(checked, ledger, words, closing)
    made = _made_again(checked, ledger, manifest, closing, rendering, other)
    if made is not None:
        _check_made_again(checked, manifest, contents, made, other)


Other: TypeAlias = Mapping[str, tuple[Any, Any]]
"""In what the software was another that made a publication: ``made_otherwise``."""


def _unusable(error: Exception) -> Mismatch:
    return Mismatch(MANIFEST, f"words: cannot be used: {type(error).__name__} {error}")


def _check_words(
    checked: Verification,
    words: Any,  # noqa: ANN401
    closing: Closing,
    counted: Figures,
    rendering: int,
    other: Other,
) -> None:
    """What the manifest says beside figures, as far as figures say it too."""
    found: list[Mismatch] = []
    try:
        urged = [asdict(each) for each in urge(counted, words["thresholds"], rendering)]
        found += [
            Mismatch(MANIFEST, f"words.{path}: published {shown(was)}, recomputed {shown(now)}")
            for path, was, now in differing_values("urged", words["urged"], urged)
        ]
        spent = words["budget"]["spent_in_period"]
        price = closing.segment_price
        now = None if price is None else price * sum(each.segments for each in counted.messages)
        if spent != now:
            found.append(
                Mismatch(MANIFEST, f"words.budget.spent_in_period: published {shown(spent)}, recomputed {shown(now)}")
            )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        found.append(_unusable(error))
    if "rendering" in other:
        # By another rule than this one, perhaps.
        checked.remarks.extend(map(str, found))
    elif found:
        checked.faults.extend(found)
    elif words["urged"]:
        checked.held.append(f"{len(words['urged'])} proposal(s) to urge an agency follow from the figures")


def _check_stops(checked: Verification, ledger: Connection, words: Any, closing: Closing) -> None:  # noqa: ANN401
    """What it says was stopped, against what the closing knew: also of a publication of other software."""
    told = words.get("stops", []) if isinstance(words, dict) else []
    kept = stops_value(stops_of_closing(ledger, closing.closing_no))
    faults = [
        Mismatch(MANIFEST, f"words.{path}: published {shown(was)}, the ledger says {shown(now)}")
        for path, was, now in differing_values("stops", told, kept)
    ]
    checked.faults.extend(faults)
    if kept and not faults:
        checked.held.append(f"{len(kept)} stop(s) of sending are told as the ledger has them")


def _check_pushed(checked: Verification, ledger: Connection, words: Any, closing: Closing) -> None:  # noqa: ANN401
    """Whose figures it says to be as they were pushed, against what the closing kept."""
    told = words.get("pushed", []) if isinstance(words, dict) else []
    kept = pushed_value(pushed_of_closing(ledger, closing.closing_no))
    faults = [
        Mismatch(MANIFEST, f"words.{path}: published {shown(was)}, the ledger says {shown(now)}")
        for path, was, now in differing_values("pushed", told, kept)
    ]
    checked.faults.extend(faults)
    if kept and not faults:
        checked.held.append(f"{len(kept)} agency(s) are said to be told by pushes, as the closing kept it")


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


def _remark_on_queries(checked: Verification, ledger: Connection, manifest: dict[str, Any]) -> None:
    """What counted the figures anew and is another by now than what counted them first."""
    queries = manifest.get("queries")
    known = {each.name: each.sha256 for each in list_definitions(ledger)}
    for each in queries if isinstance(queries, list) else ():
        if not isinstance(each, dict):
            continue
        name = str(each.get("name"))
        now, published = known.get(name) or query_version(name), each.get("sha256")
        if now != published and not is_same_query(name, str(published)):
            checked.remarks.append(
                f"{name} is another by now (SHA-256 {now or 'none: it is gone'}) than the one that made the figures "
                f"({published}): they were counted anew by this one"
            )


def _made_again(
    checked: Verification,
    ledger: Connection,
    manifest: dict[str, Any],
    closing: Closing,
    rendering: int,
    other: Other,
) -> dict[str, bytes] | None:
    """The files as this software makes them of the closing, which was held against the facts, and of the manifest's
    words; ``None``: it cannot, and a remark or a fault says why."""
    number = closing.closing_no
    try:
        previous = manifest["words"]["previous_closing"]
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
        files = render(report, None if corrects is None else Corrected(**corrects), rendering)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        if other:
            checked.remarks.append(_by_hashes_alone(other, [each["name"] for each in manifest["files"]]))
        else:
            checked.faults.append(_unusable(error))
        return None
    return {file.name: file.content for file in files}


def _by_hashes_alone(other: Other, names: Sequence[str]) -> str:
    told = ", ".join(f"{name} {shown(was)}, here {shown(now)}" for name, (was, now) in other.items())
    return f"it was made by other software ({told}): held against their hashes alone were {', '.join(names)}"


def _check_made_again(
    checked: Verification, manifest: dict[str, Any], contents: dict[str, bytes], made: dict[str, bytes], other: Other
) -> None:
    """Published files against the files made again."""
    before = len(checked.faults)
    named = {fault.where for fault in checked.faults}
    listed = {each["name"] for each in manifest["files"]}
    unlike = {name: list(_unlike(name, contents[name], made[name], named)) for name in sorted(contents.keys() & made)}
    found = {
        name: [
            Mismatch(name, "is published, and the figures make no such file" if name in listed else "is not published")
        ]
        for name in sorted(listed ^ made.keys())
    } | {name: faults for name, faults in unlike.items() if faults}
    if other and found:
        checked.remarks.append(_by_hashes_alone(other, sorted(found)))
    else:
        for name, faults in found.items():
            checked.faults.extend(not_too_many(name, faults))
    if len(checked.faults) == before:
        whole = (
            "report, page, workbooks and CSV files" if not found else f"the other {len(listed - found.keys())} files"
        )
        checked.held.append(f"{whole} are what the recomputed figures make, made again")


def _unlike(name: str, content: bytes, own: bytes, named: Set[str]) -> Iterator[Mismatch]:
    """Where a published file is not the one made again; nothing where it is."""
    if content == own:
        return
    if name.endswith(".xlsx"):
        yield from _unlike_workbook(name, content, own)
    elif not (name.endswith(".csv") and name in named):
        made, first = sha256(own).hexdigest(), _first_unlike_line(content, own)
        yield Mismatch(name, f"is not what the figures make: made again it has SHA-256 {made}{first}")


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


def _unlike_workbook(name: str, content: bytes, own: bytes) -> Iterator[Mismatch]:
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
        yield Mismatch(name, f"cannot be read as a workbook: {type(error).__name__}")
        return
    if not found:
        yield Mismatch(
            name, "says the same in every cell and looks otherwise: formats, hidden rows or what is behind them"
        )


def _unlike_cells(name: str, content: bytes, own: bytes) -> Iterator[Mismatch]:
    from openpyxl import load_workbook
    from openpyxl.utils import get_column_letter

    given, made = load_workbook(BytesIO(content), read_only=True), load_workbook(BytesIO(own), read_only=True)
    for sheet in [*made.sheetnames, *(each for each in given.sheetnames if each not in made.sheetnames)]:
        if sheet not in given.sheetnames or sheet not in made.sheetnames:
            yield Mismatch(name, f"sheet {sheet} {'is too much' if sheet in given.sheetnames else 'is missing'}")
            continue
        rows = zip_longest(
            given[sheet].iter_rows(values_only=True), made[sheet].iter_rows(values_only=True), fillvalue=()
        )
        for line, (left, right) in enumerate(rows, 1):
            for column, (was, now) in enumerate(zip_longest(left, right), 1):
                if was != now:
                    cell = f"{get_column_letter(column)}{line}"
                    yield Mismatch(name, f"sheet {sheet}, cell {cell}: published {shown(was)}, made again {shown(now)}")
