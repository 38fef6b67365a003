"""Where proofs run: a PostgreSQL of their own and ledgers in it, whole or broken on purpose."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from unittest import mock

import psycopg

from motcua.sandbox.machine.postgres import EmbeddedPostgres
from motcua.settings import settings
from motcua.store.ledger.migrations import migrate
from motcua.store.ledger.provisioning import Role, provision_ledger, with_database
from tests.gateways.ports import free_port
from tests.prove import Figure
from tests.registered import believe_sleeps, register_templates

PASSWORD = "only-for-proofs"


@contextlib.contextmanager
def proving_server(folder: Path, *, trusting: bool = False) -> Iterator[str]:
    """A PostgreSQL of its own with a migrated ledger to copy; yields its administrator's DSN.

    ``trusting``: it asks nobody for a password; thousands of short connections would cost more than what they are for.
    """
    folder.chmod(0o711)
    port = free_port()
    server = EmbeddedPostgres(folder / "postgres", port)
    server.folder.mkdir()
    server.folder.chmod(0o711)
    server.set_up()
    if trusting:
        (server.data / "pg_hba.conf").write_text("host all all 127.0.0.1/32 trust\n")
    before = dict(os.environ)
    with (
        contextlib.ExitStack() as stack,
        server.running(folder / "postgres.log", "fsync = off\nscram_iterations = 1\n"),
    ):
        stack.callback(os.environ.update, before)
        stack.callback(os.environ.clear)
        roles = [Role(name, PASSWORD) for name in ("prove_owner", "motcua_app", "motcua_audit", "prove_airflow")]
        others = [
            Role(name, PASSWORD) for name in ("motcua_callbacks", "motcua_pages", "motcua_purge", "motcua_intake")
        ]
        provision_ledger(server.admin_dsn, "motcua", *roles, "prove_airflow", others)
        os.environ["AIRFLOW_HOME"] = str(folder / "airflow")
        address = f"127.0.0.1:{server.port}/motcua"
        os.environ["AIRFLOW_CONN_MOTCUA_DB_OWNER"] = f"postgres://prove_owner:{PASSWORD}@{address}"
        migrate()
        register_templates(with_database(server.admin_dsn, "motcua"), "kannel")
        believe_sleeps(with_database(server.admin_dsn, "motcua"))
        yield server.admin_dsn


@contextlib.contextmanager
def proving_ledger(admin_dsn: str, name: str) -> Iterator[str]:
    """An empty ledger behind motcua_db; yields an administrator's DSN for it."""
    parts = psycopg.conninfo.conninfo_to_dict(admin_dsn)
    with psycopg.connect(admin_dsn, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE motcua")
        admin.execute(f"GRANT CONNECT ON DATABASE {name} TO motcua_app, motcua_intake, motcua_purge")
    for variable, role in (("MOTCUA_DB", "motcua_app"), ("MOTCUA_DB_PURGE", "motcua_purge")):
        os.environ[f"AIRFLOW_CONN_{variable}"] = f"postgres://{role}:{PASSWORD}@127.0.0.1:{parts['port']}/{name}"
    with tempfile.TemporaryDirectory(prefix="motcua-journal-") as journal:
        os.environ["MOTCUA_JOURNAL"] = journal
        settings.cache_clear()
        yield with_database(admin_dsn, name)
    with psycopg.connect(admin_dsn, autocommit=True) as admin:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


Mistake = Callable[[str], AbstractContextManager[object]]
"""Breaks the system, given a ledger's DSN, as long as it is open."""


def replacing(owner: object, attribute: str, wrong: object) -> Mistake:
    """A name of the system that means something else."""
    return lambda _: mock.patch.object(owner, attribute, wrong)


def notice_mistakes(
    admin_dsn: str,
    mistakes: Mapping[str, Mistake],
    falls_short: Callable[[str], bool],
) -> Figure:
    """How many mistakes made on purpose make the figures of a short world fall short; the others are told by name.

    Args:
        admin_dsn: as ``proving_server`` gives it.
        mistakes: by what each is; each has a ledger of its own.
        falls_short: whether the world's figures fall short in the ledger whose DSN it is given.
    """
    noticed = 0
    for number, (name, mistake) in enumerate(mistakes.items()):
        with proving_ledger(admin_dsn, f"mistake_{number}") as ledger, mistake(ledger):
            if falls_short(ledger):
                noticed += 1
            else:
                print(f"not noticed: {name}")
    made = len(mistakes)
    return Figure("mistakes made on purpose that are noticed", str(noticed), str(made), noticed == made)
