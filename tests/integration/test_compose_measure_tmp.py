from tests.integration.test_compose import *
orig = Machine.environment_of
Machine.environment_of = lambda self, service: orig(self, service) | {"PYTHONPATH": "/tmp/compose-check/overlay"}
import random

def pss(machine):
    out = {}
    for pid in machine.left_over():
        try:
            sid = os.getsid(pid)
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError: continue
        pick = lambda k: next((int(l.split()[1]) // 1024 for l in lines if l.startswith(k)), 0)
        name = next((n for n, p in machine.running.items() if p.pid == sid), "?")
        a = out.setdefault(name, [0, 0, 0]); a[0] += 1; a[1] += pick("Pss:"); a[2] += pick("Rss:")
    return out

def test_measure(machine):
    one_stop, network = begin_one_stop(machine), begin_gateway(machine)
    machine.start("redis"); machine.wait_until_healthy("redis", 30)
    machine.run("init", machine.command_of("init", SERVICES["init"]["command"]))
    for s in LONG_RUNNING:
        if s not in ("postgres", "redis"): machine.start(s)
    for s in ("airflow-apiserver", "airflow-scheduler", "callbacks"): machine.wait_until_healthy(s, 90)
    agencies = machine.folder / "agencies.yaml"
    agencies.write_text(f"agencies:\n- code: {NHA_TRANG}\n  name: Nha Trang\n")
    machine.run("airflow-scheduler", ["motcua", "agencies", "import", str(agencies), "--enable-now"])
    time.sleep(25)
    print("memory: processes, PSS MB, RSS MB", pss(machine))
    for n in range(110):
        now = datetime.now(UTC)
        one_stop.dossier(f"D{n:05}", applicant_phone=f"0905{random.randint(100000,999999)}", due_at=now + timedelta(days=2), updated_at=now - timedelta(minutes=1))
        one_stop.move(9, f"D{n:05}", at=now)
        time.sleep(random.expovariate(1/0.8))
    time.sleep(10)
    print("memory: processes, PSS MB, RSS MB", pss(machine))
    print(machine.run("airflow-scheduler", ["motcua", "latency"]))
    print(machine.run("airflow-scheduler", ["motcua", "identity"]))
    env = machine.environment_of("init") | {"PGPASSWORD": machine.environment["POSTGRES_PASSWORD"]}
    pg = ["-h","127.0.0.1","-p",str(machine.ports[5432]),"-U","postgres"]
    count = lambda db, q: subprocess.run(["psql",*pg,"-At",db,"-c",q],env=env,capture_output=True,text=True).stdout
    print("runs", count("motcua_airflow", "select state, count(*) from dag_run group by 1"))
    one_stop.connection.close()
    machine.stop()
    dump = machine.folder/"ledger.dump"
    with dump.open("wb") as f: subprocess.run(["pg_dump",*pg,"--format=custom","motcua"],env=env,stdout=f,check=True)
    q = "select state, count(*) from motcua.messages group by 1"
    print("before", count("motcua", q))
    for db in ("motcua","motcua_airflow"): subprocess.run(["dropdb",*pg,db],env=env,check=True)
    machine.run("init", ["motcua","provision"])
    with dump.open("rb") as f: print(subprocess.run(["pg_restore",*pg,"--dbname=motcua","--exit-on-error"],env=env,stdin=f,capture_output=True,text=True))
    print("after", count("motcua", q))
    print(machine.run("init", machine.command_of("init", SERVICES["init"]["command"]))[-300:])
    print(machine.run("init", ["motcua","identity"]))
