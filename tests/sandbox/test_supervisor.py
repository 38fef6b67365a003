"""Test the demo's supervisor: it leaves no process behind, whatever its programs do and however it is ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from airflow import __version__ as airflow_version

from tests.ground import until

pytestmark = pytest.mark.alone

FORKS_AND_IGNORES_TERM = """
    import os, signal, time
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if os.fork() == 0:
        os.setsid()  # leaves the session, as PostgreSQL's back ends do
        if os.fork() == 0:
            time.sleep(600)
        time.sleep(600)
    time.sleep(600)
"""
SLEEPS = "import time; time.sleep(600)"

PROGRAM = """
import signal, sys
from pathlib import Path
from motcua.sandbox.machine.supervisor import Component, Restarts, StopRequested, Supervisor, SupervisorError

# A run of these tests that was started in the background may ignore these signals, and its programs inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

marked = {{"MARK": {mark!r}}}

def python(name, code, **more):
    more = {{"stop_within": 0.5, **more}}
    return Component(name, [sys.executable, "-c", code], marked, **more)

try:
    with Supervisor(Path({folder!r}), lambda line: print(line, flush=True)) as supervisor:
        {body}
        print("UP", flush=True)
        while True:
            supervisor.wait(1)
except StopRequested as stop:
    print("STOPPED", stop, flush=True)
except SupervisorError as error:
    sys.exit(str(error))
"""


class Run:
    """A supervisor that runs in its own process and its own foreground process group."""

    def __init__(self, folder: Path, mark: str, body: str) -> None:
        indented = textwrap.indent(textwrap.dedent(body).strip(), " " * 8).strip()
        program = PROGRAM.format(mark=mark, folder=str(folder), body=indented)
        self.mark = mark
        self.process = subprocess.Popen(
            [sys.executable, "-c", program],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            process_group=0,
        )
        self.lines: list[str] = []

    def read_until(self, word: str) -> str:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
            if word in line:
                return line
        raise AssertionError(f"{word!r} never came:\n" + "".join(self.lines))

    def end(self) -> int:
        assert self.process.stdout is not None
        self.lines += self.process.stdout.readlines()
        return self.process.wait(30)

    def interrupt(self) -> None:
        """Send Ctrl-C, and check that the supervisor ends and leaves no process."""
        self.process.send_signal(signal.SIGINT)
        assert self.end() == 0
        assert not marked(self.mark)

    @property
    def output(self) -> str:
        return "".join(self.lines)


def marked(mark: str) -> set[int]:
    """Return the ids of running processes that have this mark in their environment."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if f"MARK={mark}".encode() in (entry / "environ").read_bytes().split(b"\0"):
                    found.add(int(entry.name))
            except OSError:
                continue
    return found


@pytest.fixture
def supervise(tmp_path: Path) -> Iterator[Callable[[str], Run]]:
    runs: list[Run] = []

    def start(body: str) -> Run:
        runs.append(Run(tmp_path, tmp_path.name + str(os.getpid()), body))
        return runs[-1]

    yield start
    for run in runs:
        if run.process.poll() is None:
            run.process.kill()
            run.process.wait()
        assert run.process.stdout is not None
        run.process.stdout.close()
        for pid in marked(run.mark):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


STUBBORN = f"""
stubborn = {textwrap.dedent(FORKS_AND_IGNORES_TERM)!r}
supervisor.start(python("sleeps", {SLEEPS!r}), python("stubborn", stubborn))
"""


def test_a_signal_leaves_no_process(supervise):
    for number, whole_group in ((signal.SIGINT, True), (signal.SIGTERM, False), (signal.SIGHUP, True)):
        run = supervise(STUBBORN)
        run.read_until("UP")
        until(lambda run=run: len(marked(run.mark)) == 4)
        if whole_group:
            os.killpg(run.process.pid, number)
        else:
            run.process.send_signal(number)
        assert run.end() == 0
        assert f"STOPPED {number.name}" in run.output
        assert not marked(run.mark)


def test_a_program_that_hangs_is_killed_by_a_second_ctrl_c_or_once_its_work_is_done(supervise):
    for more, again in (("", True), (", finished=lambda titles: not titles", False)):
        run = supervise(f"""
            hangs = "import signal, time; signal.signal(15, 1); print('x', flush=True); time.sleep(600)"
            log = supervisor.logs / "hangs.log"
            log.unlink(missing_ok=True)
            up = lambda since: log.exists() and log.stat().st_size > 0
            supervisor.start(python("hangs", hangs, stop_within=60, ready=up{more}))
        """)
        run.read_until("UP")
        begun = time.monotonic()
        run.process.send_signal(signal.SIGINT)
        if again:
            time.sleep(0.3)
            run.process.send_signal(signal.SIGINT)
        assert run.end() == 0
        assert "hangs killed" in run.output
        assert time.monotonic() - begun < 20


def test_children_of_a_program_are_stopped_with_it_if_its_component_names_them(supervise):
    run = supervise("""
        child = "import signal, sys, time; signal.signal(15, lambda *_: sys.exit()); print('x', flush=True); time.sleep(600)"
        waits = f"import subprocess, sys, signal; signal.signal(15, lambda *_: None); subprocess.run([sys.executable, '-c', {child!r}])"
        log = supervisor.logs / "waits.log"
        up = lambda since: log.stat().st_size > 0
        supervisor.start(python("waits", waits, stop_within=60, ready=up, tells=lambda title, parent: "sys.exit()" in title and "run(" in parent))
    """)  # noqa: E501
    run.read_until("UP")
    run.interrupt()
    assert "waits stopped" in run.output, "the program must end by itself, because its child is stopped"


def test_a_signal_during_a_step_ends_the_step(supervise):
    run = supervise(f"""
        print("UP", flush=True)
        supervisor.run("step", [sys.executable, "-c", {SLEEPS!r}], marked)
    """)
    run.read_until("UP")
    until(lambda: bool(marked(run.mark)))
    run.interrupt()


def test_step_in_the_background_runs_beside_programs_and_prints_its_progress(supervise):
    run = supervise(f"""
        step = "print('about: half', flush=True); print('other', flush=True); print('about: done', flush=True)"
        supervisor.begin("step", [sys.executable, "-c", step], marked, tells="about:")
        supervisor.start(python("sleeps", {SLEEPS!r}))
        supervisor.wait_for("step")
        print("ENDED", flush=True)
    """)
    run.read_until("ENDED")
    said = [line.strip() for line in run.lines]
    assert [line for line in said if line.startswith("about:")] == ["about: half", "about: done"]
    assert "other" not in said
    assert len(marked(run.mark)) == 1
    run.interrupt()


def test_airflow_component_is_forked_from_the_loader_and_started_alone_if_no_loader_answers(supervise, tmp_path):
    run = supervise("""
        import os
        from motcua.sandbox.machine.loader import answers
        place = supervisor.folder / "loader.socket"
        command = [sys.executable, "-m", "motcua.sandbox.machine.loader", str(place)]
        loader = Component("loader", command, {**os.environ, **marked}, ready=lambda since: answers(place))
        program = python("program", "print('started alone')", forked_by=(place, ["version"]), nice=3)
        supervisor.start(loader)
        supervisor.start(program)
        supervisor.wait(3)
        supervisor.finish("loader")
        supervisor.wait(3)
    """)
    # A supervisor learns exit codes only of its own children, so the forked process must be the supervisor's child.
    run.read_until("program died (exit code 0)")
    run.read_until("UP")
    run.interrupt()
    said = (tmp_path / "logs" / "program.log").read_text().split("\n")
    assert said[0] == airflow_version
    assert "started alone" in said


def test_waiting_for_a_line_of_a_step_ends_at_that_line_and_the_end_of_the_step_is_printed(supervise):
    """A start can wait for one line of a step and then go on. The end of the step must still be reported."""
    for code, end in ((0, "step is done"), (1, "step ended (exit code 1)")):
        run = supervise(f"""
            step = "import time; print('about: half', flush=True); time.sleep(1); raise SystemExit({code})"
            supervisor.begin("step", [sys.executable, "-c", step], marked, tells="about:")
            supervisor.wait_for("step", "about: half")
            supervisor.let_go("step")
            print("GOES ON", flush=True)
            supervisor.wait(600)
        """)
        run.read_until(end)
        said = [line.strip() for line in run.lines]
        assert said.index("GOES ON") < next(number for number, line in enumerate(said) if line.startswith(end))
        run.interrupt()


def test_signal_during_a_finalizer_in_which_python_swallows_exceptions_ends_everything(supervise):
    run = supervise("""
        import time
        class Finalized:
            def __del__(self):
                print("GOING", flush=True)
                time.sleep(60)
        Finalized()
    """)
    run.read_until("GOING")
    run.interrupt()
    assert "STOPPED SIGINT" in run.output


def test_programs_stop_in_reverse_order_after_the_step_that_nobody_waits_for(supervise):
    run = supervise(f"""
        step = "import time; print('about: half', flush=True); time.sleep(600)"
        supervisor.begin("step", [sys.executable, "-c", step], marked, tells="about:")
        supervisor.wait_for("step", "about: half")
        assert supervisor.is_at_work("step")
        supervisor.start(python("first", {SLEEPS!r}), python("goes", {SLEEPS!r}))
        supervisor.let_go("step")
        supervisor.start(python("second", {SLEEPS!r}))
        supervisor.finish("goes")
        supervisor.wait(1)
    """)
    run.read_until("UP")
    assert "goes stopped" in run.output, "a program that is stopped alone must stay stopped while the others go on"
    assert "died" not in run.output
    assert len(marked(run.mark)) == 3
    run.interrupt()
    stopped = [line.split()[0] for line in run.lines if "stopped after" in line or "killed after" in line]
    assert stopped == ["goes", "step", "second", "first"]


def test_failure_of_a_step_in_the_background_is_reported_in_a_sentence(supervise):
    run = supervise("""
        supervisor.begin("step", [sys.executable, "-c", "raise SystemExit('no luck')"], marked, tells="about:")
        supervisor.wait_for("step")
    """)
    assert run.end() == 1
    assert "step failed (exit code 1)" in run.output
    assert "no luck" in run.output


def test_a_dead_program_is_started_again_and_what_it_left_is_killed(supervise):
    run = supervise(STUBBORN)
    run.read_until("UP")
    until(lambda: len(marked(run.mark)) == 4)
    before = marked(run.mark)
    stubborn = {pid for pid in before if parent(pid) == run.process.pid and children(pid)}
    assert len(stubborn) == 1
    os.kill(stubborn.pop(), signal.SIGKILL)

    assert "stubborn died (exit code -9)" in run.read_until("died")
    until(lambda: len(marked(run.mark)) == 4 and len(marked(run.mark) & before) == 1)


def test_restart_of_a_dead_program_kills_no_child_of_a_living_one(supervise, tmp_path):
    # PostgreSQL starts processes in this way. If one of them were killed, PostgreSQL would end all connections.
    code = f"""
import os, time
from pathlib import Path
while True:
    if os.fork() == 0:
        os.setsid()
        time.sleep(0.005)
        os._exit(0)
    _pid, status = os.wait()
    Path({str(tmp_path)!r}, "killed" if os.WIFSIGNALED(status) else "spared").touch()
"""
    run = supervise(
        f"""
        again = Restarts(limit=1000, first_wait=0.01, longest_wait=0.01)
        supervisor.start(python("forks", {code!r}))
        supervisor.start(python("dies", "", restarts=again))
        """
    )
    for _ in range(10):
        run.read_until("dies died")
    assert (tmp_path / "spared").exists()
    assert not (tmp_path / "killed").exists()


def test_a_program_that_keeps_dying_ends_everything_and_its_log_is_named(supervise, tmp_path):
    run = supervise(f"""
        supervisor.start(python("sleeps", {SLEEPS!r}))
        dies = "import time; time.sleep(0.2); raise SystemExit('no more ink')"
        supervisor.start(python("dies", dies, restarts=Restarts(limit=2, first_wait=0.05)))
    """)
    assert run.end() == 1
    assert run.output.count("dies died (exit code 1)") == 2
    assert "dies died 3 times (exit code 1)" in run.output
    assert str(tmp_path / "logs" / "dies.log") in run.output
    assert "no more ink" in run.output
    assert "Traceback" not in run.output
    assert not marked(run.mark)


def test_a_program_that_never_gets_ready_is_reported_in_a_sentence(supervise):
    run = supervise(f"""
        supervisor.start(python("mute", {SLEEPS!r}, ready=lambda since: False, ready_within=0.5))
    """)
    assert run.end() == 1
    assert "mute was not ready within" in run.output
    assert "Traceback" not in run.output
    assert not marked(run.mark)


def test_a_second_supervisor_of_the_folder_is_refused_and_what_a_killed_one_left_is_stopped_at_the_next_start(
    supervise,
):
    first = supervise(STUBBORN)
    first.read_until("UP")
    until(lambda: len(marked(first.mark)) == 4)
    refused = supervise("")
    assert refused.end() == 1
    assert refused.output.startswith(f"Process {first.process.pid} is already running in ")
    first.process.kill()
    first.process.wait()
    left = marked(first.mark)
    assert len(left) == 4
    second = supervise(f'supervisor.start(python("sleeps", {SLEEPS!r}))')
    second.read_until("UP")
    assert "4 processes that a killed run left" in second.output
    assert not marked(first.mark) & left
    until(lambda: len(marked(second.mark)) == 1)


def test_foreign_process_with_a_recorded_process_id_survives_and_a_broken_list_is_ignored(supervise, tmp_path):
    stranger = subprocess.Popen([sys.executable, "-c", SLEEPS], start_new_session=True)
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    recorded = {"name": "old", "pid": stranger.pid, "started": 1, "stop_signal": 15}
    try:
        for content in (json.dumps({"boot": boot, "components": [recorded]}), "", "[]", '{"boot": 1}'):
            (tmp_path / "pids.json").write_text(content)
            run = supervise("")
            run.read_until("UP")
            assert stranger.poll() is None
            run.interrupt()
    finally:
        stranger.kill()
        stranger.wait()


DEMO_OF_STUBS = """
from dataclasses import replace
from motcua.sandbox.machine.components import components
from motcua.sandbox.machine.deployment import Databases, Deployment, Secrets, read_addresses
from motcua.sandbox.world.writers import OneStopAddresses

folder = supervisor.folder
addresses = read_addresses(folder, {}, free_ports=True)
nowhere = Databases("", "", "", "", "", {})
deployment = Deployment(
    addresses, Secrets.of(folder), nowhere, OneStopAddresses({}, ""), {"MOTCUA_HOME": str(folder)}
)
ports = {
    "phone-network": addresses.network,
    "mailbox": addresses.mailbox,
    "airflow-api-server": addresses.airflow,
}
first, second, *others = components(deployment)
for group in ([*first, *second], *others):
    supervisor.start(
        *(
            replace(
                each,
                command=[sys.executable, "-c", stub, str(ports.get(each.name, 0)), str(folder / "go")],
                environment=marked,
                stop_within=0.5,
            )
            for each in group
        )
    )
"""

STUB = """
import json, sys, time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        late = self.path == "/execution/health" and not Path(sys.argv[2]).exists()
        self.send_response(503 if late else 200)
        self.end_headers()
        beat = "2999-01-01T00:00:00+00:00"
        health = {job: {f"latest_{job}_heartbeat": beat} for job in ("scheduler", "triggerer", "dag_processor")}
        self.wfile.write(json.dumps(health).encode())

if sys.argv[1] == "0":
    time.sleep(600)
HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def started(folder: Path) -> set[str]:
    return {each["name"] for each in json.loads((folder / "pids.json").read_text())["components"]}


@pytest.mark.guarantee(
    "airflow", "no task starts before the API server answers requests of tasks, however slow the machine is"
)
def test_nothing_that_starts_tasks_is_started_before_the_api_server_answers_them(supervise, tmp_path):
    run = supervise(f"stub = {STUB!r}\n{DEMO_OF_STUBS}")
    # The API server answers people now, but not yet tasks.
    run.read_until("phone-network ready")
    assert {"phone-network", "mailbox", "airflow-api-server"} <= started(tmp_path)
    assert not started(tmp_path) & {"airflow-scheduler", "world"}
    (tmp_path / "go").touch()
    run.read_until("UP")
    assert {"airflow-scheduler", "airflow-triggerer", "airflow-dag-processor", "world"} <= started(tmp_path)
    said = [line.split()[0] for line in run.lines if " ready after " in line]
    assert said.index("airflow-api-server") < said.index("airflow-scheduler") < said.index("world")
    assert said.index("phone-network") < said.index("airflow-scheduler")


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def children(pid: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if parent(int(entry.name)) == pid:
                    found.append(int(entry.name))
            except OSError:
                continue
    return found
