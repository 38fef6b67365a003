"""Prove that dossiers cause the same messages if clients push them as if the system reads them from a database.

The proof also shows that no client can harm the intake.

``make prove ONLY=intake [SEED=n]`` simulates one generated province (worlds/pushing) three times; each event happens at
the same moment each time. The first time, the system reads the views of the province's software. The second time,
clients push each dossier's history ("life") completely. The clients share no code with the system, and use every
variant ("shape") of the protocol. Their calls fail, are repeated, run in parallel, and come in parts or in another
order. The third time, a client pushes only the last action of each dossier, as the software OpenCPS does. An oracle
that knows only the lives judges the log of the phone network. Afterwards the intake is flooded with pushes, and gets
input that is not a valid push.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from datetime import time as time_of_day
from pathlib import Path

from tests.ground import ask
from tests.prove import Figure, at_most, every, none, noted
from tests.prove.worlds.ledgers import Mistake, notice_mistakes, proving_ledger, proving_server
from tests.prove.worlds.pushing.abuse import BURSTS, MANY, Abused, abuse
from tests.prove.worlds.pushing.client import FAULTS
from tests.prove.worlds.pushing.lives import Province
from tests.prove.worlds.pushing.oracle import Judgement, Text, differences, judge, last_action, owed, texts_in, whole
from tests.prove.worlds.pushing.province import Outcome, play

FIRST_DAY = date(2024, 11, 28)
"""A Thursday, so that a weekend and the end of a month come soon after it."""
DAYS, PER_DAY = 2, 5
_SYNCS = (time_of_day(11), time_of_day(15), time_of_day(17, 31))
"""Times of the system's runs right before which OpenCPS pushes."""
_MEGABYTE = 1024 * 1024


def syncs(province: Province) -> list[int]:
    """Return the numbers of the slots that end with a push of last actions; a slot is the time between two runs."""
    return [run.number for run in province.runs if run.at.timetz().replace(tzinfo=None) in _SYNCS]


def texts_due(province: Province, slots: Sequence[int] = ()) -> Counter[Text]:
    """Return the texts that phones must get if the software of a province pushes its data.

    If ``slots`` are given, only last actions are pushed, at the ends of these slots.
    """
    known = {life.code: last_action(life, slots) if slots else whole(life) for life in province.lives}
    return Counter(each.text for life in province.lives for each in owed(life, known[life.code], province.runs))


def of_phones(way: str, judged: Judgement, must: int) -> list[Figure]:
    """Return the rows that compare the texts on phones with the texts that the lives require."""
    for name in ("lost", "doubled", "wrong_phone", "uncalled"):
        for line in getattr(judged, name)[:8]:
            print(f"{way}, {name}: {line}")
    return [
        Figure(f"{way}: messages owed", str(must), "> 0", must > 0),
        Figure(
            f"{way}: texts lost, doubled, at a wrong phone, not owed",
            f"{len(judged.lost)}, {len(judged.doubled)}, {len(judged.wrong_phone)}, {len(judged.uncalled)}",
            "0, 0, 0, 0",
            judged.wrong == 0,
        ),
    ]


def of_identity(way: str, outcome: Outcome) -> Figure:
    apart = {name: each for name, each in outcome.identity.items() if each != (0, 0)}
    for name, (difference, unexplained) in apart.items():
        print(f"{way}, closing of {name}: difference {difference}, {unexplained} without a reason")
    value = f"{len(outcome.identity) - len(apart)} of {len(outcome.identity)}"
    return Figure(f"{way}: closings with difference 0 and no difference without a reason", value, "all", not apart)


def of_comparison(read: Outcome, pushed: Outcome) -> list[Figure]:
    """Compare texts on phones, closings and dossiers of two runs with the same lives.

    In one run the system read the dossiers, in the other run clients pushed them.
    """
    by_phones = judge(texts_in(read.network), texts_in(pushed.network))
    apart = sorted(name for name in read.closings if read.closings[name] != pushed.closings.get(name))
    for name in apart[:4]:
        for one, other in zip(read.closings[name], pushed.closings.get(name, []), strict=False):
            if one != other:
                differing = [(*a, b[1]) for a, b in zip(one[1], other[1], strict=True) if a != b]
                print(f"closing of {name}, {one[0]}, {dict(one[1])['agency_code']}: {differing}")
    rows = sorted(key for key in {*read.rows, *pushed.rows} if read.rows.get(key) != pushed.rows.get(key))
    for key in rows[:8]:
        print(f"dossier {key}: read {read.rows.get(key)}, pushed {pushed.rows.get(key)}")
    texts = [Counter((each["to"], each["text"]) for each in outcome.network) for outcome in (read, pushed)]
    figures = sum(len(closing) for closing in read.closings.values())
    return [
        none("messages that differ between read and pushed", by_phones.wrong),
        Figure("texts, word for word", str(len(pushed.network)), f"the same {len(read.network)}", texts[0] == texts[1]),
        Figure(
            f"closings with the same figures ({figures} rows)",
            f"{len(read.closings) - len(apart)} of {len(read.closings)}", "all", not apart and figures > 0,
        ),
        Figure(
            "dossiers that are equal in the ledger",
            f"{len(read.rows) - len(rows)} of {len(read.rows)}", "all", not rows and bool(read.rows),
        ),
    ]  # fmt: skip


def of_clients(pushed: Outcome) -> list[Figure]:
    """Return the rows about the clients' calls; each kind of fault must have occurred."""
    made = ", ".join(f"{number} {name}" for name, number in sorted(pushed.made.items()))
    lacking = [name for name in FAULTS if not pushed.made[name]]
    refused = pushed.made["old session answered 01"]
    return [
        Figure("pushed: what clients did", made, "each kind of fault", not lacking),
        Figure("pushed: old sessions that were refused", str(refused), "> 0", refused > 0),
        none("pushed: rows left in quarantine", pushed.quarantined),
    ]


def of_last_actions(province: Province, read: Outcome, pushed: Outcome) -> list[Figure]:
    """Check that a step which was never pushed explains each message that differs between two runs.

    In one run all actions are pushed, in the other only the last action of each dossier.
    """
    slots = syncs(province)
    of_whole = {life.code: owed(life, whole(life), province.runs) for life in province.lives}
    of_last = {life.code: owed(life, last_action(life, slots), province.runs) for life in province.lives}
    listed = differences(province.lives, of_whole, of_last, slots)
    for each in listed:
        print(f"last action: {each.line}: {each.reason}")
    pair = texts_in(read.network), texts_in(pushed.network)
    differ = sum(((pair[0] - pair[1]) + (pair[1] - pair[0])).values())
    events = sum(len([e for e in life.events if e.occurred_at]) for life in province.lives)
    kept = sum(len([k for k in last_action(life, slots) if k.occurred_at]) for life in province.lives)
    odd = pushed.made["dossiers for which TraCuuHoSo answers wrongly"]
    return [
        Figure("last action: steps in all, and steps that were pushed", f"{events}, {kept}", "fewer", kept < events),
        Figure("last action: messages that differ from those of complete pushes", str(differ), f"{len(listed)}, listed",
               differ == len(listed) > 0),
        none("last action: differences not explained by unpushed steps",
             [each.line for each in listed if not each.reason]),
        none("last action: dossiers for which TraCuuHoSo answers wrongly", odd),
    ]  # fmt: skip


def of_abuse(abused: Abused) -> list[Figure]:
    for line in abused.wrong[:12]:
        print(line)
    memory = [bytes_ // _MEGABYTE for bytes_ in abused.memory]
    grown = f"memory of the server after each of {BURSTS} bursts, and at last: MB"
    waited = sorted(abused.waited)
    good = f"{abused.there} of {abused.good}"
    return [
        noted(f"bursts of {MANY:,} dossiers and steps: seconds", ", ".join(f"{s:.1f}" for s in abused.burst_seconds)),
        at_most("the slowest burst: seconds", max(abused.burst_seconds), 60),
        at_most("a burst of steps pushed again: seconds", abused.repeated_seconds, 60),
        noted(grown, ", ".join(map(str, memory))),
        at_most("growth of memory after the second burst: MB", memory[-2] - memory[1], 30),
        every("hostile calls answered as they must be", abused.hostile - len(abused.wrong), abused.hostile),
        Figure("records of the well-behaved client in the ledger", good, "all, > 20", abused.there == abused.good > 20),
        at_most(
            f"calls of the well-behaved client, median {waited[len(waited) // 2]:.2f} s: longest", waited[-1], 10, " s"
        ),
    ]


# ------------------------------------------------------------------------------------------------- mistakes on purpose


def _by_trigger(table: str, when: str, does: str) -> Mistake:
    """Return a mistake in which a trigger changes pushed rows in the ledger."""

    @contextlib.contextmanager
    def broken(ledger_dsn: str) -> Iterator[None]:
        ask(ledger_dsn, "CREATE SCHEMA broken")
        function = "CREATE FUNCTION broken.act() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER"
        ask(ledger_dsn, f"{function} AS $$ BEGIN {does}; RETURN NEW; END $$")
        ask(ledger_dsn, f"CREATE TRIGGER broken {when} ON {table} FOR EACH ROW EXECUTE FUNCTION broken.act()")
        yield

    return broken


def _writing_phone(phone: str) -> Mistake:
    does = f"""NEW.fields := NEW.fields || '{{"SoDienThoai": "{phone}"}}'"""
    return _by_trigger("intake.pushed_dossiers", "BEFORE INSERT OR UPDATE", does)


MISTAKES: dict[str, Mistake] = {
    # The first two mistakes change the dossiers' rows. A lost step would change no message, because the dossier's row
    # shows the same state.
    "phones are not stored": _writing_phone(""),
    "phones are somebody else's": _writing_phone("0909999999"),
    "repeated records count as new": _by_trigger(
        "intake.pushed_steps", "BEFORE INSERT",
        "NEW.digest := sha256(gen_random_uuid()::text::bytea); NEW.occurred_at := NEW.recorded_at",
    ),
}  # fmt: skip


def _pushed_wrong(admin_dsn: str, ledger: str, folder: str) -> bool:
    """Simulate a small province whose software pushes; return whether phones get wrong texts."""
    province = Province(1, FIRST_DAY, 1, 1)
    outcome = play(province, "pushed", admin_dsn, ledger, folder)
    return judge(texts_due(province), texts_in(outcome.network)).wrong > 0


# ------------------------------------------------------------------------------------------------------------ the table


def figures(seed: int) -> list[Figure]:
    province = Province(seed, FIRST_DAY, DAYS, PER_DAY)
    slots = syncs(province)
    with (
        tempfile.TemporaryDirectory(prefix="motcua-prove-") as folder,
        proving_server(Path(folder), trusting=True) as admin_dsn,
    ):

        def played(way: str) -> Outcome:
            with proving_ledger(admin_dsn, f"province_{way.split()[0]}") as ledger:
                return play(province, way, admin_dsn, ledger, folder, slots)  # type: ignore[arg-type]

        read, pushed, last = played("read"), played("pushed"), played("last action")
        events = sum(len(life.events) for life in province.lives)
        found = [noted("lives, events, runs", (len(province.lives), events, len(province.runs)))]
        for way, outcome, must in (
            ("read", read, texts_due(province)),
            ("pushed", pushed, texts_due(province)),
            ("last action", last, texts_due(province, slots)),
        ):
            found += of_phones(way, judge(must, texts_in(outcome.network)), must.total())
            found.append(of_identity(way, outcome))
        found += of_comparison(read, pushed)
        found += of_clients(pushed)
        found += of_last_actions(province, read, last)
        with proving_ledger(admin_dsn, "abused") as ledger:
            found += of_abuse(abuse(ledger, folder))
        return [*found, notice_mistakes(admin_dsn, MISTAKES, lambda ledger: _pushed_wrong(admin_dsn, ledger, folder))]
