"""Run the whole system on this machine: PostgreSQL, Airflow, phone network, mailbox and simulated one-stop software."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import yaml
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from rich.console import Console, RenderableType
from rich.live import Live

from motcua.domain.clock import VIETNAM
from motcua.domain.periods import Period
from motcua.domain.texts import Registration
from motcua.jobs.calendars import import_calendar, prepare_calendars
from motcua.jobs.handed_in.agencies import import_agencies
from motcua.jobs.texts import register_all
from motcua.sandbox.daily_fault import DailyFault
from motcua.sandbox.machine.components import components, loader
from motcua.sandbox.machine.deployment import (
    ADMINISTRATOR,
    AGENCY_USER,
    CLERK,
    VIEWER,
    Addresses,
    CannotRun,
    Databases,
    Deployment,
    Secrets,
    airflow_environment,
    check_disk,
    check_room,
    keep_environment,
    read_addresses,
    write_airflow_home,
    write_private,
)
from motcua.sandbox.machine.postgres import EmbeddedPostgres, PostgresUnavailable
from motcua.sandbox.machine.supervisor import (
    AlreadyRunning,
    Component,
    StopRequested,
    Supervisor,
    SupervisorError,
)
from motcua.sandbox.network.carrier_statement import CarrierOffice
from motcua.sandbox.past.playing import is_half_done, load_past
from motcua.sandbox.summary import read_summary, render
from motcua.sandbox.vendor.joining import join, join_by_files
from motcua.sandbox.world.__main__ import open_world, world_databases
from motcua.sandbox.world.writers import OWN_SOURCES, SOURCES, create_one_stop_databases
from motcua.settings import Settings, SettingsUnusable, include_dir, settings
from motcua.store.agencies import list_agencies
from motcua.store.calendars import load_calendars
from motcua.store.ledger.database import connect
from motcua.store.ledger.migrations import OWNER, migrate
from motcua.store.ledger.provisioning import Role, provision_ledger, with_database
from motcua.store.notices.gaps import believe_sleeps
from motcua.store.notices.registrations import registration_changes, save_registrations
from motcua.store.notices.templates import load_templates
from motcua.store.people import give_agency, list_agency_of_user_changes

LEDGER_DATABASE, _AIRFLOW = "motcua", "motcua_airflow"
_NO_PLACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM})
_NO_TERMINAL = frozenset({errno.EIO, errno.EPIPE})
_SUMMARY_EVERY = 15.0
"""Seconds between two summaries if the output is no terminal."""
_WIDTH_OF_A_FILE = 130
_SET_UP_COMMAND = (sys.executable, "-m", "motcua.sandbox.demo")
PAST = "the demo's past:"
"""Beginning of each line that reports the progress of loading the past: invented dossiers of the last months."""
_PAST_BEGINS = f"{PAST} begins"
PLAYED = f"{PAST} loaded; the remaining publications follow in the background"
_PAST_FACTOR = 8
"""Loading the past takes about this many times as long as the set-up, on any machine. The times of the demo's
apologies and of its check of data quality are counted from the expected end of the loading."""
_PAST_PGOPTIONS = "-c synchronous_commit=off -c plan_cache_mode=force_generic_plan"
"""PostgreSQL options while the past is loaded. ``synchronous_commit=off``: if the machine loses power, only the past is
lost, and it is loaded again. ``force_generic_plan``: connections are reused and tables are small, so planning each SQL
statement for its values would take a quarter of the server's time."""
AIRFLOW_MIGRATES, LEDGER, _FIRST_DAG = "airflow-migrate", "ledger", "first-dag"
"""Names of the steps of the set-up that run at the same time as other steps."""
_REST_FOR_COMPONENTS = timedelta(seconds=30)
"""Time for which the loading of the past pauses, so that the starting components have the CPU cores for themselves."""


def read_settings() -> Settings:
    """Return the settings of the environment.

    Raises:
        CannotRun: a ``MOTCUA_*`` variable cannot be read.
    """
    try:
        return settings()
    except SettingsUnusable as error:
        raise CannotRun(str(error)) from None


# ------------------------------------------------------------------------------------------------- set-up


def _forget_stale_pid(data: Path) -> None:
    """Remove a postmaster.pid whose process id now belongs to another program.

    After a crash of the machine PostgreSQL refuses to start while any process of its user has that id.
    """
    try:
        pid = int((data / "postmaster.pid").read_text(encoding="utf-8").splitlines()[0])
        program = Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
    except (OSError, ValueError, IndexError):
        return
    if program != "postgres":
        (data / "postmaster.pid").unlink(missing_ok=True)


def _start_postgres(supervisor: Supervisor, addresses: Addresses) -> str:
    """Start the embedded server and return its administrator's DSN."""
    folder = addresses.data / "postgres"
    # If root starts the demo, the server runs as another user, who must be able to pass through this folder.
    folder.mkdir(exist_ok=True)
    folder.chmod(0o711)
    server = EmbeddedPostgres(folder, addresses.postgres)
    server.set_up()
    _forget_stale_pid(server.data)
    supervisor.start(
        Component(
            "postgres",
            server.command,
            {"PATH": os.environ.get("PATH", "")},
            ready=lambda since: server.answers(),
            ready_within=120,
            stop_signal=signal.SIGINT,
            stop_within=30,
            before_exec=server.drop_privileges(),
        )
    )
    return server.admin_dsn


def write_agencies(folder: Path) -> Path:
    """Write the pilot's agencies, with the demo's own settings, to a file in the form of include/agencies.yaml."""
    content: dict[str, Any] = yaml.safe_load((include_dir() / "agencies.yaml").read_text(encoding="utf-8"))
    world: dict[str, Any] = yaml.safe_load((include_dir() / "sandbox/agencies.yaml").read_text(encoding="utf-8"))
    logins = {agency["code"]: agency["login"] for agency in world["agencies"]}
    for agency in content["agencies"]:
        agency |= world["settings"].get(agency["code"], {})
        agency["report_recipients"] = [f"{logins[agency['code']]}@khanhhoa.example.vn"]
    path = folder / "agencies.yaml"
    write_private(path, yaml.safe_dump(content, allow_unicode=True, sort_keys=False))
    return path


def prepare_ledger(agencies: Path, *, past: bool = False) -> None:
    """Prepare the ledger: migrations, agencies, texts and users. This is a step of the set-up, in its own process.

    The agencies are enabled from yesterday on, so that the first pick-up reads yesterday's rows and yesterday has
    figures to reconcile. The texts are registered at the gateways. The demo's two users from an agency may see the
    busiest agency. Settings from an earlier start or from a person are not changed. With ``past``, an empty ledger is
    filled with invented dossiers of the last months.
    """
    print("migrated:", ", ".join(migrate()) or "nothing to do")
    with connect() as connection:
        configured = list_agencies(connection)
    if not configured:
        if past:
            give_past(agencies)
            return
        day_before = Period.day_before(datetime.now(UTC))
        configured = list(import_agencies(agencies, "demo", day_before.start))
    print("agencies:", len(configured))
    _begin_today(agencies)


def _begin_today(agencies: Path) -> None:
    """Add what the demo needs with or without a past: the agencies that push or export, texts, calendars, users."""
    if join(agencies.parent / "vendor", intake_url(os.environ), datetime.now(UTC)):
        print("agency added whose software pushes dossiers")
    if join_by_files(agencies.parent / "clerk", datetime.now(UTC)):
        print("agency added whose software exports files")
    _prepare_texts_and_calendars(datetime.now(UTC))
    for user in (AGENCY_USER, CLERK):
        let_user_see(user, busiest_agency(agencies), datetime.now(UTC))
    work_today(agencies.parent, datetime.now(UTC))


def intake_url(environment: Mapping[str, str]) -> str:
    """Return the address at which the demo's Airflow accepts pushed dossiers (the intake)."""
    return f"http://127.0.0.1:{environment['AIRFLOW__API__PORT']}/intake"


def busiest_agency(agencies: Path) -> str:
    """Return the agency that the file names first.

    It is the busiest, and the past has its dossiers from the first day on.
    """
    return str(yaml.safe_load(agencies.read_text(encoding="utf-8"))["agencies"][0]["code"])


def _prepare_texts_and_calendars(moment: datetime) -> None:
    with connect() as connection:
        changed_by = {change.changed_by for change in registration_changes(connection, 1000)}
        # The demo's machine may sleep at night, and nobody restores an old state of its disk. A pause of the ledger
        # therefore holds no message back.
        believe_sleeps(connection, "demo", "Máy chạy thử, không ai đưa ổ đĩa về bản cũ.", moment)
    if changed_by <= {"demo", "migration"}:
        for gateway in settings().gateways:
            register_all(gateway, "demo")
        # Zalo has its own ids for the templates. The ids are registered even though the past is sent by SMS only.
        ids = [
            Registration("zalo", each.template_id, each.version, None, f"{each.template_id}.v{each.version}")
            for each in load_templates().values()
        ]
        with connect() as connection:
            save_registrations(connection, ids, changed_by="demo", reason=None, now=moment)
    prepare_calendars(moment, "demo")


def give_past(agencies: Path) -> None:
    """Fill an empty ledger with the three months before the first start. The real jobs process these months.

    Print ``PLAYED`` when the demo may begin.

    The DSNs of the databases come from the variables that the simulated one-stop software reads, and the DSN of the
    ledger's owner from the variable that migrations read.
    """

    def say(line: str) -> None:
        print(PAST, line, flush=True)

    def played() -> None:
        _begin_today(agencies)
        print(PLAYED, flush=True)

    print(_PAST_BEGINS, flush=True)
    os.environ["PGOPTIONS"] = f"{os.environ.get('PGOPTIONS', '')} {_PAST_PGOPTIONS}".strip()
    with connect(OWNER) as owner, open_world(world_databases()) as world:
        owner.autocommit = True
        now = datetime.now(UTC)
        prepare = _prepare_texts_and_calendars
        load_past(world, owner, agencies, say, now=now, prepare=prepare, played=played, rest=_REST_FOR_COMPONENTS)


def may_invent(caller: Mapping[str, str]) -> bool:
    """Return whether a past may be invented.

    It may be invented only if the sandbox's own sources and phones are in use. A further source does no harm.
    """
    if named := caller.get("MOTCUA_SOURCES"):
        read = {each.strip() for each in named.split(",")}
        if not read.issuperset(OWN_SOURCES.split(",")):
            return False
    real = ("MOTCUA_GATEWAYS", "AIRFLOW_CONN_SMS_KANNEL")
    return not any(caller.get(name) for name in (*real, *(f"AIRFLOW_CONN_ONESTOP_{each.upper()}" for each in SOURCES)))


def forget_broken_past(say: Callable[[str], None], admin_dsn: str, data: Path, database: str = LEDGER_DATABASE) -> None:
    """Remove a ledger and the demo's other data if loading its past was interrupted. The past is then loaded again."""
    with psycopg.connect(admin_dsn, autocommit=True) as admin:
        if admin.execute("SELECT FROM pg_database WHERE datname = %s", (database,)).fetchone() is None:
            return
        with psycopg.connect(with_database(admin_dsn, database)) as ledger:
            if not is_half_done(ledger):
                return
        say("the loading of the demo's past was interrupted; its data is removed and loaded again")
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(database)))
    for beside in ("journal", "tokens", "publications", "phone-network", "mailbox", "vendor"):
        shutil.rmtree(data / beside, ignore_errors=True)


def let_user_see(user: str, agency_code: str, now: datetime) -> bool:
    """Let a user of the demo see an agency, unless the user's agencies were set before. Return whether anything
    changed."""
    with connect() as connection:
        if user in {change.user_name for change in list_agency_of_user_changes(connection, 1000)}:
            return False
        return give_agency(connection, user, agency_code, "demo", now)


def work_today(folder: Path, now: datetime) -> bool:
    """Make today a working day of the demo's agencies, and return whether this was needed.

    The day is changed by a decision, as an administrator would enter one.
    On days off no report about data quality is mailed, and the demo must show such a report on any day.
    """
    today = now.astimezone(VIETNAM).date()
    with connect() as connection:
        codes = [agency.agency_code for agency in list_agencies(connection)]
        calendars = load_calendars(connection, codes, today, today)
    if all(calendar.is_working_day(today) for calendar in calendars.values()):
        return False
    path = folder / "calendar.yaml"
    worked = {"day": today.isoformat(), "reason": "Ngày chạy thử được tính là ngày làm việc"}
    decision = {"decision": "Bản chạy thử", "worked": [worked]}
    write_private(path, yaml.safe_dump({"decisions": [decision]}, allow_unicode=True, sort_keys=False))
    import_calendar(path, "demo", now)
    return True


def _given_server(caller: Mapping[str, str]) -> str:
    """Return the administrator's DSN in ``MOTCUA_POSTGRES_DSN``; empty if it is not set."""
    dsn = caller.get("MOTCUA_POSTGRES_DSN", "")
    if dsn:
        try:
            whole = {"host", "user", "password"} <= conninfo_to_dict(dsn).keys()
        except psycopg.ProgrammingError:
            whole = False
        if not whole:
            # The driver's own message would quote the password.
            raise CannotRun("MOTCUA_POSTGRES_DSN must be postgres://<administrator>:<password>@<host>:<port>/postgres.")
    return dsn


def set_up(
    supervisor: Supervisor, addresses: Addresses, caller: Mapping[str, str], *, past: bool = False
) -> Deployment:
    """Create or update the databases and everything in them. The function is safe to repeat.

    Airflow's own migrations, the step ``AIRFLOW_MIGRATES``, may still run when this function returns. A caller that
    needs Airflow must wait for them. With ``past``, the step ``LEDGER`` may still be filling an empty ledger.

    Raises:
        SupervisorError: a step failed. The message says what to do.
        PostgresUnavailable: the server could not be set up. The message says what to do.
    """
    secret = Secrets.of(addresses.data)
    admin_dsn = _given_server(caller) or _start_postgres(supervisor, addresses)
    try:
        forget_broken_past(supervisor.say, admin_dsn, addresses.data)
        airflow = Role("motcua_airflow", secret.airflow_database)
        owner, app = Role("motcua_owner", secret.ledger_owner), Role("motcua_app", secret.ledger_app)
        audit = Role("motcua_audit", secret.ledger_audit)
        callbacks = Role("motcua_callbacks", secret.ledger_callbacks)
        pages = Role("motcua_pages", secret.ledger_pages)
        purge, intake = Role("motcua_purge", secret.ledger_purge), Role("motcua_intake", secret.ledger_intake)
        others = (callbacks, intake, pages, purge)
        provision_ledger(admin_dsn, LEDGER_DATABASE, owner, app, audit, airflow, _AIRFLOW, others)
        one_stop = create_one_stop_databases(admin_dsn, secret.one_stop)
    except psycopg.Error as error:
        raise CannotRun(
            f"Roles and databases could not be created: {str(error).strip()}\n"
            "MOTCUA_POSTGRES_DSN must name an administrator. If it is not set, the demo starts its own server."
        ) from None
    supervisor.say("roles and databases created")

    def as_role(role: Role, database: str) -> str:
        return make_conninfo(with_database(admin_dsn, database), user=role.name, password=role.password)

    databases = Databases(
        ledger_owner=as_role(owner, LEDGER_DATABASE),
        ledger_app=as_role(app, LEDGER_DATABASE),
        ledger_callbacks=as_role(callbacks, LEDGER_DATABASE),
        ledger_pages=as_role(pages, LEDGER_DATABASE),
        airflow=as_role(airflow, _AIRFLOW),
        sources={name: source.reader_dsn for name, source in one_stop.sources.items()},
        ledger_purge=as_role(purge, LEDGER_DATABASE),
        ledger_intake=as_role(intake, LEDGER_DATABASE),
    )
    environment = airflow_environment(addresses, secret, databases, settings().home, caller)
    write_airflow_home(addresses, secret)
    agencies = write_agencies(addresses.data)
    deployment = Deployment(addresses, secret, databases, one_stop, environment)
    supervisor.begin(AIRFLOW_MIGRATES, [sys.executable, "-m", "airflow", "db", "migrate"], environment)
    if past:
        supervisor.begin(LEDGER, [*_SET_UP_COMMAND, str(agencies), "past"], deployment.past_environment, tells=PAST)
        supervisor.wait_for(LEDGER, _PAST_BEGINS)
    else:
        supervisor.run(LEDGER, [*_SET_UP_COMMAND, str(agencies)], deployment.commands_environment)
    supervisor.say("ledger migrated")
    keep_environment(addresses.data, deployment.commands_environment)
    return deployment


# ----------------------------------------------------------------------------------------------- the demo


def prepare(data: Path, *, free_ports: bool = False) -> Addresses:
    """Return the addresses of a demo in this folder, which is created if missing.

    Raises:
        CannotRun: a variable cannot be read, or the folder cannot be created.
    """
    data = data.absolute()
    # The folder will contain phone numbers, texts and passwords, which no other user may read.
    os.umask(0o077)
    try:
        if not data.exists():
            data.mkdir(parents=True)
            data.chmod(0o711)
    except OSError as error:
        raise CannotRun(
            f"The folder {data} cannot be made ({error.strerror}): set MOTCUA_DATA to another one."
        ) from None
    return read_addresses(data.resolve(), os.environ, free_ports=free_ports)


def guarded(run: Callable[[], int], console: Console) -> int:
    """Run a function. Turn an error that an operator can fix into one sentence and exit code 1."""
    try:
        return run()
    except AlreadyRunning as error:
        sentence = f"{error} Stop it with Ctrl-C, or set MOTCUA_DATA to another folder."
    except (SupervisorError, PostgresUnavailable) as error:
        sentence = str(error)
    except OSError as error:
        if error.errno in _NO_TERMINAL:
            return 1
        if error.errno not in _NO_PLACE:
            raise
        where = error.filename or "The data folder"
        sentence = f"{where}: {error.strerror}. Make room, or set MOTCUA_DATA to another folder."
    console.print(sentence, style="red", markup=False, highlight=False, soft_wrap=True)
    return 1


def start_everything(
    supervisor: Supervisor,
    addresses: Addresses,
    *,
    world: tuple[str, ...] = (),
    clerk: tuple[str, ...] = (),
    past: bool = False,
) -> Deployment:
    """Check the machine, set up the demo and start all components. With ``past``, fill an empty ledger first.

    Raises:
        SupervisorError: a step failed. The message says what to do.
        PostgresUnavailable: the server could not be set up. The message says what to do.
    """
    check_room(addresses, embedded_postgres=not os.environ.get("MOTCUA_POSTGRES_DSN"))
    past = past and may_invent(os.environ)
    begun = datetime.now(UTC)
    deployment = set_up(supervisor, addresses, os.environ, past=past)
    plays = supervisor.is_at_work(LEDGER)
    supervisor.wait_for(AIRFLOW_MIGRATES)
    supervisor.say("Airflow migrated")
    # On a slow machine the start of the components takes longer too, about as long as the set-up.
    takes = datetime.now(UTC) - begun
    deployment = deployment.whose_day_begins(datetime.now(UTC) + takes * (_PAST_FACTOR if plays else 1), os.environ)
    keep_environment(addresses.data, deployment.commands_environment)
    supervisor.begin(_FIRST_DAG, [sys.executable, "-m", "motcua.sandbox.machine.first_dag"], deployment.environment)
    reached, answering, *others = components(deployment, world=world, clerk=clerk)
    if plays:
        # The components are started one after the other, because loading the past already uses one CPU core.
        supervisor.start(*reached)
        supervisor.say(f"{PAST} its phones ring at {deployment.network_url}")
        supervisor.start(loader(deployment))
        supervisor.start(*answering)
        supervisor.wait_for(_FIRST_DAG)
        supervisor.wait_for(LEDGER, PLAYED)
        supervisor.let_go(LEDGER)
    else:
        supervisor.start(loader(deployment))
        supervisor.start(*reached, *answering)
        supervisor.wait_for(_FIRST_DAG)
    for group in others:
        supervisor.start(*group)
    return deployment


def make_console() -> Console:
    """Return the console of the output. If the output is a file or a pipe, lines are wide enough for the tables."""
    console = Console()
    return console if console.is_terminal else Console(width=_WIDTH_OF_A_FILE)


def progress(console: Console) -> Callable[[str], None]:
    """Return a function for the supervisor that prints each reported line with the seconds since this call."""
    begun = time.monotonic()

    def report(line: str) -> None:
        console.print(f"{time.monotonic() - begun:6.1f} s  {line}", markup=False, highlight=False, soft_wrap=True)

    return report


def _command(data: Path) -> str:
    """Return the command line of ``motcua`` for the demo in this folder, with the environment that it needs."""
    program = str(Path(sys.executable).with_name("motcua"))
    return program if data == Settings.model_fields["data"].default else f"MOTCUA_DATA={data} {program}"


def addresses_lines(deployment: Deployment) -> str:
    """Return the lines that show the addresses and passwords."""
    secret = deployment.secret
    return "\n".join(
        (
            f"  Airflow         {deployment.airflow_url}   {ADMINISTRATOR} / {secret.airflow_admin}",
            f"                  read-only user:          {VIEWER} / {secret.airflow_viewer}",
            f"                  user of one agency:      {AGENCY_USER} / {secret.airflow_agency}",
            f"                  desk user of the agency: {CLERK} / {secret.airflow_clerk}",
            f"  Staff pages     {deployment.airflow_url}/motcua/",
            f"  Wall of phones  {deployment.network_url}",
            f"  Mailbox         {deployment.mailbox_url}",
            f"  Logs            {deployment.addresses.data / 'logs'}",
            f"  Commands        {_command(deployment.addresses.data)} publications list, … verify 1, … gateways list",
            "                  … personal-data purges lists emptied data (two agencies store it for 30 days only),",
            "                  … personal-data purge empties it now; … publications verify-all still succeeds after it",
            "  Agencies        the thirteen of the pilot of 2016, as they were then; dossiers and people are invented",
            "  One that pushes Cam Lâm's database is closed to us; its software pushes, as to the national portal",
            "                  (… intake list). Push yourself: … intake push THU-1 --status 9 --phone 0905123456",
            f"  Connect yours   docs/sources.md; push to {deployment.airflow_url}/intake, or start the demo with",
            f"                  MOTCUA_SOURCES={OWN_SOURCES},NAME=ADAPTER",
            "  One that exports Khánh Sơn's software only exports; its clerk saves a workbook every 40 seconds"
            " (… files list)",
            f"  Today's apologies are sent at {deployment.environment['MOTCUA_APOLOGY_TIME']}, not at 17:30,"
            f" and the quality check runs at {deployment.environment['MOTCUA_QUALITY_TIME']} (Vietnam time)",
        )
    )


def _watch(supervisor: Supervisor, deployment: Deployment, console: Console) -> None:
    """Show the summary, cause the fault of the day and write carrier statements, until something ends the demo."""
    data, begun = deployment.addresses.data, datetime.now(UTC)

    def summary() -> RenderableType:
        try:
            with deployment.ledger() as connection:
                return render(read_summary(connection, datetime.now(UTC), begun))
        except psycopg.Error as error:
            return f"The ledger does not answer: {str(error).strip()}"

    office = CarrierOffice(data / "phone-network", data / "statements" / "kannel", datetime.now(UTC))
    fault = DailyFault(deployment, datetime.now(UTC))

    def look_around() -> None:
        check_disk(deployment.addresses)
        with suppress(psycopg.OperationalError):
            if planted := fault.look(datetime.now(UTC)):
                supervisor.say(planted)
        written = office.look(datetime.now(UTC))
        if written:
            supervisor.say(written)

    if not console.is_terminal:
        while True:
            supervisor.wait(_SUMMARY_EVERY)
            look_around()
            console.print(summary())
    with Live(console=console, refresh_per_second=1, transient=True) as live:
        while True:
            live.update(summary())
            supervisor.wait(2)
            look_around()


def run_demo() -> int:
    """Run the demo until Ctrl-C and return the exit code."""
    console = make_console()

    def say(text: str) -> None:
        console.print(text, markup=False, highlight=False, soft_wrap=True)

    def run() -> int:
        addresses = prepare(read_settings().data)
        up = False
        try:
            with Supervisor(addresses.data, progress(console)) as supervisor:
                deployment = start_everything(supervisor, addresses, past=True)
                up = True
                say(f"\n{addresses_lines(deployment)}\n\nCtrl-C stops everything; the data stays.\n")
                _watch(supervisor, deployment, console)
        except StopRequested:
            say(f"Stopped. 'make demo' goes on from the data in {addresses.data}, 'make clean' removes it.")
            return 0 if up else 130
        return 0

    return guarded(run, console)


if __name__ == "__main__":
    prepare_ledger(Path(sys.argv[1]), past=sys.argv[2:] == ["past"])
