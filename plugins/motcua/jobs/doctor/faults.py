"""Every fault that the doctor can name: what it means, and what to do. docs/operations/doctor.md is made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

Severity: TypeAlias = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of fault. ``error``: something does not work, or is not safe; ``warning``: it will be missed one day."""

    severity: Severity
    what: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault of this installation. Neither ``where`` nor ``detail`` holds a secret, a phone or a mail address."""

    fault: str
    where: str
    """File and variable, connection, table, folder."""
    detail: str = ""

    @property
    def known(self) -> Fault:
        """What is told of every fault of its kind."""
        return FAULTS[self.fault]


_MOST_NAMES = 5


def some(names: Sequence[str]) -> str:
    """The first names of what may be many, for a finding's detail."""
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def _error(what: str, remedy: str) -> Fault:
    return Fault("error", what, remedy)


def _warning(what: str, remedy: str) -> Fault:
    return Fault("warning", what, remedy)


FAULTS: Mapping[str, Fault] = {
    # --- What is written
    "file_missing": _error(
        "A file that Compose reads is not there.", "Copy it from its example beside it, chmod 600, and fill it in."
    ),
    "file_unreadable": _error(
        "A file cannot be read.", "Run the doctor as the user who owns the files; they are text in UTF-8."
    ),
    "file_open": _error("Others on this machine can read a file with secrets.", "chmod 600 FILE"),
    "variable_missing": _error("A variable that is needed is not set.", "Set it; the example of its file explains it."),
    "secret_empty": _error("A secret is empty.", "Fill it in; the example of its file says how one is made."),
    "placeholder_left": _error(
        "A value of the example, or a placeholder, was left in place.", "Put the real value there."
    ),
    "secret_short": _error(
        "A secret is too short: fewer than 16 characters can be guessed.",
        "Make one: python3 -c 'import secrets; print(secrets.token_urlsafe(48))'",
    ),
    "secret_unfit": _error(
        "A secret holds a character that ends an address: letters, digits, '-', '.', '_' and '~' may stand there.",
        "Make one: python3 -c 'import secrets; print(secrets.token_urlsafe(48))'",
    ),
    "secret_shared": _error(
        "One secret stands in several places: whoever learns one of them has the others, too.",
        "Make each its own: python3 -c 'import secrets; print(secrets.token_urlsafe(48))'",
    ),
    "fernet_key_invalid": _error(
        "Airflow's Fernet key is no key, so that no connection in Airflow can be read.",
        "Make one: python3 -c 'import base64, os; print(base64.urlsafe_b64encode(os.urandom(32)).decode())'",
    ),
    "setting_unreadable": _error(
        "A setting cannot be read, and what needs it does not start.",
        "Write it as the detail says; plugins/motcua/settings.py has them all.",
    ),
    "setting_unknown": _warning(
        "A variable is none that anything reads: a misspelt setting keeps its default.",
        "Correct its name, or take it out; plugins/motcua/settings.py and .env.example have them all.",
    ),
    "setting_senseless": _error(
        "A setting can be read and cannot be meant: with it a promise is not kept.",
        "Set it as the detail says, or take it out: each has a default in plugins/motcua/settings.py.",
    ),
    "line_unreadable": _error(
        "A line of a file is no variable, so that Compose refuses the file or passes it over.",
        "Write NAME=value on one line, a value with blanks or signs in single quotes; take away what is neither.",
    ),
    "variable_twice": _warning(
        "A variable stands twice in one file: the later one holds.", "Take one of them out of the file."
    ),
    "value_cut": _error(
        "A value holds a $ and does not stand in single quotes: Compose puts a variable in its place,"
        " which is empty, and"
        " the value is cut without a word.",
        "Put the whole value in single quotes: NAME='…'.",
    ),
    "pages_open": _error(
        "The pages are published beyond this machine, while the API server believes whoever connects whose address and"
        " protocol it is (FORWARDED_ALLOW_IPS=*).",
        "Set UI_LISTEN=127.0.0.1:8080 and let people in by the reverse proxy: docs/operations/server.md.",
    ),
    "port_twice": _error(
        "One port is published twice, so that the second service does not start.",
        "Give each of UI_LISTEN, CALLBACKS_LISTEN and INTAKE_LISTEN a port of its own.",
    ),
    "private_key_here": _error(
        "A private key of the backups lies on this server: whoever breaks in, or steals a disk, reads every backup.",
        "Move it to the machine and the safe where it belongs, and delete it here (shred -u FILE):"
        " docs/operations/backup.md;"
        " if others could read it, make a new pair.",
    ),
    "sign_in_open": _error(
        "Airflow's SimpleAuthManager signs people in, which is for trying out: its passwords lie in a"
        " file in clear, and"
        " nobody's agency is known.",
        "Set AIRFLOW_AUTH_MANAGER as .env.example has it, and run motcua users roles: docs/operations/users.md.",
    ),
    "address_in_clear": _error(
        "An address is a plain http:// one: whoever is on the way reads and changes what is sent there.",
        "Give it a certificate and write https://: the reverse proxy of docs/operations/server.md serves all of them.",
    ),
    "ui_address_wrong": _error(
        "The address of the pages is none that a browser can use; it begins with http:// or https:// and has no path.",
        "Set UI_URL as .env.example says.",
    ),
    "backup_key_unreadable": _error(
        "A recipient of backups is no public key of age, so that no backup is made.",
        "Put public keys (age1…) there; never the private one.",
    ),
    "no_source": _error(
        "No source is configured, so that nothing is ever read.", "Set MOTCUA_SOURCES in settings.env."
    ),
    "no_gateway": _error(
        "No gateway is configured, so that nothing can be sent for any agency.", "Set MOTCUA_GATEWAYS in settings.env."
    ),
    "connection_missing": _error(
        "A source, a gateway, the ledger or the store of publications has no connection.",
        "Set the variable in the file that is named.",
    ),
    "connection_unreadable": _error(
        "A connection cannot be read: it is neither JSON nor an address, names no host, or says what nobody knows.",
        "Write it on one line in single quotes, as the example does.",
    ),
    "connection_unused": _warning(
        "A connection belongs to no source and no gateway: nothing is read or sent through it.",
        "Add its name to MOTCUA_SOURCES or MOTCUA_GATEWAYS, or take it out.",
    ),
    "connection_in_clear": _error(
        "A connection to a database asks for no TLS: numbers, names and the password go in clear.",
        "Write sslmode=require, or verify-full with sslrootcert, in its extra; ask who runs the server for TLS.",
    ),
    "adapter_unknown": _error(
        "A source or gateway names an adapter that there is not.",
        "Name one of plugins/motcua/sources/ or plugins/motcua/gateways/.",
    ),
    "gateway_misconfigured": _error(
        "A gateway's connection says what cannot be.", "Mend the field that is named: docs/gateways.md."
    ),
    "carrier_unserved": _warning(
        "No gateway serves a carrier, so that its customers get nothing.",
        "Add a gateway at which the brandname is registered there, or correct carriers in its connection.",
    ),
    "callback_secret_differs": _error(
        "What the gateway is told to show is not what the callbacks expect, so that every receipt is refused.",
        "Put the same callback_secret into gateways.env and callbacks.env, and start both again.",
    ),
    "callback_address_wrong": _error(
        "The address for delivery reports is not that of this gateway's receipts.",
        "Write callback_url as https://<callbacks>/gateway/receipts/<gateway>.",
    ),
    # --- The ledger
    "ledger_unreachable": _error(
        "PostgreSQL does not answer.", "Is it running (docker compose ps postgres)? Check host, port and firewall."
    ),
    "ledger_missing": _error("The database is not there.", "Run motcua provision, then motcua migrate: service init."),
    "ledger_password_wrong": _error(
        "PostgreSQL refuses a role's password.",
        "Put the right one there, or run motcua provision (service init), which gives the roles those of .env.",
    ),
    "ledger_closed_to_role": _error("A role may not connect to its database.", "Run motcua provision: service init."),
    "role_missing": _error("A role of the ledger is not there.", "Run motcua provision, then motcua migrate."),
    "role_too_mighty": _error(
        "A role may do more than its work: what breaks into that service has the whole server, or ledger.",
        "Take it away: ALTER ROLE … NOSUPERUSER NOCREATEROLE NOCREATEDB NOREPLICATION NOBYPASSRLS, REVOKE …; "
        "then motcua migrate.",
    ),
    "role_limited": _error(
        "A role, or the database, lets in only so many at once, or its password ends.",
        "Take the limit away: ALTER ROLE … CONNECTION LIMIT -1, ALTER DATABASE … CONNECTION LIMIT -1,"
        " ALTER ROLE … VALID"
        " UNTIL 'infinity'; auditors alone have ten.",
    ),
    "parameter_differs": _error(
        "A parameter of PostgreSQL that a promise stands on is not as it must be.",
        "Do what the detail ends with, or set it in the command of service postgres"
        " (docker-compose.yaml), by ALTER SYSTEM"
        " RESET or in postgresql.conf; then SELECT pg_reload_conf(), or start PostgreSQL anew:"
        " docs/operations/server.md.",
    ),
    "right_missing": _error(
        "A role lacks a right in the ledger that its work needs.", "Run motcua migrate, which gives it: service init."
    ),
    "schema_differs": _error(
        "A table, column, index, constraint or owner of the ledger is not the one of this version: it"
        " was changed by hand.",
        "Make it again as the file has it that is named, as motcua_owner (an index with CREATE INDEX"
        " CONCURRENTLY; ALTER"
        " TABLE … OWNER TO motcua_owner; motcua migrate does not); find out who changed it.",
    ),
    "right_too_many": _error(
        "A role has a right in the ledger that include/sql/definitions/ledger/rights.sql does not give.",
        "Run motcua migrate, which takes it away; find out who gave it.",
    ),
    "door_open": _warning(
        "A role may do what PostgreSQL lets everybody do: connect to the server's own databases, make large objects or "
        "temporary tables, which fill the disk, or take locks that senders go by.",
        "Run motcua provision as a superuser, once every program is of this version; on a server that others run, ask "
        "them: docs/operations/server.md.",
    ),
    "migrations_behind": _error("The ledger lacks migrations of this version.", "Run motcua migrate: service init."),
    "migrations_ahead": _error(
        "The ledger has migrations that this version does not know: newer code was here.",
        "Start the newer version again; the way back is the backup made before.",
    ),
    "definition_differs": _error(
        "A function, view or trigger of the ledger is not the one of this version: it was changed by hand.",
        "Run motcua migrate, which puts ours in force; find out who changed it.",
    ),
    "postgres_version": _error(
        "PostgreSQL is of a major version that this program is not tested with.",
        "Use the one of docker-compose.yaml; a major version changes by backup and restore.",
    ),
    "backup_programs_unusable": _error(
        "pg_dump or pg_restore cannot be used with this server, so that no backup is made.",
        "Install the client of the server's version and name its folder in MOTCUA_POSTGRES_PROGRAMS.",
    ),
    # --- Sources
    "source_unreachable": _error(
        "A source does not answer.", "Check host, port and firewall; ask who runs the one-stop software."
    ),
    "source_refused": _error(
        "A source refuses our role, its password, or the database's name.",
        "Correct login, password and schema in sources.env; ask who runs the one-stop software.",
    ),
    "source_lacks_views": _error(
        "A source lacks a view or a column that its adapter reads.",
        "motcua sources check NAME names them all; is it the right adapter?",
    ),
    "source_lacks_rights": _error(
        "Our role may not read a view of the source.", "Ask for GRANT USAGE on the schema and SELECT on its views."
    ),
    "source_slow": _warning(
        "A source took too long over its newest rows.",
        "motcua sources check NAME says which index is missing there.",
    ),
    "source_role_too_mighty": _warning(
        "Our role at a source may write there; we only read.", "Ask for a role that can only read."
    ),
    # --- Gateways and callbacks
    "gateway_unreachable": _error(
        "A gateway does not answer. Nothing was sent.", "Check host, port, http or https, and the firewall."
    ),
    "gateway_refuses": _error(
        "A gateway refuses our login. Nothing was sent.",
        "Correct login and password in gateways.env; is this machine's address on the provider's list?",
    ),
    "callback_unreachable": _error(
        "The address for delivery reports does not answer from here.",
        "Is the reverse proxy running, its name known, its certificate valid? Try it from outside as well.",
    ),
    "callback_answers_wrong": _error(
        "Something else than our callbacks answers at the address for delivery reports.",
        "Let the reverse proxy pass /gateway/ to CALLBACKS_LISTEN: docs/operations/server.md.",
    ),
    "callback_unhealthy": _error(
        "The callbacks answer, and say that their ledger does not.", "docker compose ps callbacks, and its log."
    ),
    "intake_unreachable": _error(
        "The address that one-stop software pushes to does not answer from here.",
        "docker compose ps intake; is the reverse proxy running, its name known, its certificate valid?",
    ),
    "intake_answers_wrong": _error(
        "Something else than our intake answers at the address that one-stop software pushes to.",
        "Let the reverse proxy pass /intake/ to INTAKE_LISTEN: docs/operations/server.md.",
    ),
    "intake_unhealthy": _error(
        "The intake answers, and says that its ledger does not.", "docker compose ps intake, and its log."
    ),
    "certificate_ends": _error(
        "A certificate has ended, or ends within three weeks: then nobody is reached over it.",
        "Renew it, where the reverse proxy has it or at the provider, and start the proxy anew.",
    ),
    # --- Mail
    "mail_missing": _error(
        "There is no mail server, so that no report and no alert reaches anybody.",
        "Set AIRFLOW_CONN_SMTP_DEFAULT in mail.env: docs/operations/mail.md.",
    ),
    "mail_sender_missing": _error("Mails have no sender.", "Set from_email in the extra of AIRFLOW_CONN_SMTP_DEFAULT."),
    "mail_unreachable": _error(
        "The mail server does not answer.", "Check host, port and firewall: docs/operations/mail.md."
    ),
    "mail_without_tls": _error(
        "The mail server does not speak TLS as the connection asks.",
        "Port 587: disable_ssl; port 465: disable_tls; is the certificate valid? docs/operations/mail.md.",
    ),
    "mail_refused": _error(
        "The mail server refuses our login, or our sender.", "Correct login, password and from_email in mail.env."
    ),
    "mail_in_clear": _warning(
        "The login at the mail server goes in clear.", "Take disable_tls or disable_ssl out of the connection."
    ),
    "no_alert_recipient": _warning(
        "The watch tells nobody of alerts.", "Set MOTCUA_WATCH_RECIPIENTS or MOTCUA_WATCH_WEBHOOK in mail.env."
    ),
    "no_report_recipient": _warning(
        "Nobody at the Department receives the reports.", "Set MOTCUA_DEPARTMENT_RECIPIENTS in settings.env."
    ),
    "recipient_unusable": _error("A recipient is no mail address.", "Correct it; addresses are separated by commas."),
    # --- This machine
    "clock_differs": _error(
        "Clocks differ: this machine's and the one that is named.", "Let NTP keep both: timedatectl set-ntp true."
    ),
    "zone_differs": _warning(
        "A time zone is set that nothing here expects: times without a zone would be read wrong.",
        "Leave the machine and PostgreSQL at UTC or Vietnam's time, Airflow's default_timezone at utc.",
    ),
    "disk_low": _error(
        "A disk is nearly full.", "Make room, or lower MOTCUA_WATCH_DISK_FREE: docs/operations/server.md."
    ),
    "store_unusable": _error(
        "Publications cannot be kept in the store that MOTCUA_PUBLICATIONS names, or not be read from it.",
        "Correct store.env as the message says: docs/operations/publications.md.",
    ),
    "folder_unusable": _error(
        "A folder is missing, is none, or may not be used by the user that services run as.",
        "Create it, owned by 50000:50000 with Compose, mode 700.",
    ),
    "python_version": _error("Python is of a version that is not supported.", "Use the image, or the version it has."),
    "package_differs": _error(
        "Packages are not those of requirements-production.lock.",
        "Build the image anew: docker compose build --no-cache.",
    ),
    # --- Airflow
    "airflow_secret_missing": _error(
        "Airflow has no secret of its own for this: each part makes up another at every start, and they do not agree.",
        "Set it: with Compose in .env, elsewhere as AIRFLOW__… of every part.",
    ),
    "airflow_database_unreachable": _error(
        "Airflow's database does not answer, or refuses Airflow's role.",
        "Is it running? Compare MOTCUA_AIRFLOW_PASSWORD; run motcua provision.",
    ),
    "airflow_not_migrated": _error(
        "Airflow's database is not that of this Airflow.", "Run airflow db migrate: service init."
    ),
    "airflow_part_down": _error(
        "A part of Airflow gives no sign of life.", "docker compose ps, and the log of that service."
    ),
    "dag_missing": _error(
        "Airflow does not know one of our DAGs.", "Is the DAG processor running? airflow dags list-import-errors."
    ),
    "dag_paused": _error("A DAG is paused: its work is not done.", "airflow dags unpause DAG, or in Airflow's UI."),
    "dag_import_error": _error(
        "Airflow cannot read a DAG file.", "airflow dags list-import-errors; is it of this version?"
    ),
    "pool_closed": _error(
        "A pool of Airflow has no slot: its tasks wait for ever.",
        "airflow pools set background 3 'reports', airflow pools set default_pool 128 ''; or in Airflow's UI.",
    ),
    "watch_account_missing": _error(
        "Airflow has no account for the watch, which therefore sees no run.", "Run motcua users roles: service init."
    ),
    "hosts_share_nothing": _error(
        "Tasks run on several hosts at once, and folders are local: what one writes the others do not have.",
        "Put publications, statements, exports, journal and logs on storage that all workers share, or stop the other"
        " worker.",
    ),
    # --- What is set up in the ledger
    "no_agency": _warning(
        "No agency is there yet.", "motcua agencies import FILE; include/agencies.yaml shows the form."
    ),
    "agency_without_source": _warning(
        "An agency has been enabled for a day, and no source ever brought a dossier of it.",
        "Does a source know it under another code? Add that to its aliases: motcua agencies import.",
    ),
    "text_not_registered": _error(
        "The text in force is not registered at a gateway: nothing is sent from it there.",
        "motcua texts register GATEWAY TEMPLATE, after the provider approved it.",
    ),
    "text_without_id": _error(
        "A gateway takes the provider's id of a template, and a registered text has none.",
        "motcua texts register GATEWAY TEMPLATE --provider-template-id ID",
    ),
    "calendar_unsigned": _warning(
        "Next year's calendar is not confirmed: days off would be missed.",
        "motcua calendar import and confirm, once the decision is out: docs/operations/calendar.md.",
    ),
    "journal_damaged": _error(
        "The journal of attempts lacks a day's file or has lines that cannot be read: after a restore not all that was"
        " sent would be known.",
        "Put the file back where it is there still; never write in one by hand:"
        " docs/operations/alerts/journal_damaged.md.",
    ),
    "journal_elsewhere": _error(
        "The folder of the journal of attempts is empty or another one's: the ledger is kept with a journal that is not"
        " here, and nothing is sent.",
        "Put the folder back that holds its journal.json (volume journal, MOTCUA_JOURNAL), from where it"
        " was; if it is lost:"
        " motcua gaps list, motcua gaps close.",
    ),
    "watch_silent": _error(
        "The watch does not run: nobody is told when something breaks.", "docker compose up -d watch"
    ),
    "purge_late": _warning(
        "Personal data was not purged for three days.",
        "See the runs of purge_personal_data: docs/operations/personal-data.md.",
    ),
    # --- Backups
    "backup_missing": _error(
        "There is no good backup.", "docker compose exec backup motcua backup; then its log: docs/operations/backup.md."
    ),
    "backup_old": _error(
        "The newest good backup is too old.", "See the log of the service backup: docs/operations/backup.md."
    ),
    "backup_never_read": _warning(
        "No backup was ever read with the private key: whether one can be restored nobody knows.",
        "motcua backup verify --identity FILE where the key is, and rehearse a restore: docs/operations/restore.md.",
    ),
    # --- The doctor himself
    "check_failed": _warning(
        "A check of the doctor's broke off; the others went on.",
        "Read the detail; mend the other faults and run it again.",
    ),
}
"""By name, in the order in which the page tells them."""
