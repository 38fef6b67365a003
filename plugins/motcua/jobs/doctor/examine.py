"""Run every check of the doctor in turn, and list the checks that could not be run."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from motcua.domain.checks import Finding, fault
from motcua.jobs.doctor import airflow, ledger, machine, outside, server_files, setting_up, written
from motcua.jobs.doctor.examining import (
    FILES,
    Diagnosis,
    Examination,
    Installation,
    Needs,
    Question,
    of_environment,
    of_folder,
)
from motcua.settings import settings as process_settings
from motcua.store.ledger.database import reason_without_values

CHECKS: tuple[Question, ...] = (
    Question("files", "nothing", written.files, "files"),
    Question("lines of the files", "nothing", server_files.lines, "files"),
    Question("variables", "nothing", written.variables),
    Question("variables of Compose", "nothing", server_files.unknown, "files"),
    Question("settings that depend on each other", "nothing", written.settings_together, "files"),
    Question("ports", "nothing", server_files.ports, "files"),
    Question("networks", "nothing", server_files.networks, "files"),
    Question("certificate of the pages", "nothing", server_files.certificate),
    Question("folders of Compose", "nothing", server_files.folders, "files"),
    Question("copies of files", "nothing", server_files.copies, "files"),
    Question("private keys", "nothing", server_files.private_keys, "files"),
    Question("sign-in", "nothing", server_files.signing_in, "files"),
    Question("address of the pages", "nothing", written.ui_address),
    Question("watch from outside", "nothing", written.watched_from, "files"),
    Question("destination of backups", "nothing", written.backups_go, "files"),
    Question("disk of backups", "nothing", server_files.other_disk),
    Question("keys of backups", "nothing", written.backup_keys),
    Question("secrets", "nothing", written.secrets),
    Question("secrets of Airflow", "running", written.airflow_secrets),
    Question("connections", "nothing", written.connections),
    Question("adapters", "nothing", written.adapters),
    Question("brandnames", "nothing", written.brandnames),
    Question("secrets of callbacks", "nothing", written.callback_secrets),
    Question("settings of mail", "nothing", written.mail),
    Question("backups", "nothing", machine.backups),
    Question("folders", "running", machine.folders),
    Question("disks", "running", machine.disks),
    Question("time zone", "running", machine.zone),
    Question("versions", "running", machine.versions),
    Question("ledger and its roles", "running", ledger.ledger, "ledger"),
    Question("PostgreSQL", "ledger", ledger.server),
    Question("parameters of PostgreSQL", "ledger", ledger.parameters, "ledger"),
    Question("migrations", "ledger", ledger.migrations, "ledger"),
    Question("objects", "schema", ledger.objects, "ledger"),
    Question("agencies", "schema", setting_up.agencies),
    Question("texts", "schema", setting_up.texts),
    Question("daily limits of gateways", "schema", setting_up.limits_of_the_day),
    Question("calendar", "schema", setting_up.calendar),
    Question("journal", "running", setting_up.journal),
    Question("watch", "schema", setting_up.watch),
    Question("checks of sources", "schema", setting_up.source_checks),
    Question("sources", "running", outside.sources),
    Question("store of publications", "running", outside.store),
    Question("gateways", "running", outside.gateways),
    Question("callbacks", "running", outside.callbacks),
    Question("certificates", "running", outside.certificates),
    Question("intake", "running", outside.intake),
    Question("mail server", "running", outside.mail_server),
    Question("Airflow's time zone", "running", airflow.zone),
    Question("Airflow's sign-in", "running", airflow.signing_in),
    Question("Airflow's database", "running", airflow.database),
    Question("Airflow's parts", "airflow", airflow.parts),
    Question("DAGs", "airflow", airflow.dags),
    Question("pools", "airflow", airflow.pools),
    Question("watch's account", "airflow", airflow.watch_account),
    Question("hosts", "airflow", airflow.hosts),
    Question("purge", "airflow", airflow.purge),
)
"""All checks in the order in which they run. Later checks use connections that earlier checks have opened."""
_WHY_NOT: dict[Needs, str] = {
    "ledger": "the ledger does not answer",
    "schema": "the ledger is not of this version, or does not answer",
    "airflow": "Airflow's database does not answer, or is not of this version",
}
_ONLY_FILES = "only files were looked at"


FILES_HOURLY, LEDGER_HOURLY = (tuple(each for each in CHECKS if each.hourly == of) for of in ("files", "ledger"))


def installation_here() -> Installation:
    """Return the installation that the files beside docker-compose.yaml describe. If there are no such files, return
    the installation that this process's environment describes."""
    home = process_settings().home
    return of_folder(home) if any((home / file).exists() for file in FILES) else of_environment()


def examine(
    installation: Installation, now: datetime | None = None, questions: Sequence[Question] = CHECKS
) -> Diagnosis:
    """Run the doctor's checks on an installation. Nothing is changed, and no fault of the installation raises an error.

    Args:
        installation: the installation, known by its files or by the environment of this process.
        now: the moment that deadlines are compared with; checks of clocks read the time themselves.
        questions: the checks to run.
    """
    settings, findings = written.read_settings(installation)
    with _unset(each.subject.rpartition(" ")[2] for each in findings if not installation.of_files):
        return _examine(Examination(installation, settings, now or datetime.now(UTC)), findings, questions)


@contextmanager
def _unset(names: Iterable[str]) -> Iterator[None]:
    """Remove unreadable settings from the environment for a while, so that the checks use the defaults of these
    settings."""
    kept = {name: os.environ.pop(name) for name in list(names) if name in os.environ}
    process_settings.cache_clear()
    try:
        yield
    finally:
        os.environ.update(kept)
        process_settings.cache_clear()


def _examine(examination: Examination, findings: list[Finding], questions: Sequence[Question]) -> Diagnosis:
    left_out: dict[str, list[str]] = defaultdict(list)
    looked_at = 0
    try:
        for check in questions:
            if not examination.has(check.needs):
                left_out[_ONLY_FILES if examination.installation.of_files else _WHY_NOT[check.needs]].append(check.name)
                continue
            looked_at += 1
            try:
                findings.extend(check.look(examination))
            except Exception as broken:
                findings.append(fault("check_failed", check.name, reason_without_values(broken)))
    finally:
        examination.close()
    # Several checks read the same file. A fault that two of them report about one place is listed once.
    unique = tuple({(each.key, each.detail): each for each in findings}.values())
    return Diagnosis(unique, tuple((why, tuple(names)) for why, names in left_out.items()), looked_at)
