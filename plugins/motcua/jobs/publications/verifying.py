"""Verifies a publication: its files, its place in the chain (each publication has the checksum of the previous one),
and its figures against the facts.

Only the schema ``audit`` and the files are read, so that an auditor need not trust anybody. No personal data is needed:
figures are counted from facts that remain when names and numbers are purged. Then the files are made again from the
newly counted figures. CSV files are always made again. The report, its page and the workbooks are made again only if
the same release with the same libraries made the published files. So a changed word is found even if somebody also
changed every hash.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from motcua.domain.periods import Period
from motcua.jobs.publications.publishing import folder_of, is_link, is_local, publications_store
from motcua.jobs.publications.verification import (
    Mismatch,
    Verification,
    differing_values,
    not_too_many,
    shown,
)
from motcua.jobs.publications.verifying_again import check_files_again
from motcua.jobs.publications.verifying_figures import ComputeFigures, ComputeOrphans, check_figures
from motcua.reports.publication.files import FIRST, MANIFEST, canonical
from motcua.settings import settings
from motcua.store.file_stores import open_store
from motcua.store.ledger.database import Connection, connect
from motcua.store.oversight.closings import compute_figures, find_orphans
from motcua.store.oversight.publications import Publication, find_publication, list_publications

if TYPE_CHECKING:
    from airflow.sdk import ObjectStoragePath


class NoSuchPublication(LookupError):
    """No publication has this number, folder or manifest; the message names what was asked for."""


def verify_publication(
    which: str, compute: ComputeFigures = compute_figures, orphans: ComputeOrphans = find_orphans
) -> Verification:
    """Verify one publication.

    Args:
        which: the publication's number, its folder (in the store or a copy elsewhere), or the path of its manifest.
        compute: counts the figures of a closing again.
        orphans: finds records without the record that they belong to.

    Raises:
        NoSuchPublication: There is no such publication.
        psycopg.Error: The ledger does not answer.
    """
    with connect() as ledger:
        publication, folder = _find_folder(ledger, which)
        checked = Verification(publication, in_store=str(folder) == str(publications_store() / publication.folder))
        manifest = _check_manifest(checked, folder)
        contents = _check_files(checked, folder, manifest)
        _check_chain(checked, ledger, folder, manifest)
        known = check_figures(checked, ledger, manifest, contents, compute, orphans)
        if known is not None:
            check_files_again(checked, ledger, manifest, contents, *known)
    return checked


def verify_all(compute: ComputeFigures = compute_figures) -> Iterator[Verification]:
    """Verify every publication, in the order of their numbers."""
    with connect() as ledger:
        numbers = [each.publication_no for each in list_publications(ledger)]
    for number in numbers:
        yield verify_publication(str(number), compute)


def stray_folders() -> Iterator[Mismatch]:
    """Yield the folders of the store that look like the folder of a publication although no row of the ledger names
    them.

    A folder with a manifest is a publication whose row was removed, or was left by a process that died just before it
    wrote the row. A folder without a manifest was left by a process that died before it wrote the manifest. Nobody can
    mistake such a folder for a publication, so it is not reported.
    """
    with connect() as ledger:
        named = {each.folder for each in list_publications(ledger)}
    try:
        store = publications_store()
        found = sorted(str(path.parent.path) for path in store.glob(f"*/*/*/*/{MANIFEST}"))
    except OSError as error:
        raise _unreadable(error) from None
    base = f"{store.path.rstrip('/')}/"
    for folder in (each.removeprefix(base) for each in found):
        if folder not in named:
            yield Mismatch(
                folder,
                f"holds a {MANIFEST} that no row of the ledger names: the publication's row was removed, or a try died "
                "before it wrote the row. The files of such a try may be moved elsewhere",
            )


# --- Finding the publication --------------------------------------------------------------------------------------


def _find_folder(ledger: Connection, which: str) -> tuple[Publication, ObjectStoragePath]:
    if which.isascii() and which.isdecimal():
        publication = find_publication(ledger, publication_no=int(which)) if int(which) < 2**63 else None
        if publication is None:
            raise NoSuchPublication(f"there is no publication {which}; motcua publications list shows them")
        return publication, _in_store(publication)
    if "\0" in which:
        raise NoSuchPublication("the name of a publication contains no NUL character")
    written = which.rstrip("/").removesuffix(f"/{MANIFEST}") if which != MANIFEST else "."
    publication = find_publication(ledger, folder=written)
    if publication is not None:
        return publication, _in_store(publication)
    folder = _folder_of(which, written)
    try:
        if is_local(folder) and folder.is_file():
            raise NoSuchPublication(
                f"{which} is a file; verify takes a publication's number, its folder or its {MANIFEST}. Unpack "
                "an archive first"
            )
        content = _read_file(folder / MANIFEST) if (folder / MANIFEST).exists() else None
    except (OSError, ImportError, _NoFile) as error:
        raise NoSuchPublication(f"{which}/{MANIFEST} cannot be read: {_reason_of(error)}") from None
    # If the folder has the name of a publication, this publication is verified. If the folder holds another
    # publication's files, this is reported as a fault.
    publication = _publication_named_by(ledger, folder)
    if publication is None and content is not None:
        publication = find_publication(ledger, manifest_sha256=sha256(content).hexdigest())
    if publication is None and content is not None:
        # A changed manifest still holds the number of its publication.
        publication = find_publication(ledger, publication_no=_number_in(content))
    if publication is None and content is None:
        raise NoSuchPublication(f"{which} is no publication's number, and there is no {MANIFEST} in {folder}")
    if publication is None:
        raise NoSuchPublication(f"{folder / MANIFEST} belongs to no publication of this ledger")
    return publication, folder


def _in_store(publication: Publication) -> ObjectStoragePath:
    """Return the publication's folder. A store that does not answer is an error, not a fault of the publication."""
    try:
        folder = publications_store() / publication.folder
        folder.exists()
    except OSError as error:
        raise _unreadable(error) from None
    return folder


def _unreadable(error: OSError) -> NoSuchPublication:
    return NoSuchPublication(
        f"the store of publications, {settings().publications_url}, cannot be read: {_reason_of(error)}"
    )


def _folder_of(which: str, written: str) -> ObjectStoragePath:
    from airflow.sdk import ObjectStoragePath

    try:
        if "://" in written:
            path = open_store(written)
            path.exists()  # Only this call imports the file system's package and reads its connection.
            return path
        return ObjectStoragePath(f"file://{Path(written if written or not which else '/').resolve()}")
    except (ValueError, ImportError, OSError, AttributeError, TypeError) as error:
        raise NoSuchPublication(f"{which} is no publication's number, and no folder: {_reason_of(error)}") from None


def _publication_named_by(ledger: Connection, folder: ObjectStoragePath) -> Publication | None:
    """Return the publication to which the name of a folder, such as ``…/2026-11-24/1``, belongs. ``None`` if there is
    no such publication."""
    parts = folder.path.rstrip("/").split("/")
    if len(parts) < 2 or not (parts[-1].isascii() and parts[-1].isdecimal()):
        return None
    try:
        name = folder_of(Period.parse(parts[-2]), int(parts[-1]))
    except ValueError:
        return None
    return find_publication(ledger, folder=name)


def _number_in(content: bytes) -> int:
    try:
        number = json.loads(content)["publication_no"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return 0
    return number if isinstance(number, int) and 0 < number < 2**63 else 0


# --- Files --------------------------------------------------------------------------------------------------------


class _NoFile(Exception):
    """A path is not a regular file; the message says what it is."""


def _read_file(path: ObjectStoragePath) -> bytes:
    """Return a file's bytes.

    Raises:
        OSError: The file cannot be read.
        _NoFile: The path is a link, a folder or a pipe.
    """
    if is_link(path):
        raise _NoFile("is a symbolic link and no file")
    if not path.is_file():
        raise _NoFile("is no file")
    return path.read_bytes()


def _reason_of(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__


def _check_manifest(checked: Verification, folder: ObjectStoragePath) -> dict[str, Any]:
    """Check both copies of the manifest, and return the copy that has the published hash.

    One copy and the hash are in the publication's row in the ledger, the other copy is the file. If neither copy has
    the hash, the row's copy is returned, or the file if the row's copy does not have the form of a manifest.
    """
    publication, faults = checked.publication, checked.faults
    before = len(faults)
    given: Any = publication.manifest
    registered = sha256(canonical(given)).hexdigest()
    if registered != publication.manifest_sha256:
        faults.append(
            Mismatch(
                "ledger, audit.publications",
                f"the manifest of publication {publication.publication_no} has SHA-256 {registered}, the row says "
                f"{publication.manifest_sha256}",
            )
        )
    path = folder / MANIFEST
    written: Any = None
    if not folder.exists():
        faults.append(
            Mismatch(str(folder), "is not there; the setting MOTCUA_PUBLICATIONS says where publications are stored")
        )
    elif not path.exists() and not is_link(path):
        faults.append(Mismatch(MANIFEST, f"is missing in {folder}"))
    else:
        written = _check_manifest_file(checked, path, given)
    if registered != publication.manifest_sha256 and is_manifest(written):
        found = sha256(canonical(written)).hexdigest()
        if found == publication.manifest_sha256 or not is_manifest(given):
            given = written
    if not is_manifest(given):
        faults.append(
            Mismatch("ledger, audit.publications", "its manifest is not valid: it lists no files and no closing")
        )
        given = {"files": [], "closing": {}}
    faults.extend(_unlike_row(publication, given))
    if len(faults) == before:
        checked.held.append("manifest.json is the one that the ledger holds")
    return dict(given)


def _check_manifest_file(checked: Verification, path: ObjectStoragePath, given: object) -> object:
    """Check the manifest file against the row, and return the parsed file."""
    faults = checked.faults
    try:
        content = _read_file(path)
    except (OSError, _NoFile) as error:
        faults.append(
            Mismatch(
                MANIFEST, _reason_of(error) if isinstance(error, _NoFile) else f"cannot be read: {_reason_of(error)}"
            )
        )
        return None
    found, published = sha256(content).hexdigest(), checked.publication.manifest_sha256
    try:
        written = json.loads(content, object_pairs_hook=_without_duplicate_names)
    except _NamedTwice as error:
        faults.append(Mismatch(MANIFEST, f"has {error} twice, so that programs may read different values"))
        written = json.loads(content)
    except (ValueError, RecursionError):
        faults.append(Mismatch(MANIFEST, "is no JSON"))
        written = None
    if found != published:
        faults.append(Mismatch(MANIFEST, f"published with SHA-256 {published}, the file has {found}"))
        if written is not None:
            was, now = (given if isinstance(given, dict) else {}), written
            changed = [
                Mismatch(MANIFEST, f"{path}: published {shown(old)}, the file says {shown(new)}")
                for path, old, new in differing_values("", was, now)
            ]
            if not changed:
                changed = [
                    Mismatch(MANIFEST, "has the same content in other bytes: spaces, order, line ends or the like")
                ]
            faults.extend(not_too_many(MANIFEST, changed))
    return written


class _NamedTwice(ValueError):
    """A name occurs twice in one JSON object."""


def _without_duplicate_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    for name, times in Counter(names).items():
        if times > 1:
            raise _NamedTwice(name)
    return dict(pairs)


def is_manifest(value: object) -> bool:
    """Return whether a value has the parts of a manifest that are verified, each with the right type."""
    if not isinstance(value, dict) or not isinstance(value.get("closing"), dict):
        return False
    files = value.get("files")
    return isinstance(files, list) and all(
        isinstance(each, dict)
        and isinstance(each.get("name"), str)
        and isinstance(each.get("sha256"), str)
        and isinstance(each.get("size"), int)
        for each in files
    )


def _unlike_row(publication: Publication, manifest: dict[str, Any]) -> Iterator[Mismatch]:
    """Yield where a manifest contradicts the publication's row."""
    period = Period.parse(publication.period)
    row = {
        "publication_no": publication.publication_no,
        "folder": publication.folder,
        "period": {"name": str(period), "first": period.first.isoformat(), "last": period.last.isoformat()},
    }
    for name, value in row.items():
        for path, was, now in differing_values(name, manifest.get(name), value):
            yield Mismatch(MANIFEST, f"{path}: the manifest says {shown(was)}, the ledger's row {shown(now)}")


def _check_files(checked: Verification, folder: ObjectStoragePath, manifest: dict[str, Any]) -> dict[str, bytes]:
    faults, contents = checked.faults, {}
    before = len(faults)
    if not folder.exists():
        return {}
    listed_names = Counter(each["name"] for each in manifest["files"])
    for name in sorted(name for name, times in listed_names.items() if times > 1):
        faults.append(Mismatch(MANIFEST, f"lists {name} more than once"))
    for listed in manifest["files"]:
        name = listed["name"]
        if name.startswith("/") or ".." in name.split("/") or "\0" in name:
            faults.append(Mismatch(MANIFEST, f"lists {name}, which is no file of its folder"))
            continue
        content = _read_listed(checked, folder, name)
        if content is None:
            continue
        contents[name] = content
        if len(content) != listed["size"]:
            faults.append(Mismatch(name, f"published with {listed['size']} bytes, the file has {len(content)}"))
        found = sha256(content).hexdigest()
        if found != listed["sha256"]:
            faults.append(Mismatch(name, f"published with SHA-256 {listed['sha256']}, the file has {found}"))
    faults.extend(
        Mismatch(name, "stands in the folder and is not in the manifest")
        for name in _names_in(folder)
        if name not in listed_names and name != MANIFEST
    )
    if len(faults) == before:
        checked.held.append(f"{len(manifest['files'])} files have the published SHA-256")
    return contents


def _read_listed(checked: Verification, folder: ObjectStoragePath, name: str) -> bytes | None:
    """Return a listed file's bytes. ``None`` if it cannot be read; a fault then says why."""
    path = folder / name
    try:
        for above in path.parents:
            if len(above.path) <= len(folder.path.rstrip("/")):
                break
            if is_link(above):
                raise _NoFile(f"lies behind a symbolic link, {above.name}")
        if not path.exists() and not is_link(path):
            raise _NoFile("is missing")
        return _read_file(path)
    except _NoFile as error:
        checked.faults.append(Mismatch(name, str(error)))
    except OSError as error:
        checked.faults.append(Mismatch(name, f"cannot be read: {_reason_of(error)}"))
    return None


def _names_in(folder: ObjectStoragePath) -> list[str]:
    """Return the paths of everything in a folder except folders, relative to the folder."""
    if is_local(folder):
        base = Path(folder.path)
        found = (path for path in base.rglob("*") if path.is_symlink() or not path.is_dir())
        return sorted(path.relative_to(base).as_posix() for path in found)
    start = folder.path.rstrip("/") + "/"
    return sorted(path.path.removeprefix(start) for path in folder.rglob("*") if path.is_file())


# --- Chain --------------------------------------------------------------------------------------------------------


def _check_chain(
    checked: Verification, ledger: Connection, folder: ObjectStoragePath, manifest: dict[str, Any]
) -> None:
    publication, faults = checked.publication, checked.faults
    before, number = len(faults), publication.publication_no
    previous = find_publication(ledger, publication_no=number - 1) if number > 1 else None
    following = find_publication(ledger, publication_no=number + 1)
    if number > 1 and previous is None:
        faults.append(Mismatch("chain", f"publication {number - 1} is missing in the ledger"))
    expected = previous.manifest_sha256 if previous else FIRST if number == 1 else publication.previous_sha256
    named = manifest.get("previous")
    named = named if isinstance(named, dict) else {}
    for where, value in (("its row", publication.previous_sha256), ("its manifest", named.get("manifest_sha256"))):
        if value != expected:
            faults.append(
                Mismatch("chain", f"{where} names {shown(value)} as the manifest before; that one has {expected}")
            )
    if named.get("publication_no") != (number - 1 if number > 1 else None):
        faults.append(
            Mismatch("chain", f"its manifest names {shown(named.get('publication_no'))} as the publication before")
        )
    faults.extend(_unlike_corrected(ledger, publication, manifest))
    if following is not None and following.previous_sha256 != publication.manifest_sha256:
        faults.append(
            Mismatch(
                "chain",
                f"publication {following.publication_no} names {following.previous_sha256} as the manifest before; "
                f"this one has {publication.manifest_sha256}",
            )
        )
    store = _store_of(folder, publication)
    for neighbour in (previous, following):
        if neighbour is not None and store is not None:
            faults.extend(_neighbour_changed(store, neighbour))
    if len(faults) == before:
        names = [str(each.publication_no) for each in (previous, following) if each]
        beside = f"between {' and '.join(names)}" if len(names) == 2 else f"beside {names[0]}" if names else "alone"
        checked.held.append(f"its place in the chain holds ({beside})")


def _unlike_corrected(ledger: Connection, publication: Publication, manifest: dict[str, Any]) -> Iterator[Mismatch]:
    """Yield where row and manifest contradict the corrected publication that they name."""
    corrected = None if publication.corrects is None else find_publication(ledger, publication_no=publication.corrects)
    if publication.corrects is not None and corrected is None:
        yield Mismatch("chain", f"publication {publication.corrects}, which it corrects, is missing in the ledger")
        return
    value = corrected and {
        "publication_no": corrected.publication_no,
        "folder": corrected.folder,
        "manifest_sha256": corrected.manifest_sha256,
    }
    for path, was, now in differing_values("corrects", manifest.get("corrects"), value):
        yield Mismatch("chain", f"{path}: its manifest says {shown(was)}, the ledger {shown(now)}")


def _neighbour_changed(store: ObjectStoragePath, neighbour: Publication) -> Iterator[Mismatch]:
    path = store / neighbour.folder / MANIFEST
    try:
        if not path.exists():
            yield Mismatch("chain", f"{path} of publication {neighbour.publication_no} is missing")
        elif sha256(_read_file(path)).hexdigest() != neighbour.manifest_sha256:
            yield Mismatch("chain", f"{path} of publication {neighbour.publication_no} was changed")
    except (OSError, _NoFile) as error:
        yield Mismatch("chain", f"{path} of publication {neighbour.publication_no} cannot be read: {_reason_of(error)}")


def _store_of(folder: ObjectStoragePath, publication: Publication) -> ObjectStoragePath | None:
    """Return the store that a folder belongs to. ``None`` for a copy of one publication, which has no neighbours."""
    if not folder.path.rstrip("/").endswith(f"/{publication.folder}"):
        return None
    for _ in publication.folder.split("/"):
        folder = folder.parent
    return folder
