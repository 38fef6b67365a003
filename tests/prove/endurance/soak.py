"""Prove that after a day with every kind of fault each citizen got each message once, and that nothing leaked.

``make prove ONLY=soak [SEED=n] [SHARE=0.2] [SPEED=40]`` simulates a day from 7:00 to the next morning, faster than real
time. These parts run as real processes: a PostgreSQL server, two simulated gateways with simulated phones, the web app
that receives the gateways' callbacks, two senders, a process that settles messages, and the hourly jobs. The faults are
drawn from the seed. The invented course of each dossier determines which texts its citizen must get. The proof compares
these texts with the texts that the phones received (tests/soak/oracle.py). The proof samples memory, open files,
connections and table sizes once per minute of the day. With ``SHARE`` only the end of the day is simulated: that share
of the hours, with the same share of the dossiers. docs/decisions/tests.md explains the method and its limits.
"""

from __future__ import annotations

import logging
import re
from collections import Counter

import psycopg.errors

from motcua.sandbox.machine.parts import Hung
from tests.crash.harness import end_at_first_signal
from tests.prove import Figure, none, noted
from tests.soak.day import SPEED, Day, run_day
from tests.soak.faults import COSTS, in_words
from tests.soak.sampling import Margin, Series, is_flat, sizes_and_built_anew, trend
from tests.soak.stage import CONCURRENCY, HANG, WORKERS
from tests.soak.verdict import EXPECTED, count_errors, identity_figure, judge_texts, raised

_LISTED = """
SELECT d.dossier_code, m.kind FROM motcua.messages AS m INNER JOIN motcua.dossiers AS d USING (dossier_id)
WHERE m.state = 'unknown' OR EXISTS (
    SELECT FROM motcua.message_history AS h WHERE h.message_id = m.message_id AND h.to_state = 'unknown'
)
"""
_TRIES = 12
"""Largest number of attempts at a gateway in one outage: the pauses between attempts double from 2 s to 300 s."""
_DEAD = Margin(0.5, 10.0)
_BLOAT, _FORKS = 1.5, 131_072
"""A table with its indexes may be at most ``_BLOAT`` times as large as after VACUUM FULL, plus ``_FORKS`` bytes.

The additional bytes are for small tables, which consist mostly of their free space maps.
"""


def figures(seed: int, share: float = 1.0, speed: float = SPEED) -> list[Figure]:
    """Simulate one day and return its figures.

    ``share``: share of the day, from 0.1. ``speed``: seconds of the day in one real second.
    """
    logging.disable(logging.WARNING)
    # An interrupted proof must also end the processes that it started.
    end_at_first_signal(KeyboardInterrupt)
    day = run_day(seed, share, speed)
    clean = False
    try:
        found = [*_figures_of_events(day), *_figures_of_texts(day), *_figures_of_ledger(day)]
        # A shorter simulation ends before its processes reach their steady size.
        found += _figures_of_growth(day) if share >= 1 else [noted("growth", "judged for a whole day only")]
        clean = all(figure.ok for figure in found)
    finally:
        day.stage.close()
        if clean:
            day.stage.remove()
    if not clean:
        found.append(noted("logs", day.stage.folder))
    return found


def _figures_of_events(day: Day) -> list[Figure]:
    counts = day.counts
    words = f"{in_words(day.faults)}; {day.broken_rows} broken rows"
    errors = list(raised(day.stage))
    # Errors of jobs that none of the planted faults explains.
    strange = [
        words for error, why, words in errors if error not in EXPECTED and not _speaks_of_a_lost_server(error, why)
    ]
    return [
        noted("the day", f"{len(day.made)} dossiers, {counts['acts written']} steps, {day.seconds:.0f} s"),
        Figure("faults", words, "each kind", {each.kind for each in day.faults} <= set(counts)),
        count_errors([error for error, _, _ in errors]),
        none("other errors in jobs", strange),
        none("work that the day's processes did not do", day.breaches),
        Figure(
            "processes that ended by themselves after SIGTERM",
            str(day.stage.ended_by_itself),
            f"all, in {HANG:.0f} s",
            True,
        ),
    ]


def _speaks_of_a_lost_server(error: str, why: str) -> bool:
    """Return whether the error means that a connection or its server was lost."""
    named = re.match(r"(\w+)", why)
    for name in (error, named[1] if error == "DatabaseFailed" and named else ""):
        kind = getattr(psycopg.errors, name, getattr(psycopg, name, None))
        if isinstance(kind, type) and issubclass(kind, psycopg.OperationalError):
            return True
    return False


def _figures_of_texts(day: Day) -> list[Figure]:
    listed = [(row["dossier_code"], row["kind"]) for row in day.stage.ask(_LISTED)]
    must = Counter[str]()
    for life in day.made:
        for kind, promise in life.owed.items():
            must[kind] += promise.must
    # Each fault of a kind in ``COSTS`` may leave messages unknown at both gateways: the messages whose requests are
    # under way (``CONCURRENCY``), and the messages that are already prepared for the next requests (a quarter of
    # ``CONCURRENCY``, plus one). Each attempt during an outage of a gateway may leave one more message unknown.
    in_flight = 2 * (CONCURRENCY + CONCURRENCY // 4 + 1)
    most = sum(day.counts[kind] for kind in COSTS) * in_flight + day.counts["gateway away"] * _TRIES
    found, figures = judge_texts(day.stage, day.made, listed)
    return [
        noted("texts owed to citizens", must),
        *figures,
        Figure(
            "owed texts that were not sent, and are listed as unknown",
            str(found.listed),
            f"at most {most}",
            found.listed <= most,
        ),
    ]


def _figures_of_ledger(day: Day) -> list[Figure]:
    stage = day.stage
    gaps = stage.ask("SELECT count(*) AS all, count(*) FILTER (WHERE closed_at IS NULL) AS open FROM motcua.gaps")[0]
    closings = stage.ask("SELECT coalesce(sum(abs(difference)), 0) AS off, count(*) AS lines FROM motcua.closings")[0]
    published = stage.ask("SELECT count(*) AS found FROM motcua.publications")[0]["found"]
    try:
        stage.command("publications", "verify-all")
        verified = "hold"
    except Hung as failure:
        verified = f"do not hold: {failure}"
    return [
        identity_figure(),
        Figure("the day's closing", f"{closings['lines']}, difference {closings['off']}", "0",
               closings["lines"] > 0 and closings["off"] == 0),
        Figure("publications", f"{published}, {verified}", "hold", published > 0 and verified == "hold"),
        Figure("gaps after the restore", f"{gaps['all']}, open {gaps['open']}", "1, open 0",
               gaps["all"] == 1 and gaps["open"] == 0),
    ]  # fmt: skip


def _figures_of_growth(day: Day) -> list[Figure]:
    samples = day.samples
    judged = [*samples.judged(), *samples.connections.values()]
    planted = [series for series in judged if series.subject.startswith("leak")]
    found = [_flat(series) for series in judged if series not in planted]
    # The proof must have sampled every process that lives for the whole day.
    roles = {series.subject.partition(" #")[0] for series in judged}
    missing = [name for name in ("callbacks", *WORKERS) if name not in roles and name != "notify-two"]
    many = [each for each in samples.tables.values() if len(each.points) >= 12]
    rising = [each for each in many if not is_flat(trend(each.points), each.margin)]
    tables = sorted(sizes_and_built_anew(day.stage).items(), key=lambda each: -each[1][0])
    bloated = [f"{name} {left / anew:.2f} times" for name, (left, anew) in tables if left > _BLOAT * anew + _FORKS]
    left, anew = (sum(each[place] for _, each in tables) for place in (0, 1))
    whole = trend(samples.size)
    dead = trend(samples.dead["all"])
    largest = ", ".join(f"{name} {left / anew:.2f}" for name, (left, anew) in tables[:3])
    noticed = [each for each in planted if not is_flat(trend(each.points), each.margin)]
    return [
        Figure("samples", f"{samples.taken}, one a minute", "-", samples.taken > 0),
        none("long-lived parts that were not sampled", missing),
        *found,
        noted("tables: MB", f"{whole.middle:.1f}, then {whole.last:.1f}"),
        noted("size of all tables against the size after a rewrite", f"{left / anew:.2f} times; largest {largest}"),
        none("tables above 1.5 times their size after a rewrite", bloated),
        none("tables whose rows grow faster than messages", [each.subject for each in rising]),
        Figure("dead rows per hundred living rows", f"{dead.middle:.1f}, then {dead.last:.1f}", str(_DEAD),
               is_flat(dead, _DEAD)),
        Figure("process that leaks on purpose: growth detected",
               f"{len(noticed)} of its {len(planted)} series rise", "all of them",
               bool(planted) and len(noticed) == len(planted)),
    ]  # fmt: skip


def _flat(series: Series) -> Figure:
    found = trend(series.points)
    unit = f" {series.unit}" if series.unit else ""
    value = f"{found.middle:.1f}, then {found.last:.1f}{unit} ({found.per_hour:+.2f} an hour, {found.samples} samples)"
    return Figure(series.subject, value, str(series.margin), is_flat(found, series.margin))
