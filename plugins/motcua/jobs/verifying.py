"""Verifies a publication: its files, its place in the chain, its figures against the facts.

Reads the schema ``audit`` and the files alone, so that an auditor needs nobody's word. Personal data is not needed:
figures are counted from facts that are kept when names and numbers are purged.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from motcua.domain.reconciliation import Closing, Figures, Orphan
from motcua.jobs.publishing import publications_store
from motcua.reports.publication import FIRST, MANIFEST, canonical
from motcua.reports.publication_csv import (
    CASES,
    FIGURES,
    FigureTable,
    closing_value,
    figure_rows,
    heads,
    read_csv,
    table_rows,
    unquoted,
)
from motcua.store.closings import (
    broken_histories,
    compute_figures,
    find_orphans,
    hash_figures,
    load_changes,
    load_closing,
    load_differences,
    load_figures,
    load_orphans,
)
from motcua.store.database import Connection, connect
from motcua.store.publications import Publication, find_publication, list_publications

if TYPE_CHECKING:
    from airflow.sdk import ObjectStoragePath

ComputeFigures: TypeAlias = Callable[[Connection, Closing], Figures]
ComputeOrphans: TypeAlias = Callable[[Connection, Closing], tuple[Orphan, ...]]
MOST_TOLD = 30
"""Faults told of one file; the rest is counted."""


class NoSuchPublication(LookupError):
    """Neither a number, a folder nor a manifest of a publication; the message says what was looked for."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that does not hold, in words."""

    where: str
    said: str

    def __str__(self) -> str:
        return f"{self.where}: {self.said}"


@dataclass(slots=True)
class Verification:
    """What was looked at, and what does not hold."""

    publication: Publication
    held: list[str] = field(default_factory=list)
    """What was looked at and holds, in words."""
    faults: list[Fault] = field(default_factory=list)


def verify_publication(
    which: str, compute: ComputeFigures = compute_figures, orphans: ComputeOrphans = find_orphans
) -> Verification:
    """Verifies one publication.

    Args:
        which: its number, its folder (below the store, or anywhere, such as a copy on a disk), or a manifest's path.
        compute: counts the figures of a closing anew.
        orphans: looks for what belongs to nothing anew.

    Raises:
        NoSuchPublication: there is none.
        psycopg.Error: the ledger does not answer.
    """
    with connect() as ledger:
        publication, folder = _find(ledger, which)
        checked = Verification(publication)
        manifest = _check_manifest(checked, folder)
        contents = _check_files(checked, folder, manifest)
        _check_chain(checked, ledger, folder)
        _check_closing(checked, ledger, manifest, contents, compute, orphans)
    return checked


def verify_all(compute: ComputeFigures = compute_figures) -> Iterator[Verification]:
    """Verifies every publication, the first one first."""
    with connect() as ledger:
        numbers = [each.publication_no for each in list_publications(ledger)]
    for number in numbers:
        yield verify_publication(str(number), compute)


# --- Which one ----------------------------------------------------------------------------------------------------


def _find(ledger: Connection, which: str) -> tuple[Publication, ObjectStoragePath]:
    from airflow.sdk import ObjectStoragePath

    if which.isascii() and which.isdecimal():
        publication = find_publication(ledger, publication_no=int(which))
        if publication is None:
            raise NoSuchPublication(f"there is no publication {which}; motcua publications list shows them")
        return publication, publications_store() / publication.folder
    written = which.rstrip("/").removesuffix(f"/{MANIFEST}") if which != MANIFEST else "."
    publication = find_publication(ledger, folder=written)
    if publication is not None:
        return publication, publications_store() / written
    folder = ObjectStoragePath(written if "://" in written else f"file://{Path(written).resolve()}")
    if not (folder / MANIFEST).exists():
        raise NoSuchPublication(f"{which} is no publication's number, and there is no {MANIFEST} in {folder}")
    content = (folder / MANIFEST).read_bytes()
    publication = find_publication(ledger, manifest_sha256=sha256(content).hexdigest())
    if publication is None:
        # A manifest that was changed still says whose it is.
        publication = find_publication(ledger, publication_no=_number_in(content))
    if publication is None:
        raise NoSuchPublication(f"{folder / MANIFEST} belongs to no publication of this ledger")
    return publication, folder


def _number_in(content: bytes) -> int:
    try:
        number = json.loads(content)["publication_no"]
    except (ValueError, KeyError, TypeError):
        return 0
    return number if isinstance(number, int) and 0 < number < 2**63 else 0


# --- Files --------------------------------------------------------------------------------------------------------


def _check_manifest(checked: Verification, folder: ObjectStoragePath) -> dict[str, Any]:
    """The manifest that the ledger holds; the file and the row are held against each other."""
    publication, faults = checked.publication, checked.faults
    before = len(faults)
    registered = canonical(publication.manifest)
    if sha256(registered).hexdigest() != publication.manifest_sha256:
        faults.append(
            Fault(
                "ledger, audit.publications",
                f"the manifest of publication {publication.publication_no} has SHA-256 "
                f"{sha256(registered).hexdigest()}, the row says {publication.manifest_sha256}",
            )
        )
    path = folder / MANIFEST
    if not path.exists():
        faults.append(Fault(MANIFEST, f"is missing in {folder}"))
    else:
        content = path.read_bytes()
        found = sha256(content).hexdigest()
        if found != publication.manifest_sha256:
            faults.append(
                Fault(MANIFEST, f"published with SHA-256 {publication.manifest_sha256}, the file has {found}")
            )
            faults.extend(_changed_values(content, publication.manifest))
    if len(faults) == before:
        checked.held.append("manifest.json is the one that the ledger holds")
    return publication.manifest


def _changed_values(content: bytes, manifest: dict[str, Any]) -> Iterator[Fault]:
    try:
        written = json.loads(content)
    except ValueError:
        yield Fault(MANIFEST, "is no JSON")
        return
    yield from (
        Fault(MANIFEST, f"{path}: published {_shown(was)}, the file says {_shown(now)}")
        for path, was, now in _walk("", manifest, written)
    )


def _walk(path: str, was: object, now: object) -> Iterator[tuple[str, object, object]]:
    if isinstance(was, dict) and isinstance(now, dict):
        for name in sorted(was.keys() | now.keys()):
            yield from _walk(f"{path}.{name}".lstrip("."), was.get(name), now.get(name))
    elif isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        for place, (left, right) in enumerate(zip(was, now, strict=True)):
            yield from _walk(f"{path}[{place}]", left, right)
    elif was != now:
        yield path, was, now


def _check_files(checked: Verification, folder: ObjectStoragePath, manifest: dict[str, Any]) -> dict[str, bytes]:
    faults, contents = checked.faults, {}
    before = len(faults)
    for listed in manifest["files"]:
        name = listed["name"]
        path = folder / name
        if not path.exists():
            faults.append(Fault(name, "is missing"))
            continue
        content = contents[name] = path.read_bytes()
        if len(content) != listed["size"]:
            faults.append(Fault(name, f"published with {listed['size']} bytes, the file has {len(content)}"))
        found = sha256(content).hexdigest()
        if found != listed["sha256"]:
            faults.append(Fault(name, f"published with SHA-256 {listed['sha256']}, the file has {found}"))
    listed_names = {each["name"] for each in manifest["files"]} | {MANIFEST}
    base = folder.path.rstrip("/") + "/"
    for path in sorted(folder.rglob("*"), key=str) if folder.exists() else ():
        name = path.path.removeprefix(base)
        if path.is_file() and name not in listed_names:
            faults.append(Fault(name, "stands in the folder and is not in the manifest"))
    if len(faults) == before:
        checked.held.append(f"{len(manifest['files'])} files have the published SHA-256")
    return contents


# --- Chain --------------------------------------------------------------------------------------------------------


def _check_chain(checked: Verification, ledger: Connection, folder: ObjectStoragePath) -> None:
    publication, faults = checked.publication, checked.faults
    before, number = len(faults), publication.publication_no
    previous = find_publication(ledger, publication_no=number - 1) if number > 1 else None
    following = find_publication(ledger, publication_no=number + 1)
    if number > 1 and previous is None:
        faults.append(Fault("chain", f"publication {number - 1} is missing in the ledger"))
    said = (publication.manifest.get("previous") or {}).get("manifest_sha256")
    expected = previous.manifest_sha256 if previous else FIRST if number == 1 else publication.previous_sha256
    for where, value in (("its row", publication.previous_sha256), ("its manifest", said)):
        if value != expected:
            faults.append(Fault("chain", f"{where} names {value} as the manifest before; that one has {expected}"))
    if following is not None and following.previous_sha256 != publication.manifest_sha256:
        faults.append(
            Fault(
                "chain",
                f"publication {following.publication_no} names {following.previous_sha256} as the manifest before; "
                f"this one has {publication.manifest_sha256}",
            )
        )
    store = _store_of(folder, publication)
    for neighbour in (previous, following):
        if neighbour is not None and store is not None:
            path = store / neighbour.folder / MANIFEST
            if not path.exists():
                faults.append(Fault("chain", f"{path} of publication {neighbour.publication_no} is missing"))
            elif sha256(path.read_bytes()).hexdigest() != neighbour.manifest_sha256:
                faults.append(Fault("chain", f"{path} of publication {neighbour.publication_no} was changed"))
    if len(faults) == before:
        names = [str(each.publication_no) for each in (previous, following) if each]
        beside = f"between {' and '.join(names)}" if len(names) == 2 else f"beside {names[0]}" if names else "alone"
        checked.held.append(f"its place in the chain holds ({beside})")


def _store_of(folder: ObjectStoragePath, publication: Publication) -> ObjectStoragePath | None:
    """The store that the folder lies in; ``None``: it is a copy of one publication, and has no neighbours."""
    if not folder.path.rstrip("/").endswith(f"/{publication.folder}"):
        return None
    for _ in publication.folder.split("/"):
        folder = folder.parent
    return folder


# --- Figures ------------------------------------------------------------------------------------------------------


def _check_closing(
    checked: Verification,
    ledger: Connection,
    manifest: dict[str, Any],
    contents: dict[str, bytes],
    compute: ComputeFigures,
    orphans: ComputeOrphans,
) -> None:
    faults = checked.faults
    number = checked.publication.closing_no
    try:
        closing = load_closing(ledger, number)
    except LookupError as error:
        faults.append(Fault("ledger, audit.closings", str(error)))
        return
    before = len(faults)
    faults.extend(
        Fault(MANIFEST, f"closing.{path}: published {_shown(was)}, the ledger says {_shown(now)}")
        for path, was, now in _walk("", manifest["closing"], closing_value(closing))
    )
    stored, counted = load_figures(ledger, number), compute(ledger, closing)
    differences, orphans_now = load_differences(ledger, number), orphans(ledger, closing)
    for table in FIGURES:
        published = _published(checked, table, contents)
        if published is not None:
            faults.extend(_compare(table, number, published, figure_rows(counted)[table.name], "recomputed"))
            faults.extend(_compare(table, number, published, figure_rows(stored)[table.name], "stored in the closing"))
        faults.extend(_stored_against_counted(table, number, stored, counted))
    cases: dict[str, Sequence[tuple[Sequence[Any], str]]] = {
        "differences": [(differences, "stored in the closing")],
        "orphans": [(orphans_now, "recomputed"), (load_orphans(ledger, number), "stored in the closing")],
        "changes": [(load_changes(ledger, number), "stored in the closing")],
    }
    for table in CASES:
        published = _published(checked, table, contents)
        if published is not None:
            for found_rows, label in cases[table.name]:
                faults.extend(_compare(table, number, published, found_rows, label))
    faults.extend(
        Fault("ledger, audit.message_history", f"the moves of message {message} do not join up to its state")
        for message in broken_histories(ledger, closing, MOST_TOLD)
    )
    found = hash_figures(counted, differences, orphans_now)
    if found != closing.figures_hash:
        faults.append(
            Fault("figures", f"recomputed they have SHA-256 {found}, the closing says {closing.figures_hash}")
        )
    if len(faults) == before:
        rows = sum(len(each) for each in figure_rows(counted).values())
        checked.held.append(f"{rows} rows of figures, counted anew from the facts, are the published ones")


def _published(checked: Verification, table: FigureTable, contents: dict[str, bytes]) -> list[list[str]] | None:
    if table.file_name not in contents:
        return None
    try:
        lines = read_csv(contents[table.file_name])
    except ValueError as error:
        checked.faults.append(Fault(table.file_name, f"cannot be read as CSV: {error}"))
        return None
    if not lines or tuple(lines[0]) != heads(table):
        checked.faults.append(Fault(table.file_name, f"row 1: its columns are not {', '.join(heads(table))}"))
        return None
    return lines[1:]


def _compare(
    table: FigureTable, closing_no: int, published: list[list[str]], rows: Sequence[Any], label: str
) -> list[Fault]:
    """Cell by cell; rows of a table without keys are compared as wholes."""
    wanted = [tuple(map(unquoted, row)) for row in table_rows(table, closing_no, rows)]
    file, columns = table.file_name, heads(table)
    faults: list[Fault] = []
    lines: dict[tuple[str, ...], list[tuple[int, tuple[str, ...]]]] = {}
    width = 1 + table.keys if table.keys else len(columns)
    for place, line in enumerate(published, 2):
        if len(line) != len(columns):
            faults.append(Fault(file, f"row {place} has {len(line)} cells, not {len(columns)}"))
        else:
            lines.setdefault(tuple(line[1:width] if table.keys else line), []).append((place, tuple(line)))
    for row in wanted:
        key = row[1:width] if table.keys else row
        found = lines.get(key)
        if not found:
            faults.append(
                Fault(file, f"the row ({_named(key)}) is missing; {label}: {_told(columns[width:], row[width:])}")
            )
            continue
        place, cells = found.pop(0)
        faults.extend(
            Fault(file, f"row {place} ({_named(key)}), column {column}: published {_shown(was)}, {label} {_shown(now)}")
            for column, was, now in zip(columns, cells, row, strict=True)
            if was != now
        )
    faults.extend(
        Fault(file, f"row {place} ({_named(key)}) is published, and not {label}")
        for key, left in lines.items()
        for place, _ in left
    )
    return _not_too_many(file, faults)


def _stored_against_counted(table: FigureTable, closing_no: int, stored: Figures, counted: Figures) -> list[Fault]:
    """Also where a file is missing or broken, the ledger's own closing is held against the facts."""
    old = Counter(table_rows(table, closing_no, figure_rows(stored)[table.name]))
    new = Counter(table_rows(table, closing_no, figure_rows(counted)[table.name]))
    if old == new:
        return []
    where = f"ledger, audit.{table.table}"
    faults = [Fault(where, f"stored and not recomputed: {_told(heads(table), row)}") for row in old - new]
    faults += [Fault(where, f"recomputed and not stored: {_told(heads(table), row)}") for row in new - old]
    return _not_too_many(where, faults)


def _not_too_many(where: str, faults: list[Fault]) -> list[Fault]:
    if len(faults) <= MOST_TOLD:
        return faults
    return [*faults[:MOST_TOLD], Fault(where, f"{len(faults) - MOST_TOLD} more such differences")]


def _named(key: Sequence[str]) -> str:
    return ", ".join(cell or "–" for cell in key)


def _told(columns: Sequence[str], cells: Sequence[str]) -> str:
    return ", ".join(f"{column} {cell}" for column, cell in zip(columns, cells, strict=True) if cell)


def _shown(value: object) -> str:
    if value is None or value == "":
        return "nothing"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 200 else f"{text[:199]}…"
