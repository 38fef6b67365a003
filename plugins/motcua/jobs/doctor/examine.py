"""The examination: every check, one after the other, and what was not looked at."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from motcua.jobs.doctor import airflow, ledger, machine, outside, server_files, setting_up, written
from motcua.jobs.doctor.examining import Check, Diagnosis, Examination, Needs
from motcua.jobs.doctor.faults import Finding
from motcua.jobs.doctor.installation import Installation
from motcua.jobs.doctor.parameters import parameters
from motcua.jobs.doctor.settings_together import settings_together
from motcua.settings import Settings
from motcua.settings import settings as process_settings
from motcua.store.ledger.database import reason_without_values

CHECKS: tuple[Check, ...] = (
    Check("files", "nothing", written.files),
    Check("lines of the files", "nothing", server_files.lines),
    Check("variables", "nothing", written.variables),
    Check("variables of Compose", "nothing", server_files.unknown),
    Check("settings beside one another", "nothing", settings_together),
    Check("ports", "nothing", server_files.ports),
    Check("folders of Compose", "nothing", server_files.folders),
    Check("copies of files", "nothing", server_files.copies),
    Check("private keys", "nothing", server_files.private_keys),
    Check("sign-in", "nothing", server_files.signing_in),
    Check("address of the pages", "nothing", written.ui_address),
    Check("keys of backups", "nothing", written.backup_keys),
    Check("secrets", "nothing", written.secrets),
    Check("secrets of Airflow", "running", written.airflow_secrets),
    Check("connections", "nothing", written.connections),
    Check("adapters", "nothing", written.adapters),
    Check("secrets of callbacks", "nothing", written.callback_secrets),
    Check("settings of mail", "nothing", written.mail),
    Check("backups", "nothing", machine.backups),
    Check("folders", "running", machine.folders),
    Check("disks", "running", machine.disks),
    Check("time zone", "running", machine.zone),
    Check("versions", "running", machine.versions),
    Check("ledger and its roles", "running", ledger.ledger),
    Check("PostgreSQL", "ledger", ledger.server),
    Check("parameters of PostgreSQL", "ledger", parameters),
    Check("migrations", "ledger", ledger.migrations),
    Check("objects", "schema", ledger.objects),
    Check("agencies", "schema", setting_up.agencies),
    Check("texts", "schema", setting_up.texts),
    Check("calendar", "schema", setting_up.calendar),
    Check("journal", "running", setting_up.journal),
    Check("watch", "schema", setting_up.watch),
    Check("sources", "running", outside.sources),
    Check("store of publications", "running", outside.store),
    Check("gateways", "running", outside.gateways),
    Check("callbacks", "running", outside.callbacks),
    Check("certificates", "running", outside.certificates),
    Check("intake", "running", outside.intake),
    Check("mail server", "running", outside.mail_server),
    Check("Airflow's time zone", "running", airflow.zone),
    Check("Airflow's sign-in", "running", airflow.signing_in),
    Check("Airflow's database", "running", airflow.database),
    Check("Airflow's parts", "airflow", airflow.parts),
    Check("DAGs", "airflow", airflow.dags),
    Check("pools", "airflow", airflow.pools),
    Check("watch's account", "airflow", airflow.watch_account),
    Check("hosts", "airflow", airflow.hosts),
    Check("purge", "airflow", airflow.purge),
)
"""In the order in which they are made: each finds what those before it have opened."""
_WHY_NOT: dict[Needs, str] = {
    "ledger": "the ledger does not answer",
    "schema": "the ledger is not of this version, or does not answer",
    "airflow": "Airflow's database does not answer, or is not of this version",
}
_ONLY_FILES = "only files were looked at"


def examine(installation: Installation, now: datetime | None = None) -> Diagnosis:
    """Looks at all of an installation, and changes nothing in it. It never raises for what is wrong there.

    Args:
        installation: its files, or the environment of this process.
        now: the moment that deadlines are held against; clocks are compared by their own.
    """
    settings, findings = written.read_settings(installation)
    with _unset(each.where.rpartition(" ")[2] for each in findings if not installation.of_files):
        return _examine(installation, settings, findings, now or datetime.now(UTC))


@contextmanager
def _unset(names: Iterable[str]) -> Iterator[None]:
    """Settings that cannot be read are told, and then left at their defaults: no other check could go on."""
    kept = {name: os.environ.pop(name) for name in list(names) if name in os.environ}
    process_settings.cache_clear()
    try:
        yield
    finally:
        os.environ.update(kept)
        process_settings.cache_clear()


def _examine(installation: Installation, settings: Settings, findings: list[Finding], now: datetime) -> Diagnosis:
    examination = Examination(installation, settings, now)
    left_out: dict[str, list[str]] = defaultdict(list)
    looked_at = 0
    try:
        for check in CHECKS:
            if not examination.has(check.needs):
                left_out[_ONLY_FILES if installation.of_files else _WHY_NOT[check.needs]].append(check.name)
                continue
            looked_at += 1
            try:
                findings.extend(check.look(examination))
            except Exception as broken:
                findings.append(Finding("check_failed", check.name, reason_without_values(broken)))
    finally:
        examination.close()
    # Of what is said twice of one place, once: the same file is read by several.
    unique = tuple(dict.fromkeys(findings))
    return Diagnosis(unique, tuple((why, tuple(names)) for why, names in left_out.items()), looked_at)
