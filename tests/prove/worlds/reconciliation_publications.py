"""Publications of the closings of a world: true ones verify, also much later and without personal data; doctored ones
do not, whatever was changed: a byte of a file, a cell, a file, the manifest, a row in the ledger past all its guards.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from motcua.jobs.publications.publishing import publish
from motcua.jobs.publications.verifying import NoSuchPublication, verify_publication
from motcua.store.oversight.publications import Publication
from tests.ground import ask, connection_uri, database, environment, quiet_logs
from tests.prove import Figure, every, noted

MANIFEST = "manifest.json"

PURGED = """
UPDATE motcua.dossiers SET applicant_name = NULL, applicant_phone = NULL, msisdn = NULL;
UPDATE motcua.dossier_versions SET applicant_phone = NULL;
UPDATE motcua.messages SET msisdn = NULL, text = '', parameters = '{}';
UPDATE motcua.attempts SET msisdn = '';
UPDATE motcua.inquiries SET msisdn = NULL, text = NULL, asked_code = NULL;
UPDATE motcua.transitions SET note = NULL, actor = NULL;
"""

_IN_PERIOD = "recorded_at >= %(start)s AND recorded_at < %(end)s"
TAMPERED: dict[str, tuple[str, str]] = {
    "a message's state": (
        "month, newest",
        "UPDATE motcua.messages SET state = 'delivered' WHERE message_id = (SELECT min(message_id) FROM motcua.messages"
        f" WHERE state = 'undelivered' AND {_IN_PERIOD})",
    ),
    "a message, taken out": (
        "month, newest",
        "DELETE FROM motcua.messages WHERE message_id = (SELECT min(message_id) FROM motcua.messages"
        f" WHERE state = 'suppressed' AND {_IN_PERIOD})",
    ),
    "a message, put in": (
        "month, newest",
        "INSERT INTO motcua.messages OVERRIDING SYSTEM VALUE SELECT (jsonb_populate_record(m, jsonb_build_object("
        "'message_id', 0, 'occasion', 'x', 'transition_id', 0))).* FROM motcua.messages AS m"
        f" WHERE state = 'delivered' AND kind = 'result' AND {_IN_PERIOD} ORDER BY message_id LIMIT 1",
    ),
    "a move, taken out of a message's history": (
        "month, first",
        "DELETE FROM motcua.message_history WHERE history_id = (SELECT min(h.history_id) FROM motcua.message_history"
        f" AS h INNER JOIN motcua.messages AS m USING (message_id) WHERE m.{_IN_PERIOD} AND h.from_state = 'accepted'"
        " AND h.history_id > %(known_history)s AND NOT EXISTS (SELECT 1 FROM motcua.message_history AS o WHERE"
        " o.message_id = h.message_id AND o.history_id > %(known_history)s AND o.history_id < h.history_id))",
    ),
    "a move, taken out of the middle of a history": (
        "month, newest",
        "DELETE FROM motcua.message_history WHERE history_id = (SELECT min(h.history_id) FROM motcua.message_history"
        f" AS h INNER JOIN motcua.messages AS m USING (message_id) WHERE m.{_IN_PERIOD} AND h.from_state = 'queued'"
        " AND h.to_state = 'sending')",
    ),
    "a dossier's day of receipt": (
        "month, newest",
        "UPDATE motcua.dossiers SET received_at = received_at - interval '90 days' WHERE dossier_id = (SELECT"
        " min(dossier_id) FROM motcua.dossiers WHERE received_at >= %(start)s AND received_at < %(end)s)",
    ),
    "what a dossier's row once said": (
        "month, first",
        "UPDATE motcua.dossier_versions SET status_code = 6 WHERE version_id = (SELECT min(l.version_id) FROM ("
        "SELECT DISTINCT ON (v.dossier_id) v.* FROM motcua.dossier_versions AS v WHERE v.updated_at < %(end)s"
        " AND v.version_id <= %(known_version)s ORDER BY v.dossier_id, v.version_id DESC) AS l"
        " INNER JOIN motcua.dossiers AS d USING (dossier_id) WHERE l.status_code IN (2, 4) AND d.status_code = 9"
        " AND d.finished_at >= %(end)s AND d.received_at < %(end)s)",
    ),
    "an inquiry, taken out": (
        "month, newest",
        "DELETE FROM motcua.inquiries WHERE inquiry_id = (SELECT min(inquiry_id) FROM motcua.inquiries"
        " WHERE received_at >= %(start)s AND received_at < %(end)s)",
    ),
    "a receipt that belonged to nothing": (
        "day",
        "DELETE FROM motcua.receipts WHERE received_at >= %(start)s AND received_at < %(end)s"
        " AND reference LIKE 'nobody%%'",
    ),
    "a figure of the closing": (
        "month, first",
        "UPDATE motcua.closing_messages SET delivered = delivered + 1, accepted = accepted - 1 WHERE"
        " closing_no = %(closing_no)s AND accepted > 0",
    ),
    "a difference, taken out": (
        "month, newest",
        "DELETE FROM motcua.closing_differences WHERE difference_no = (SELECT min(difference_no)"
        " FROM motcua.closing_differences WHERE closing_no = %(closing_no)s)",
    ),
    "how much is unexplained": (
        "month, newest", "UPDATE motcua.closings SET unexplained = 0 WHERE closing_no = %(closing_no)s",
    ),
    "the cut-off": (
        "day", "UPDATE motcua.closings SET as_of = as_of - interval '1 hour' WHERE closing_no = %(closing_no)s",
    ),
    "what a correction changed": (
        "month, newest",
        "DELETE FROM motcua.closing_changes WHERE closing_no = %(closing_no)s AND figure = (SELECT min(figure)"
        " FROM motcua.closing_changes WHERE closing_no = %(closing_no)s)",
    ),
    "the manifest in the ledger": (
        "day",
        "UPDATE motcua.publications SET manifest = jsonb_set(manifest, '{files,0,rows}', '7') WHERE"
        " closing_no = %(closing_no)s",
    ),
    "the publication before, taken out": (
        "month, newest", "DELETE FROM motcua.publications WHERE publication_no = %(publication_no)s - 1",
    ),
}  # fmt: skip
"""What is changed in the ledger, and the publication that must show it."""


def publications(admin_dsn: str, ledger_name: str, closings: dict[str, int]) -> list[Figure]:
    """The figures about the publications of these closings: ``day``; ``month, first``; ``month, newest``, red;
    ``quarter`` and ``year``."""
    with (
        quiet_logs(),
        tempfile.TemporaryDirectory(prefix="motcua-prove-publications-") as folder,
        environment(MOTCUA_PUBLICATIONS=f"file://{folder}/store"),
    ):
        return _Publications(admin_dsn, ledger_name, closings, Path(folder) / "store").figures()


class _Publications:
    def __init__(self, admin_dsn: str, ledger_name: str, closings: dict[str, int], store: Path) -> None:
        self.admin_dsn, self.ledger_name, self.store = admin_dsn, ledger_name, store
        self.published = {name: publish(number) for name, number in sorted(closings.items(), key=lambda each: each[1])}
        self.again = {name: publish(number) for name, number in closings.items()}
        self.missed: list[str] = []
        self._read_as_auditor(ledger_name)

    def _read_as_auditor(self, name: str) -> None:
        ask(self.admin_dsn, f"GRANT CONNECT ON DATABASE {name} TO motcua_audit")
        os.environ["AIRFLOW_CONN_MOTCUA_DB"] = connection_uri(self.admin_dsn, "motcua_audit", name)

    def figures(self) -> list[Figure]:
        files = [len(_names(self._folder(each))) for each in self.published.values()]
        held = sum(self._holds(str(each.publication_no)) for each in self.published.values())
        names = ", ".join(f"{name} ({n} files)" for name, n in zip(self.published, files, strict=True))
        found = [
            noted("publications", names),
            every(
                "closings published again that give the same publication",
                sum(self.again[name] == each for name, each in self.published.items()),
                len(self.published),
            ),
            every("true publications that the auditor's role verifies", held, len(self.published)),
            every("copies on a disk that verify", self._copies_hold(), len(self.published)),
            self._doctored_files(),
            self._doctored_ledgers(),
        ]
        if self.missed:
            print("not noticed:", *self.missed, sep="\n  ")
        return found

    def _folder(self, publication: Publication) -> Path:
        return self.store / publication.folder

    def _holds(self, which: str) -> bool:
        """Whether a true publication verifies; else the first faults are printed."""
        faults = verify_publication(which).faults
        for fault in faults[:3]:
            print(f"publication {which}: {fault}")
        return not faults

    def _copies_hold(self) -> int:
        held = 0
        for publication in self.published.values():
            with tempfile.TemporaryDirectory() as elsewhere:
                copy = Path(elsewhere) / "copy"
                shutil.copytree(self._folder(publication), copy)
                held += self._holds(str(copy))
        return held

    # --- files

    def _doctored_files(self) -> Figure:
        """Each change is made to a copy of the publication, and must be seen there."""
        made = noticed = 0
        for label, publication in self.published.items():
            for name, change in self._changes(publication, every_way=label == "month, newest"):
                with tempfile.TemporaryDirectory() as elsewhere:
                    copy = Path(elsewhere) / "copy"
                    shutil.copytree(self._folder(publication), copy)
                    change(copy)
                    made += 1
                    if _fails(str(copy)):
                        noticed += 1
                    else:
                        self.missed.append(f"{label}: {name}")
        return every("publications with a doctored file that are noticed", noticed, made)

    def _changes(self, publication: Publication, *, every_way: bool) -> Iterator[tuple[str, Callable[[Path], None]]]:
        folder = self._folder(publication)
        others = [each for each in self.published.values() if each is not publication]
        for name in _names(folder):
            yield f"a byte of {name}", lambda copy, name=name: _flip(copy / name)
            if not every_way:
                continue
            if name != MANIFEST:
                yield f"{name} is missing", lambda copy, name=name: (copy / name).unlink()
            if name.endswith(".csv") and (folder / name).read_text(encoding="utf-8-sig").count("\n") > 1:
                yield f"a cell of {name}", lambda copy, name=name: _change_cell(copy / name)
                yield f"a cell of {name}, and the manifest with it", lambda copy, name=name: _cover_up(copy, name)
        yield "a file more", lambda copy: (copy / "more.csv").write_text("1\n", encoding="utf-8") and None
        manifest = self._folder(others[0]) / MANIFEST
        yield "another publication's manifest", lambda copy: shutil.copy(manifest, copy / MANIFEST) and None

    # --- the ledger

    def _doctored_ledgers(self) -> Figure:
        """Each change is made to a copy of the ledger, with its triggers and keys switched off."""
        noticed = 0
        for name, (label, sql) in TAMPERED.items():
            with self._copy_of_ledger() as dsn:
                changed = _past_the_guards(dsn, sql, self._values(dsn, self.published[label]))
                if changed and _fails(str(self.published[label].publication_no)):
                    noticed += 1
                else:
                    self.missed.append(f"{label}: {name}{'' if changed else ', which changed nothing'}")
        with self._copy_of_ledger() as dsn:
            for statement in filter(str.strip, PURGED.split(";")):
                _past_the_guards(dsn, statement.replace("%", "%%"), {})
            unharmed = sum(self._holds(str(each.publication_no)) for each in self.published.values())
        with self._copy_of_ledger() as dsn:
            forged = self._forgeevery(dsn)
        value = f"{noticed + forged} of {len(TAMPERED) + 1}; {unharmed} hold without personal data"
        must = f"{len(TAMPERED) + 1}; {len(self.published)}"
        ok = noticed + forged == len(TAMPERED) + 1 and unharmed == len(self.published)
        return Figure("ledgers changed past their guards that are noticed", value, must, ok)

    def _values(self, dsn: str, publication: Publication) -> dict[str, Any]:
        with psycopg.connect(dsn) as connection:
            row = connection.execute(
                "SELECT known_history, known_version,"
                " CASE period_length WHEN 'day' THEN period ELSE period || '-01' END, '1 ' || period_length"
                " FROM motcua.closings WHERE closing_no = %s",
                (publication.closing_no,),
            ).fetchone()
        assert row is not None
        first, length = row[2:]
        with psycopg.connect(dsn) as connection:
            bounds = connection.execute(
                "SELECT %(d)s::timestamp AT TIME ZONE 'Asia/Ho_Chi_Minh',"
                " (%(d)s::timestamp + %(long)s::interval) AT TIME ZONE 'Asia/Ho_Chi_Minh'",
                {"d": first, "long": length},
            ).fetchone()
        assert bounds is not None
        return {
            "known_history": row[0], "known_version": row[1], "start": bounds[0], "end": bounds[1],
            "closing_no": publication.closing_no, "publication_no": publication.publication_no,
        }  # fmt: skip

    def _forgeevery(self, dsn: str) -> bool:
        """Somebody who may do everything: a figure in the file, in the manifest and in all of the ledger's own records
        of the publication. The facts still tell."""
        publication = max(self.published.values(), key=lambda each: each.publication_no)
        with tempfile.TemporaryDirectory() as elsewhere:
            copy = Path(elsewhere) / "copy"
            shutil.copytree(self._folder(publication), copy)
            name = next(name for name in _names(copy) if name.endswith(".csv") and "dossiers" in name)
            _cover_up(copy, name)
            manifest = json.loads((copy / MANIFEST).read_bytes())
            digest = sha256((copy / MANIFEST).read_bytes()).hexdigest()
            _past_the_guards(
                dsn,
                "UPDATE motcua.publications SET manifest = %(manifest)s, manifest_sha256 = %(digest)s"
                " WHERE publication_no = %(number)s",
                {"manifest": Jsonb(manifest), "digest": digest, "number": publication.publication_no},
            )
            if _fails(str(copy)):
                return True
        self.missed.append("a figure changed in the file, the manifest and the ledger's record of both")
        return False

    @contextlib.contextmanager
    def _copy_of_ledger(self) -> Iterator[str]:
        name = f"{self.ledger_name}_copy"
        with database(self.admin_dsn, name, self.ledger_name) as dsn, environment():
            self._read_as_auditor(name)
            yield dsn


def _past_the_guards(dsn: str, statement: str, values: dict[str, Any]) -> int:
    with psycopg.connect(dsn) as connection:
        connection.execute("SET session_replication_role = replica")
        # The keys of a row are checked whatever the role.
        connection.execute("ALTER TABLE motcua.dossiers DROP CONSTRAINT IF EXISTS dossiers_check")
        return connection.execute(statement, values).rowcount


def _fails(which: str) -> bool:
    """Whether a publication does not verify, or is none of this ledger's any more."""
    try:
        return bool(verify_publication(which).faults)
    except NoSuchPublication:
        return True


def _names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _change_cell(path: Path) -> None:
    """One digit of a figure, in the first row that has one; the file keeps its length."""
    text = path.read_bytes().decode("utf-8-sig")
    rows: Sequence[list[str]] = list(csv.reader(io.StringIO(text)))
    bom = path.read_bytes().startswith(b"\xef\xbb\xbf")
    lines = text.split("\n")
    for number in range(1, len(rows)):
        place = next((p for p in range(len(lines[number]) - 1, -1, -1) if lines[number][p].isdigit()), None)
        if place is not None:
            digit = str((int(lines[number][place]) + 1) % 10)
            lines[number] = lines[number][:place] + digit + lines[number][place + 1 :]
            break
    path.write_bytes((b"\xef\xbb\xbf" if bom else b"") + "\n".join(lines).encode())


def _cover_up(folder: Path, name: str) -> None:
    """A cell, and the manifest made to fit."""
    _change_cell(folder / name)
    content = (folder / name).read_bytes()
    path = folder / MANIFEST
    manifest = json.loads(path.read_bytes())
    for listed in manifest["files"]:
        if listed["name"] == name:
            listed |= {"sha256": sha256(content).hexdigest(), "size": len(content)}
    path.write_bytes(_as_it_was_written(path.read_bytes(), manifest))


def _as_it_was_written(before: bytes, manifest: dict[str, Any]) -> bytes:
    """The manifest written as it was: with the same separators and the same end."""
    text = before.decode()
    compact = '": ' not in text
    body = json.dumps(
        manifest, ensure_ascii=False, sort_keys=True, indent=None if "\n " not in text else 2,
        separators=(",", ":") if compact else None,
    )  # fmt: skip
    return (body + ("\n" if text.endswith("\n") else "")).encode()
