"""Prove that an earlier version with data is upgraded without loss, duplicates or errors caused by the schema.

``make prove ONLY=upgrade [SEED=n] [FROM=commit]`` takes earlier versions out of the repository's own history
(tests/upgrade/versions.py). The earlier version first runs alone for one simulated day, and stores and publishes the
figures of this day. On the next day its senders, its job ``settle_messages``, its callbacks app and its pages go on
while the present version migrates the ledger. Then each service in turn is replaced by the present version, by the
earlier version again, and by the present version again. The commands are read out of docs/operations/upgrade.md. As in
the proof ``soak``, the texts that phones received are compared with the texts that citizens must get. At the end a
migration with two faults is applied, and the proof must detect both faults.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
import tempfile
import threading
from pathlib import Path

from motcua.sandbox.machine.parts import Hung
from motcua.store.ledger.database import close_ledger_pool
from tests.crash.harness import end_at_first_signal
from tests.prove import Figure, none, noted
from tests.soak.verdict import EXPECTED, count_errors, identity_figure, judge_texts, raised
from tests.upgrade.handbook import PAGE
from tests.upgrade.rolling import LOCK_AT_MOST, Upgrade, longest_behind_owner
from tests.upgrade.versions import NoHistory, Version, earlier_commits, present, take_out

_LOCKS = ("LockNotAvailable", "QueryCanceled")
_SLEEP = 2 * LOCK_AT_MOST


def figures(seed: int, since: str | None = None) -> list[Figure]:
    """Run the upgrade from each earlier version, or only from the commit or tag ``since``."""
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
        rows = _run_and_judge(upgrade)
    finally:
        upgrade.stage.close()
        close_ledger_pool()
    if all(each.ok for each in rows):
        shutil.rmtree(folder, ignore_errors=True)
    else:
        rows.append(noted("logs", folder))
    return [noted("from", before.name), *rows]


def _run_and_judge(upgrade: Upgrade) -> list[Figure]:
    try:
        upgrade.run()
    except Hung as failure:
        # If the upgrade stopped half-way, the data that the other figures need is missing.
        return [none("steps of the upgrade that failed", [*upgrade.breaches, str(failure)])]
    return [
        *_figures_of_events(upgrade),
        *_figures_of_texts(upgrade),
        *_figures_of_ledger(upgrade),
        *_figures_of_wrong_migrations(upgrade),
    ]


def _figures_of_events(upgrade: Upgrade) -> list[Figure]:
    missing = [name for name in upgrade.now.migrations if name not in upgrade.before.migrations]
    errors = _raised(upgrade)
    by_schema = [words for error, words in errors if error not in (*EXPECTED, *_LOCKS)]
    visits = ", ".join(f"{count} of {name}" for name, count in upgrade.seen.pages.items())
    seconds, whom = max(upgrade.seen.behind, default=(0.0, "nobody waited"))
    return [
        Figure("lines of the page followed", f"{upgrade.followed} of {PAGE}.md", "some", upgrade.followed > 0),
        Figure("migrations applied beside the earlier version", f"{len(upgrade.migrated)}, {upgrade.seconds:.0f} s",
               f"{len(missing)}: {', '.join(missing)}", upgrade.migrated == missing),
        none("steps of the upgrade that failed", upgrade.breaches),
        count_errors([error for error, _ in errors]),
        none("other errors in runs, of either version", by_schema),
        Figure("pages read", visits, "of both", len(upgrade.seen.pages) == 2),
        none("pages that did not answer", upgrade.seen.page_faults),
        Figure("longest wait behind the migration", f"{seconds:.1f} s ({whom})", f"at most {LOCK_AT_MOST:.0f} s",
               seconds <= LOCK_AT_MOST),
        Figure("checks of the ledger that ended with exit code 0", f"{upgrade.ended_well} of {upgrade.typed}", "all",
               0 < upgrade.ended_well == upgrade.typed),
    ]  # fmt: skip


def _raised(upgrade: Upgrade) -> list[tuple[str, str]]:
    """Return the kind and the text of each error of a job.

    A lock error counts under the name that the database driver gives it.
    """
    errors = raised(upgrade.stage)
    return [(next((word for word in _LOCKS if why.startswith(word)), error), words) for error, why, words in errors]


def _figures_of_texts(upgrade: Upgrade) -> list[Figure]:
    _, figures = judge_texts(upgrade.stage, upgrade.made, asked_9029=upgrade.asked)
    receipts = upgrade.stage.network_log("SELECT state, count(*) FROM receipts GROUP BY state")
    left = sum(count for state, count in receipts if state in ("pending", "held"))
    answers = upgrade.stage.network_log("SELECT answer, count(*) FROM receipt_attempts GROUP BY answer")
    errors = [f"{answer}: {count}" for answer, count in answers if str(answer).startswith("5")]
    return [
        *figures,
        Figure("receipts that were not stored", f"{left} of {sum(count for _, count in receipts)}", "0", left == 0),
        none("errors in answers to receipts", errors),
    ]  # fmt: skip


def _figures_of_ledger(upgrade: Upgrade) -> list[Figure]:
    stage = upgrade.stage
    unknown = stage.ask("SELECT count(*) AS found FROM motcua.messages WHERE state = 'unknown'")[0]["found"]
    closed = stage.ask("SELECT count(*) AS lines, coalesce(sum(abs(difference)), 0) AS off FROM motcua.closings")[0]
    published = stage.ask("SELECT count(*) AS found FROM motcua.publications")[0]["found"]
    sealed = stage.ask("SELECT count(*) AS found FROM motcua.quality_runs")[0]["found"]
    return [
        identity_figure(),
        none("messages of unknown outcome", unknown),
        Figure("closings", f"{closed['lines']}, difference {closed['off']}", "2 days, 0",
               closed["lines"] >= 2 and closed["off"] == 0),
        Figure("publications, quality checks", f"{published}, {sealed}; they hold", "2 of each",
               published >= 2 and sealed >= 2),
    ]  # fmt: skip


def _figures_of_wrong_migrations(upgrade: Upgrade) -> list[Figure]:
    """Apply a migration with two faults: it renames a column that the earlier version uses, and holds its lock long.

    The proof must detect both faults.
    """
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
        # The present version's views and functions do not fit the table after this migration, so the command fails. The
        # migration itself stays applied.
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
    new = {error for error, _ in _raised(upgrade)[already:] if error not in (*EXPECTED, *_LOCKS)}
    seconds, _ = max(behind, default=(0.0, ""))
    return [
        Figure("a migration that keeps its lock is found", f"{seconds:.1f} s", f"above {LOCK_AT_MOST:.0f} s",
               seconds > LOCK_AT_MOST),
        Figure("a migration that renames a column is found", ", ".join(sorted(new)) or "no", "errors in runs",
               bool(new)),
    ]  # fmt: skip
