"""Test that the publications of a simulation's closings can be verified.

A closing has the stored figures of a finished period; a publication has the files of one closing. An unchanged
publication must pass its verification, even after later facts were added or personal data was purged. The verification
must detect a changed byte in any file, and facts in the ledger that were changed while all triggers and foreign keys
were switched off. Changed cells, manifests and records of a publication are tested in tests/integration/publications.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg

from motcua.jobs.publications.publishing import publish
from motcua.jobs.publications.verifying import NoSuchPublication, verify_publication
from tests.ground import ask, connection_uri, database, environment, quiet_logs
from tests.prove import Figure, every, noted

PURGED = """
UPDATE motcua.dossiers SET applicant_name = NULL, applicant_phone = NULL, msisdn = NULL;
UPDATE motcua.dossier_versions SET applicant_phone = NULL;
UPDATE motcua.messages SET msisdn = NULL, text = '', parameters = '{}', accented_parameters = NULL;
UPDATE motcua.attempts SET msisdn = '';
UPDATE motcua.inquiries SET msisdn = NULL, text = NULL, asked_code = NULL;
UPDATE motcua.transitions SET note = NULL, actor = NULL;
"""
_IN_PERIOD = "recorded_at >= %(start)s AND recorded_at < %(end)s"
TAMPERED: dict[str, tuple[str, str]] = {
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
    "how much is unexplained": (
        "month, newest", "UPDATE motcua.closings SET unexplained = 0 WHERE closing_no = %(closing_no)s",
    ),
    "the cut-off": (
        "day", "UPDATE motcua.closings SET as_of = as_of - interval '1 hour' WHERE closing_no = %(closing_no)s",
    ),
}  # fmt: skip
"""Description of a change → publication whose verification must reveal the change, and SQL that makes the change."""
_VALUES = """
SELECT
    c.known_history, c.known_version, c.closing_no, d.first AT TIME ZONE 'Asia/Ho_Chi_Minh' AS start,
    (d.first + ('1 ' || c.period_length)::interval) AT TIME ZONE 'Asia/Ho_Chi_Minh' AS end
FROM motcua.closings AS c
CROSS JOIN LATERAL (
    SELECT (c.period || CASE c.period_length WHEN 'day' THEN '' ELSE '-01' END)::timestamp AS first
) AS d
WHERE c.closing_no = %s
"""


def publications(admin_dsn: str, ledger_name: str, closings: dict[str, int]) -> list[Figure]:
    """Publish these closings and return the rows about the publications.

    The keys of ``closings`` are ``day``; ``month, first``; ``month, newest``, which is a closing with unexplained
    differences; ``quarter``; and ``year``.
    """
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
        of = len(self.published)
        found = [
            noted("publications", ", ".join(self.published)),
            every("closings published again that give the same publication",
                  sum(self.again[name] == each for name, each in self.published.items()), of),
            every("true publications that the auditor's role verifies", self._count_verified(), of),
            *self._figures_of_files(),
            *self._figures_of_ledgers(),
        ]  # fmt: skip
        if self.missed:
            print("not noticed:", *self.missed, sep="\n  ")
        return found

    def _count_verified(self) -> int:
        return sum(_holds(str(each.publication_no)) for each in self.published.values())

    def _figures_of_files(self) -> Iterator[Figure]:
        """Copy each publication into a folder, and change one byte in each of its files in turn."""
        held = made = noticed = 0
        for label, publication in self.published.items():
            with tempfile.TemporaryDirectory() as elsewhere:
                copy = Path(elsewhere) / "copy"
                shutil.copytree(self.store / publication.folder, copy)
                held += _holds(str(copy))
                for path in sorted(path for path in copy.rglob("*") if path.is_file()):
                    whole = path.read_bytes()
                    place = len(whole) // 2
                    path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
                    self._note_if_missed(f"{label}: a byte of {path.name}", is_noticed := _fails(str(copy)))
                    made, noticed = made + 1, noticed + is_noticed
                    path.write_bytes(whole)
        yield every("copies on a disk that verify", held, len(self.published))
        yield every("publications with a doctored file that are noticed", noticed, made)

    def _figures_of_ledgers(self) -> Iterator[Figure]:
        """Make each change in a copy of the ledger, with triggers and foreign keys switched off."""
        noticed = 0
        for name, (label, statement) in TAMPERED.items():
            publication = self.published[label]
            with self._copy_of_ledger() as dsn:
                (values,) = ask(dsn, _VALUES, publication.closing_no)
                is_noticed = _execute_without_guards(dsn, statement, values) and _fails(str(publication.publication_no))
                self._note_if_missed(f"{label}: {name}", bool(is_noticed))
                noticed += bool(is_noticed)
        yield every("ledgers changed past their guards that are noticed", noticed, len(TAMPERED))
        with self._copy_of_ledger() as dsn:
            for each in filter(str.strip, PURGED.split(";")):
                _execute_without_guards(dsn, each.replace("%", "%%"), {})
            yield every(
                "true publications that hold without personal data", self._count_verified(), len(self.published)
            )

    def _note_if_missed(self, what: str, is_noticed: bool) -> None:
        if not is_noticed:
            self.missed.append(what)

    @contextlib.contextmanager
    def _copy_of_ledger(self) -> Iterator[str]:
        name = f"{self.ledger_name}_copy"
        with database(self.admin_dsn, name, self.ledger_name) as dsn, environment():
            self._read_as_auditor(name)
            yield dsn


def _execute_without_guards(dsn: str, statement: str, values: dict[str, Any]) -> int:
    with psycopg.connect(dsn) as connection:
        connection.execute("SET session_replication_role = replica")
        # Drop this constraint: session_replication_role switches triggers off, but no CHECK constraint.
        connection.execute("ALTER TABLE motcua.dossiers DROP CONSTRAINT IF EXISTS dossiers_check")
        return connection.execute(statement.encode(), values).rowcount


def _fails(which: str) -> bool:
    """Return whether a publication fails to verify, or is unknown to this ledger."""
    try:
        return bool(verify_publication(which).faults)
    except NoSuchPublication:
        return True


def _holds(which: str) -> bool:
    """Return whether an unchanged publication verifies; print its first faults if it does not."""
    faults = verify_publication(which).faults
    for fault in faults[:3]:
        print(f"publication {which}: {fault}")
    return not faults
