"""Whether a version with data in it becomes the present one without a word: nothing lost, doubled, red by the schema.

``make prove ONLY=upgrade [SEED=n] [FROM=commit]``. Earlier versions are taken out of the repository's own history
(tests/upgrade/versions.py). One day is lived by the earlier one alone, closed and published. On the next its senders,
settler, callbacks and pages go on while the present one migrates the ledger beside them; then the services are
exchanged one after the other, back again, and forth, as docs/operations/upgrade.md says, whose blocks are read out of
the page. What phones got is judged by the soak's oracle. At the end a wrong migration is tried, which must be found.
"""

from __future__ import annotations

import contextlib
import json
import logging
import shutil
import tempfile
import threading
from collections import Counter
from pathlib import Path

from motcua.sandbox.machine.parts import Hung
from motcua.store.ledger.database import close_ledger_pool
from motcua.store.oversight.accounting import identity
from tests.crash.harness import end_at_first_signal
from tests.ground import in_ledger
from tests.prove import Figure
from tests.soak.oracle import Citizen, judge, mistakes_noticed
from tests.upgrade.handbook import PAGE
from tests.upgrade.rolling import LOCK_AT_MOST, Upgrade, longest_behind_owner
from tests.upgrade.versions import NoHistory, Version, earlier_commits, present, take_out

_EXPECTED = ("SourceFailed", "RunIncomplete")
"""What a job raises by its own rules, to be red: a gateway was busy."""
_LOCKS = ("LockNotAvailable", "QueryCanceled")
_SLEEP = 2 * LOCK_AT_MOST
_SHOWN = 4


def figures(seed: int, since: str | None = None) -> list[Figure]:
    """The upgrade from each earlier version; ``since``: from one commit or tag alone."""
    logging.disable(logging.WARNING)
    end_at_first_signal(KeyboardInterrupt)
    try:
        return [figure for commit in ([since] if since else earlier_commits()) for figure in _from(commit, seed)]
    except NoHistory as why:
        return [Figure("an earlier version", str(why), "in the history", False)]


def _from(commit: str, seed: int) -> list[Figure]:
    folder = Path(tempfile.mkdtemp(prefix="motcua-upgrade-"))
    folder.chmod(0o711)
    try:
        before = take_out(commit, folder / "before")
    except NoHistory:
        shutil.rmtree(folder)
        raise
    upgrade = Upgrade(seed, before, present(), folder)
    try:
        rows = _one(upgrade)
    finally:
        upgrade.stage.close()
        close_ledger_pool()
    if all(each.ok for each in rows):
        shutil.rmtree(folder, ignore_errors=True)
    else:
        rows.append(Figure("logs", str(folder), "-", True))
    return [Figure("from", before.name, "-", True), *rows]


def _one(upgrade: Upgrade) -> list[Figure]:
    try:
        upgrade.run()
    except Hung as failure:
        upgrade.breaches.append(str(failure))
    return [*_what_happened(upgrade), *_who_was_told(upgrade), *_the_books(upgrade), *_wrong_ones(upgrade)]


def _what_happened(upgrade: Upgrade) -> list[Figure]:
    missing = [name for name in upgrade.now.migrations if name not in upgrade.before.migrations]
    raised = _raised(upgrade)
    told = Counter(error for error, _ in raised)
    by_schema = [f"{error}: {why}" for error, why in raised if error not in (*_EXPECTED, *_LOCKS)]
    visits = ", ".join(f"{count} of {name}" for name, count in upgrade.seen.pages.items())
    seconds, whom = max(upgrade.seen.behind, default=(0.0, "nobody waited"))
    return [
        Figure("lines of the page followed", f"{upgrade.followed} of {PAGE}.md", "some", upgrade.followed > 0),
        Figure("migrations applied beside the earlier version", f"{len(upgrade.migrated)}, {upgrade.seconds:.0f} s",
               f"{len(missing)}: {', '.join(missing)}", upgrade.migrated == missing),
        _none("what did not come about", upgrade.breaches),
        Figure("runs that said so", ", ".join(f"{count} {name}" for name, count in told.items()) or "none", "-", True),
        _none("other errors in runs, of either version", by_schema),
        Figure("pages read", visits, "of both", len(upgrade.seen.pages) == 2),
        _none("pages that did not answer", upgrade.seen.page_faults),
        Figure("longest wait behind the migration", f"{seconds:.1f} s ({whom})", f"at most {LOCK_AT_MOST:.0f} s",
               seconds <= LOCK_AT_MOST),
        Figure("looks at the books that ended with 0", f"{upgrade.ended_well} of {upgrade.typed}", "all",
               0 < upgrade.ended_well == upgrade.typed),
    ]  # fmt: skip


def _raised(upgrade: Upgrade) -> list[tuple[str, str]]:
    """What jobs raised: the kind of error, and why."""
    found = []
    for file in sorted((upgrade.folder / "runs").glob("*.jsonl")):
        for line in map(json.loads, file.read_text(encoding="utf-8").splitlines()):
            # A job's own error names the driver's first.
            named = next((word for word in _LOCKS if line["why"].startswith(word)), line["error"])
            found.append((named, f"{file.stem} {line['job']}: {line['why'][:160]}"))
    return found


def _who_was_told(upgrade: Upgrade) -> list[Figure]:
    taken = upgrade.stage.taken()
    citizens = {life.dossier.code: Citizen(life.number, life.owed) for life in upgrade.made}
    found = judge(citizens, taken)
    told = ", ".join(f"{count} {kind}" for kind, count in sorted(found.told.items()))
    replies = upgrade.stage.network_log("SELECT count(*), count(reply_id) FROM inquiries")
    asked, answered = (sum(row[place] for row in replies) for place in (0, 1))
    receipts = upgrade.stage.network_log("SELECT state, count(*) FROM receipts GROUP BY state")
    left = sum(count for state, count in receipts if state in ("pending", "held"))
    answers = upgrade.stage.network_log("SELECT answer, count(*) FROM receipt_attempts GROUP BY answer")
    errors = [f"{answer}: {count}" for answer, count in answers if str(answer).startswith("5")]
    noticed = mistakes_noticed(citizens, taken, found)
    return [
        Figure("told, by the phones' own log", told, "some", bool(found.told)),
        _none("lost", found.lost),
        _none("told twice", found.doubled),
        _none("to a wrong phone", found.wrong_phone),
        _none("told without being owed it", found.uncalled),
        Figure("an oracle that is given a loss, a double, a wrong phone", f"{noticed} of 3 mistakes in the same log",
               "3 of 3", noticed == 3),
        Figure("receipts that nobody took", f"{left} of {sum(count for _, count in receipts)}", "0", left == 0),
        _none("errors in answers to receipts", errors),
        Figure("texts to 9029 answered", f"{answered} of {asked}", "all", 0 < asked == answered == upgrade.asked),
    ]  # fmt: skip


def _the_books(upgrade: Upgrade) -> list[Figure]:
    stage = upgrade.stage
    books = in_ledger(identity)
    expected, difference = sum(row.expected for row in books), sum(abs(row.difference) for row in books)
    unknown = stage.ask("SELECT count(*) AS found FROM motcua.messages WHERE state = 'unknown'")[0]["found"]
    closed = stage.ask("SELECT count(*) AS lines, coalesce(sum(abs(difference)), 0) AS off FROM motcua.closings")[0]
    published = stage.ask("SELECT count(*) AS found FROM motcua.publications")[0]["found"]
    sealed = stage.ask("SELECT count(*) AS found FROM motcua.quality_runs")[0]["found"]
    return [
        Figure("identity", f"{expected} expected, difference {difference}", "0", expected > 0 and difference == 0),
        Figure("of unknown outcome", str(unknown), "0", unknown == 0),
        Figure("closings", f"{closed['lines']}, difference {closed['off']}", "2 days, 0",
               closed["lines"] >= 2 and closed["off"] == 0),
        Figure("publications, quality checks", f"{published}, {sealed}; they hold", "2 of each",
               published >= 2 and sealed >= 2),
    ]  # fmt: skip


def _wrong_ones(upgrade: Upgrade) -> list[Figure]:
    """A migration that takes what the earlier version needs, and keeps its lock for long: both must be found."""
    stage = upgrade.stage
    folder = upgrade.folder / "wrong"
    shutil.copytree(upgrade.now.root / "include", folder / "include")
    (folder / "plugins").symlink_to(upgrade.now.root / "plugins")
    newest = upgrade.now.migrations[-1]
    (folder / "include" / "sql" / "migrations" / f"{newest[:4]}z_wrong.sql").write_text(
        f"-- depends: {newest}\nALTER TABLE motcua.transitions RENAME COLUMN planned_at TO thought_of_at;\n"
        f"SELECT pg_sleep({_SLEEP});\n"
    )
    already = len(_raised(upgrade))
    stopped = threading.Event()
    behind: list[tuple[float, str]] = []
    watching = threading.Thread(
        target=lambda: behind.extend(longest_behind_owner(stage, lambda: not stopped.is_set())), daemon=True
    )
    watching.start()
    with contextlib.suppress(Hung):
        # Its definitions no longer fit; the migration itself stays.
        stage.given["MOTCUA_HOME"] = str(folder)
        stage.motcua(Version("wrong", folder), "migrate")
    stage.run_with(upgrade.before, "notify-one")
    waited = threading.Event()
    for _ in range(200):
        if len(_raised(upgrade)) > already:
            break
        waited.wait(0.3)
    stopped.set()
    watching.join()
    raised = [error for error, _ in _raised(upgrade)[already:] if error not in (*_EXPECTED, *_LOCKS)]
    seconds, _ = max(behind, default=(0.0, ""))
    return [
        Figure("a migration that keeps its lock is noticed", f"{seconds:.1f} s", f"above {LOCK_AT_MOST:.0f} s",
               seconds > LOCK_AT_MOST),
        Figure("one that takes a column is noticed", ", ".join(sorted(set(raised))) or "no", "errors in runs",
               bool(raised)),
    ]  # fmt: skip


def _none(name: str, found: list[str]) -> Figure:
    examples = f": {'; '.join(found[:_SHOWN])}" if found else ""
    return Figure(name, f"{len(found)}{examples}", "0", not found)
