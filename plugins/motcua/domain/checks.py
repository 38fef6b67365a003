"""List every check once: its subject, its severity, which parts of the software run it, and its page of the handbook.

The doctor (``motcua doctor``) runs all of its checks at once. The watch, a process that raises alerts, runs its own
checks twice a minute or less often, and some of the doctor's checks each hour. The source check runs the checks about a
source's clock, columns and rows. The gate of a run runs the checks about work that the run did not finish. The first
page for staff runs the checks about things that wait for a person. The texts of the checks are in include/templates:
``checks.vi.yaml`` for staff, ``doctor.en.yaml`` for the people who run the server.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Flag, auto
from typing import Any, Final, Literal, TypeAlias

Subject: TypeAlias = Literal[
    "installation",
    "machine",
    "ledger",
    "journal",
    "backups",
    "airflow",
    "callbacks",
    "intake",
    "mail",
    "publications",
    "watch",
    "source",
    "gateway",
    "agency",
    "messages",
]
Severity: TypeAlias = Literal["error", "warning"]
"""``error``: something does not work or is not safe. ``warning``: something works now but will cause a fault later, or
something waits for a person."""
Fact: TypeAlias = str | int | float | tuple[str, ...] | None
"""One detail of a finding: a figure, a name, several names, or a moment (ISO 8601). Holds no personal data."""
FORBIDDEN_SHARE: Final = 0.05
"""If at least this share of the checked rows is bad, the bad rows are an error."""


class Asker(Flag):
    """The parts of the software that run a check."""

    WATCH = auto()
    """The watch: most of these checks twice a minute, some less often."""
    HOURLY = auto()
    """The watch, each hour: the checks of the doctor whose result can change while the system runs."""
    DOCTOR = auto()
    SOURCE_CHECK = auto()
    GATE = auto()
    """The gate, which is the last task of a run."""
    OVERVIEW = auto()
    """The first page for staff, and ``motcua status``."""


WATCH, HOURLY, DOCTOR, SOURCE_CHECK, GATE, OVERVIEW = Asker


@dataclass(frozen=True, slots=True)
class Check:
    """One check: a test whether something is wrong."""

    id: str
    of: Subject
    severity: Severity | Literal["by_share"]
    """``by_share``: the check counts bad rows. A share of at least ``FORBIDDEN_SHARE`` is an error, a smaller one a
    warning."""
    asked_by: Asker
    looks: int = 1
    """The watch raises an alert after it found the fault this many times in a row, and ends the alert after as many
    checks in a row without the fault. The number is 2 if a single check may be wrong, and 3 if short interruptions are
    usual."""
    everywhere: bool = False
    """``True`` if the alert is raised even while no agency is enabled. The other checks then raise no alert, because
    without enabled agencies it is normal that nothing happens."""
    slow_to_start: bool = False
    """``True`` if the alert is not raised while the machine may still be starting."""

    @property
    def page(self) -> str:
        """Return the page of the handbook that explains what to do."""
        if WATCH in self.asked_by:
            return f"docs/operations/alerts/{self.id}.md"
        if self.asked_by == SOURCE_CHECK:
            return f"docs/vi/kiem-tra-nguon.md#{self.id}"
        return f"docs/operations/checks.md#{self.id}"


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault that exists now. Holds no secret, no phone number, no name of a person and no mail address."""

    name: str
    """Id of the check."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Details by name. Each value is a ``Fact``. A finding about rows has ``rows`` (how many are bad), ``of`` (how many
    were checked), ``names`` (columns, tables, or codes of statuses or agencies) and ``examples`` (dossier codes)."""
    subject: str = ""
    """The thing that is wrong: a source, a gateway, a file with its variable, or a table. Empty if the check concerns
    only one thing."""

    @property
    def key(self) -> str:
        """Return the finding's key, made of its name and its subject."""
        return key_of(self.name, self.subject)

    @property
    def check(self) -> Check:
        """Return the check that made this finding."""
        return CHECKS[self.name]

    @property
    def severity(self) -> Severity:
        """Return the severity of the finding."""
        if self.check.severity != "by_share":
            return self.check.severity
        rows, of = self.facts.get("rows"), self.facts.get("of")
        return "error" if rows and of and rows / of >= FORBIDDEN_SHARE else "warning"

    @property
    def detail(self) -> str:
        """Return the English detail that the doctor and the gates show."""
        return str(self.facts.get("detail", ""))


def fault(name: str, subject: str, detail: str = "", **facts: Fact) -> Finding:
    """Make a finding from the name of its check, its subject and a detail in plain words."""
    return Finding(name, ({"detail": detail} if detail else {}) | facts, subject)


def key_of(name: str, subject: str) -> str:
    """Return the key of a finding: its name, and its subject after a slash."""
    return f"{name}/{subject}" if subject else name


_ALL: tuple[Check, ...] = (
    Check("identity", "ledger", "error", WATCH, everywhere=True),
    Check("apologies_late", "agency", "error", WATCH | GATE | OVERVIEW),
    Check("unserved", "ledger", "error", WATCH | GATE),
    Check("source_failing", "source", "error", WATCH | GATE, looks=3),
    Check("source_no_news", "source", "warning", WATCH, looks=2),
    Check("push_silent", "source", "error", WATCH, looks=2),
    Check("push_refused", "source", "warning", WATCH, looks=2),
    Check("gateway_stopped", "gateway", "error", WATCH | GATE, looks=3),
    Check("tokens_not_renewed", "gateway", "error", WATCH),
    Check("unknown_old", "gateway", "error", WATCH | GATE | OVERVIEW),
    Check("delivered_low", "gateway", "error", WATCH, looks=2),
    Check("receipts_stopped", "gateway", "error", WATCH, looks=2),
    Check("receipts_unknown", "gateway", "error", WATCH),
    Check("refusals_contradicted", "gateway", "error", WATCH),
    Check("red_run", "airflow", "error", WATCH),
    Check("quality_late", "agency", "warning", WATCH),
    Check("closing_late", "agency", "error", WATCH),
    Check("disk_low", "machine", "error", WATCH | DOCTOR, looks=2, everywhere=True),
    Check("clock_off", "machine", "error", WATCH, looks=2, everywhere=True),
    Check("calendar_unsigned", "agency", "warning", WATCH | DOCTOR | OVERVIEW),
    Check("backup_old", "backups", "error", WATCH | DOCTOR),
    Check("airflow_uncleaned", "airflow", "warning", WATCH, looks=3),
    Check("ledger_behind", "ledger", "error", WATCH | GATE | OVERVIEW, everywhere=True),
    # The alert is raised only at the third check. Before that, a watch on another machine may report that the ledger
    # was not put back to an earlier state, so that no alert is needed.
    Check("ledger_slept", "ledger", "error", WATCH | GATE | OVERVIEW, looks=3, everywhere=True),
    Check("ledger_went_back", "ledger", "error", WATCH, everywhere=True),
    Check("journal_damaged", "journal", "error", WATCH | DOCTOR, everywhere=True),
    Check("ledger_unreachable", "ledger", "error", WATCH | DOCTOR, looks=2, everywhere=True),
    Check("airflow_unreachable", "airflow", "error", WATCH, looks=2, everywhere=True, slow_to_start=True),
    Check("airflow_unhealthy", "airflow", "error", WATCH, looks=2, everywhere=True, slow_to_start=True),
    Check("callbacks_unhealthy", "callbacks", "error", WATCH, looks=2, everywhere=True, slow_to_start=True),
    Check("intake_unhealthy", "intake", "error", WATCH | DOCTOR, looks=2, everywhere=True, slow_to_start=True),
    Check("check_failing", "watch", "error", WATCH, looks=2, everywhere=True),
    Check("outside_watch_silent", "watch", "error", WATCH, everywhere=True),
    # The watch on another machine runs these checks.
    Check("server_unreachable", "machine", "error", WATCH, looks=3, everywhere=True),
    Check("watch_silent", "watch", "error", WATCH | DOCTOR | GATE | OVERVIEW, looks=2, everywhere=True),
    Check("certificate_ends", "machine", "error", WATCH | DOCTOR, everywhere=True),
    Check("file_missing", "installation", "error", DOCTOR),
    Check("file_unreadable", "installation", "error", DOCTOR),
    Check("file_open", "installation", "error", HOURLY | DOCTOR, everywhere=True),
    Check("variable_missing", "installation", "error", DOCTOR),
    Check("secret_empty", "installation", "error", DOCTOR),
    Check("placeholder_left", "installation", "error", DOCTOR),
    Check("secret_short", "installation", "error", DOCTOR),
    Check("secret_unfit", "installation", "error", DOCTOR),
    Check("secret_shared", "installation", "error", DOCTOR),
    Check("fernet_key_invalid", "airflow", "error", DOCTOR),
    Check("setting_unreadable", "installation", "error", HOURLY | DOCTOR, everywhere=True),
    Check("setting_gone", "installation", "error", DOCTOR),
    Check("setting_unknown", "installation", "warning", HOURLY | DOCTOR, everywhere=True),
    Check("setting_senseless", "installation", "error", HOURLY | DOCTOR, everywhere=True),
    Check("line_unreadable", "installation", "error", HOURLY | DOCTOR, everywhere=True),
    Check("variable_twice", "installation", "warning", HOURLY | DOCTOR, everywhere=True),
    Check("value_cut", "installation", "error", HOURLY | DOCTOR, everywhere=True),
    Check("port_twice", "installation", "error", HOURLY | DOCTOR, everywhere=True),
    Check("private_key_here", "machine", "error", HOURLY | DOCTOR, everywhere=True),
    Check("watched_from_nowhere", "watch", "error", HOURLY | DOCTOR, everywhere=True),
    Check("backups_stay_here", "backups", "error", HOURLY | DOCTOR, everywhere=True),
    Check("sign_in_open", "airflow", "error", HOURLY | DOCTOR, everywhere=True),
    Check("address_in_clear", "installation", "error", DOCTOR),
    Check("ui_address_wrong", "installation", "error", DOCTOR),
    Check("certificate_wrong", "installation", "error", DOCTOR),
    Check("backup_key_unreadable", "backups", "error", DOCTOR),
    Check("no_source", "source", "error", DOCTOR),
    Check("no_gateway", "gateway", "error", DOCTOR),
    Check("connection_unreadable", "installation", "error", DOCTOR),
    Check("connection_unused", "installation", "warning", DOCTOR),
    Check("connection_in_clear", "installation", "error", DOCTOR),
    Check("gateway_misconfigured", "gateway", "error", DOCTOR | GATE | OVERVIEW),
    Check("brandname_unregistered", "gateway", "error", DOCTOR),
    Check("carrier_unserved", "gateway", "warning", DOCTOR),
    Check("callback_secret_differs", "callbacks", "error", DOCTOR),
    Check("callback_address_wrong", "callbacks", "error", DOCTOR),
    Check("ledger_missing", "ledger", "error", DOCTOR),
    Check("ledger_password_wrong", "ledger", "error", DOCTOR),
    Check("ledger_closed_to_role", "ledger", "error", DOCTOR),
    Check("role_missing", "ledger", "error", DOCTOR),
    Check("role_too_mighty", "ledger", "error", DOCTOR),
    Check("role_limited", "ledger", "error", DOCTOR),
    Check("parameter_differs", "ledger", "error", HOURLY | DOCTOR, everywhere=True),
    Check("right_missing", "ledger", "error", HOURLY | DOCTOR, everywhere=True),
    Check("schema_differs", "ledger", "error", HOURLY | DOCTOR, everywhere=True),
    Check("right_too_many", "ledger", "error", HOURLY | DOCTOR, everywhere=True),
    Check("door_open", "ledger", "warning", HOURLY | DOCTOR, everywhere=True),
    Check("migrations_behind", "ledger", "error", HOURLY | DOCTOR, everywhere=True),
    Check("migrations_ahead", "ledger", "error", HOURLY | DOCTOR, everywhere=True),
    Check("definition_differs", "ledger", "error", HOURLY | DOCTOR, everywhere=True),
    Check("postgres_version", "ledger", "error", DOCTOR),
    Check("backup_programs_unusable", "backups", "error", DOCTOR),
    Check("source_unreachable", "source", "error", DOCTOR),
    Check("source_refused", "source", "error", DOCTOR),
    Check("source_lacks_views", "source", "error", DOCTOR),
    Check("source_lacks_rights", "source", "error", DOCTOR),
    Check("source_slow", "source", "warning", DOCTOR),
    Check("source_role_too_mighty", "source", "warning", DOCTOR),
    Check("gateway_unreachable", "gateway", "error", DOCTOR),
    Check("gateway_refuses", "gateway", "error", DOCTOR),
    Check("callback_unreachable", "callbacks", "error", DOCTOR),
    Check("callback_answers_wrong", "callbacks", "error", DOCTOR),
    Check("callback_unhealthy", "callbacks", "error", DOCTOR),
    Check("intake_unreachable", "intake", "error", DOCTOR),
    Check("intake_answers_wrong", "intake", "error", DOCTOR),
    Check("mail_missing", "mail", "error", DOCTOR),
    Check("mail_sender_missing", "mail", "error", DOCTOR),
    Check("mail_unreachable", "mail", "error", DOCTOR),
    Check("mail_without_tls", "mail", "error", DOCTOR),
    Check("mail_refused", "mail", "error", DOCTOR),
    Check("mail_in_clear", "mail", "warning", DOCTOR),
    Check("no_alert_recipient", "mail", "warning", DOCTOR),
    Check("no_report_recipient", "mail", "warning", DOCTOR),
    Check("recipient_unusable", "mail", "error", DOCTOR),
    Check("recipients_shared", "mail", "warning", DOCTOR),
    Check("zone_differs", "ledger", "warning", HOURLY | DOCTOR, everywhere=True),
    Check("store_unusable", "publications", "error", DOCTOR),
    Check("folder_unusable", "machine", "error", HOURLY | DOCTOR, everywhere=True),
    Check("python_version", "machine", "error", DOCTOR),
    Check("package_differs", "machine", "error", DOCTOR),
    Check("airflow_secret_missing", "airflow", "error", DOCTOR),
    Check("airflow_database_unreachable", "airflow", "error", DOCTOR),
    Check("airflow_not_migrated", "airflow", "error", DOCTOR),
    Check("airflow_part_down", "airflow", "error", DOCTOR),
    Check("dag_missing", "airflow", "error", DOCTOR),
    Check("dag_paused", "airflow", "error", DOCTOR),
    Check("dag_import_error", "airflow", "error", DOCTOR),
    Check("pool_closed", "airflow", "error", DOCTOR),
    Check("watch_account_missing", "watch", "error", DOCTOR),
    Check("hosts_share_nothing", "airflow", "error", DOCTOR),
    Check("no_agency", "agency", "warning", DOCTOR),
    Check("agency_without_source", "agency", "warning", DOCTOR),
    Check("text_not_registered", "gateway", "error", DOCTOR),
    Check("text_without_id", "gateway", "error", DOCTOR),
    Check("day_used_up", "gateway", "warning", DOCTOR | OVERVIEW),
    Check("journal_elsewhere", "journal", "error", DOCTOR),
    Check("purge_late", "agency", "warning", DOCTOR),
    Check("backup_missing", "backups", "error", DOCTOR),
    Check("backup_never_read", "backups", "warning", DOCTOR),
    Check("check_failed", "watch", "warning", DOCTOR),
    # The gate of a run runs these checks.
    Check("task_failed", "airflow", "error", GATE),
    Check("gate_failed", "airflow", "error", GATE),
    Check("attempts_failed", "messages", "error", GATE),
    Check("messages_held_up", "messages", "error", GATE),
    Check("messages_wait", "messages", "error", GATE),
    Check("file_refused", "source", "error", GATE),
    Check("requests_untold", "mail", "error", GATE),
    Check("quality_broken", "agency", "error", GATE),
    Check("source_not_counted", "source", "error", GATE),
    Check("closing_differs", "publications", "error", GATE),
    Check("events_unread", "source", "error", GATE),
    Check("statement_refused", "gateway", "error", GATE),
    Check("statement_over", "gateway", "error", GATE),
    Check("statement_missing", "gateway", "error", GATE),
    Check("publication_unverified", "publications", "error", GATE),
    Check("publications_overdue", "publications", "error", GATE),
    Check("publication_stray", "publications", "error", GATE),
    Check("purge_impossible", "agency", "error", GATE),
    Check("old_files_left", "machine", "error", GATE),
    Check("airflow_not_connected", "airflow", "error", GATE),
    Check("airflow_tables_left", "airflow", "error", GATE),
    Check("logs_left", "machine", "error", GATE),
    # These checks find things that wait for a person's decision.
    Check("publication_differs", "publications", "error", GATE | OVERVIEW),
    Check("apologies_unsent", "agency", "error", OVERVIEW),
    Check("sending_stopped", "messages", "warning", OVERVIEW),
    Check("requests_wait", "messages", "warning", OVERVIEW),
    Check("statuses_end", "source", "warning", OVERVIEW),
    Check("rows_unusable", "source", "warning", OVERVIEW),
    Check("agency_not_checked", "agency", "warning", OVERVIEW),
    Check("agency_not_enabled", "agency", "warning", OVERVIEW),
    Check("data_to_mend", "agency", "warning", OVERVIEW),
    Check("complaints_open", "agency", "warning", OVERVIEW),
    # These checks look at the rows, the clock and the columns of a source.
    Check("clock_set_back", "machine", "error", SOURCE_CHECK),
    Check("numbers_restarted", "source", "error", SOURCE_CHECK),
    Check("unreachable", "source", "error", SOURCE_CHECK),
    Check("refused", "source", "error", SOURCE_CHECK),
    Check("adapter_unknown", "installation", "error", DOCTOR | SOURCE_CHECK),
    Check("connection_missing", "installation", "error", DOCTOR | SOURCE_CHECK),
    Check("encoding_unknown", "source", "error", SOURCE_CHECK),
    Check("role_superuser", "ledger", "error", SOURCE_CHECK),
    Check("role_may_write", "ledger", "error", SOURCE_CHECK),
    Check("rights_missing", "ledger", "error", SOURCE_CHECK),
    Check("views_missing", "source", "error", SOURCE_CHECK),
    Check("columns_missing", "source", "error", SOURCE_CHECK),
    Check("column_types", "source", "error", SOURCE_CHECK),
    Check("time_without_zone", "source", "error", SOURCE_CHECK),
    Check("unreadable", "source", "error", SOURCE_CHECK),
    Check("too_slow", "source", "error", SOURCE_CHECK),
    Check("unanswered", "source", "warning", SOURCE_CHECK),
    Check("index_missing", "source", "error", SOURCE_CHECK),
    Check("clock_differs", "machine", "error", DOCTOR | SOURCE_CHECK),
    Check("empty", "source", "error", SOURCE_CHECK),
    Check("silent", "source", "warning", SOURCE_CHECK),
    Check("dossier_key_missing", "source", "by_share", SOURCE_CHECK),
    Check("dossier_key_double", "source", "error", SOURCE_CHECK),
    Check("transition_key_missing", "source", "by_share", SOURCE_CHECK),
    Check("number_missing", "source", "error", SOURCE_CHECK),
    Check("number_double", "source", "error", SOURCE_CHECK),
    Check("number_unusable", "source", "error", SOURCE_CHECK),
    Check("numbers_go_back", "source", "error", SOURCE_CHECK),
    Check("late_commits", "source", "by_share", SOURCE_CHECK),
    Check("seen_late", "source", "by_share", SOURCE_CHECK),
    Check("recorded_backdated", "source", "by_share", SOURCE_CHECK),
    Check("hours_shifted", "source", "error", SOURCE_CHECK),
    Check("times_in_future", "source", "by_share", SOURCE_CHECK),
    Check("recorded_missing", "source", "by_share", SOURCE_CHECK),
    Check("occurred_missing", "source", "warning", SOURCE_CHECK),
    Check("updated_missing", "source", "by_share", SOURCE_CHECK),
    Check("updated_frozen", "source", "by_share", SOURCE_CHECK),
    Check("received_missing", "source", "warning", SOURCE_CHECK),
    Check("status_missing", "source", "by_share", SOURCE_CHECK),
    Check("status_unknown", "source", "by_share", SOURCE_CHECK),
    Check("moves_impossible", "source", "by_share", SOURCE_CHECK),
    Check("row_against_transition", "source", "by_share", SOURCE_CHECK),
    Check("desk_missing", "source", "by_share", SOURCE_CHECK),
    Check("desk_never", "source", "error", SOURCE_CHECK),
    Check("desk_always", "source", "error", SOURCE_CHECK),
    Check("result_never_at_desk", "source", "error", SOURCE_CHECK),
    Check("supplement_never_at_desk", "source", "warning", SOURCE_CHECK),
    Check("results_never", "source", "warning", SOURCE_CHECK),
    Check("transitions_without_dossier", "source", "by_share", SOURCE_CHECK),
    Check("dossiers_without_transitions", "source", "by_share", SOURCE_CHECK),
    Check("agency_unknown", "agency", "by_share", SOURCE_CHECK),
    Check("code_untidy", "source", "by_share", SOURCE_CHECK),
    Check("code_unusable", "source", "by_share", SOURCE_CHECK),
    Check("phones_unusable", "source", "error", SOURCE_CHECK),
    Check("phones_missing", "source", "warning", SOURCE_CHECK),
    Check("phones_unreadable", "source", "warning", SOURCE_CHECK),
    Check("phone_shared", "source", "warning", SOURCE_CHECK),
    Check("due_missing", "source", "warning", SOURCE_CHECK),
    Check("due_before_received", "source", "by_share", SOURCE_CHECK),
    Check("due_all_equal", "source", "warning", SOURCE_CHECK),
    Check("due_at_midnight", "source", "warning", SOURCE_CHECK),
    Check("text_broken", "gateway", "by_share", SOURCE_CHECK),
    Check("applicant_missing", "source", "warning", SOURCE_CHECK),
    Check("procedure_missing", "source", "warning", SOURCE_CHECK),
    Check("submitted_via_unknown", "source", "warning", SOURCE_CHECK),
)
CHECKS: Mapping[str, Check] = {check.id: check for check in _ALL}
"""All checks by id, in the order in which each ``Asker`` shows its checks."""


def asked_by(asker: Asker) -> tuple[str, ...]:
    """Return the ids of the checks that this part of the software runs."""
    return tuple(check.id for check in _ALL if asker & check.asked_by)


TOLD_BY_PICKING_UP: Final = frozenset({"unreachable", "refused"})
"""Checks of a source that raise no alert, because the alert ``source_failing`` reports the same faults. The runs
that read the source notice these faults, and their end, within a minute. The source check runs only once a day."""
ALERT_NAMES = tuple(name for name in asked_by(WATCH | HOURLY | SOURCE_CHECK) if name not in TOLD_BY_PICKING_UP)
"""Names of the checks for which the watch raises alerts."""
KINDS = asked_by(SOURCE_CHECK)
