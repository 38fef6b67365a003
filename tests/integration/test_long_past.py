"""Test that a pick-up of a long history, which reads ahead, writes the same rows as one that does not read ahead."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg.rows import dict_row

from motcua.domain.run_window import EVERYTHING, Window
from motcua.jobs.notices import picking_up
from motcua.jobs.notices.picking_up import Portions, SourceFailed, pick_up
from motcua.jobs.notices.planning import plan
from motcua.sources.contract import ContractSource
from motcua.store.agencies import save_agencies
from motcua.store.ledger.database import connect
from motcua.store.ledger.provisioning import with_database
from motcua.store.ledger.rows import batches, large_array, large_array_of_words
from motcua.store.ledger.sessions import Run, work_for
from motcua.store.notices.dossiers import known_dossiers
from motcua.store.notices.sources import map_status
from tests.ground import NHA_TRANG, NOW, TU_PHAP, VAN_PHONG, agency, ask, in_ledger, ledger_connections

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
BY_TWO = Portions(batch=2)

# Queries for all rows that a pick-up writes. They identify rows by the source's keys, because the two ledgers number
# rows differently.
KEPT = {
    "dossiers": "SELECT to_jsonb(d) - 'dossier_id' AS r FROM motcua.dossiers AS d",
    "versions": """
        SELECT to_jsonb(v) - 'dossier_id' - 'version_id' || jsonb_build_object(
            'of', d.agency_code || ' ' || d.dossier_code,
            'nth', row_number() OVER (PARTITION BY v.dossier_id ORDER BY v.version_id)
        ) AS r
        FROM motcua.dossier_versions AS v INNER JOIN motcua.dossiers AS d ON v.dossier_id = d.dossier_id""",
    "transitions": """
        SELECT to_jsonb(t) - 'dossier_id' - 'transition_id' - 'message_id' || jsonb_build_object(
            'of', d.agency_code || ' ' || d.dossier_code,
            'nth', row_number() OVER (PARTITION BY t.dossier_id ORDER BY t.transition_id),
            'message', (SELECT m.kind || m.state || coalesce(m.reason, '') || m.text || coalesce(m.msisdn, '')
                FROM motcua.messages AS m WHERE m.message_id = t.message_id)
        ) AS r
        FROM motcua.transitions AS t INNER JOIN motcua.dossiers AS d ON t.dossier_id = d.dossier_id""",
    "old steps": """
        SELECT to_jsonb(o) - 'dossier_id' - 'transition_id' - 'known_from' - 'version_id' || jsonb_build_object(
            'step', t.source_transition_id, 'known', k.source_transition_id, 'judged', o.version_id IS NOT NULL
        ) AS r
        FROM motcua.old_steps AS o
        INNER JOIN motcua.transitions AS t ON o.transition_id = t.transition_id
        INNER JOIN motcua.transitions AS k ON o.known_from = k.transition_id""",
    "quarantine": "SELECT to_jsonb(q) - 'quarantine_id' AS r FROM motcua.quarantine AS q",
    "cleaned": """
        SELECT to_jsonb(c) - 'cleaned_field_id' - 'dossier_id' - 'transition_id' || jsonb_build_object(
            'of', d.dossier_code, 'step', t.source_transition_id
        ) AS r
        FROM motcua.cleaned_fields AS c
        INNER JOIN motcua.dossiers AS d ON c.dossier_id = d.dossier_id
        LEFT JOIN motcua.transitions AS t ON c.transition_id = t.transition_id""",
    "procedures": "SELECT to_jsonb(p) AS r FROM motcua.procedures AS p",
    "source": "SELECT to_jsonb(s) AS r FROM motcua.sources AS s",
    "phones": """
        SELECT to_jsonb(d.dossier_code) AS r
        FROM motcua.phone_changes AS p INNER JOIN motcua.dossiers AS d ON p.dossier_id = d.dossier_id""",
    "run": "SELECT to_jsonb(p) AS r FROM motcua.pick_ups AS p",
}


class AllKeys(picking_up._Shown):
    """Remembers each dossier key for the whole pick-up, instead of forgetting old ones."""

    def __init__(self):
        super().__init__()
        self.all_written, self.all_read = {}, set()

    def key_at_source(self, dossier):
        return self.all_written.get((dossier.agency_code, dossier.dossier_code))

    def was_read(self, dossier):
        return (dossier.agency_code, dossier.dossier_code) in self.all_read


class PlainPickUp(picking_up._PickUp):
    """A pick-up without reading ahead: it reads batch after batch, and queries each step's dossier row again."""

    def __init__(self, *given):
        super().__init__(*given)
        self.shown, self.touched = AllKeys(), OnePart()
        self.may_be_in_quarantine = True

    def _take_all(self, rows, at_once, ahead, take):
        for batch in batches(rows, self.portions.batch):
            take(at_once(batch))

    def _take_dossiers(self, judged):
        for raw, clean in judged.good:
            self.shown.all_written[clean.agency_code, clean.dossier_code] = picking_up._written(raw)
            self.shown.all_read.add((clean.agency_code, clean.dossier_code))
        super()._take_dossiers(judged)

    def _dossiers_of(self, good):
        for raw, clean in good:
            self.shown.all_written.setdefault((clean.agency_code, clean.dossier_code), picking_up._written(raw))
        keys = list({(clean.agency_code, clean.dossier_code) for _, clean in good})
        asked = self.source.dossiers_by_key([self.shown.all_written[key] for key in keys])
        self._take_dossiers(self._judge_dossiers(asked))
        return known_dossiers(self.ledger, keys)


class OnePart(set):
    """A set of dossier ids that is never divided into parts."""

    def parts(self, _):
        return [list(self)]


CODES = ("160915001", " A-1", "A-1 ", "A-1", "Đ-7", "Đ-7", "x" * 41, "", None, "A\x07B", "0905123456", "B\u200b-2")
AGENCIES = (*[NHA_TRANG] * 6, "H32.30", "H32.30 ", TU_PHAP, VAN_PHONG, None, " ")
PHONES = (None, "", "0905123456", "0905.123.457 - 0914000111", "0581234567", "không có", "٠٩٠٥١٢٣٤٥٨", "9" * 300)
WORDS = (
    "Xử lý", "Trả  kết\tquả", " Trả kết quả", "gọi 0905 123 456", "x" * 700, "", "e\u0302\u0301", "\u202eABC", None,
)  # fmt: skip
STATUSES = (*[4] * 5, *[9] * 5, *[5] * 3, 2, 10, 3, 7, 6, None, 0, 77, -3)


class Desk:
    """A source whose desk writes random rows, also broken ones."""

    def __init__(self, seed: int, one_stop) -> None:
        self.dice = random.Random(seed)
        self.one_stop = one_stop
        self.numbers = iter(range(100, 100_000))
        self.used: list[int] = []

    def time(self, now: datetime):
        dice = self.dice
        usual = now - dice.choice([MINUTE, 7 * MINUTE, 26 * MINUTE, 5 * 60 * MINUTE, DAY]) * dice.random()
        midnight = usual.replace(hour=17, minute=0, second=0, microsecond=0) - DAY
        odd = [None, "infinity", "-infinity", "294000-01-01", datetime(1970, 1, 1, tzinfo=UTC), now + DAY, midnight]
        return usual if dice.random() < 0.85 else dice.choice(odd)

    def code(self) -> str | None:
        return f"D-{self.dice.randrange(40)}" if self.dice.random() < 0.85 else self.dice.choice(CODES)

    def dossier(self, now: datetime) -> None:
        pick = self.dice.choice
        code, of = self.code(), pick(AGENCIES)
        row = {
            "applicant_phone": pick(PHONES), "procedure_code": pick(["1.1", "1.2", None, *WORDS]),
            "procedure_name": pick(WORDS), "applicant_name": pick(WORDS), "step_name": pick(WORDS),
            "submitted_via": pick(["direct", "x" * 50, None]), "status_code": pick(STATUSES),
            "at_one_stop_desk": pick([True, False, None]), "updated_at": self.time(now), "returned_at": None,
        }  # fmt: skip
        row |= {name: self.time(now) for name in ("received_at", "due_at", "phone_entered_at", "finished_at")}
        if (code or "")[:2] != "D-" or of != NHA_TRANG:
            # Give each row a time. Of two rows without a time, the two ways of picking up could choose different ones.
            row["updated_at"] = now - MINUTE * self.dice.random()
        # Some software keeps the old row when it writes a new one, so a dossier may have two rows.
        write = self.one_stop.dossier if self.dice.random() < 0.8 else self.beside
        write(code, of, **row)

    def beside(self, code, of, **row) -> None:
        row["updated_at"] = self.dice.random() * MINUTE + NOW - DAY
        execute = self.one_stop.connection.execute
        execute("CREATE TEMP TABLE aside AS TABLE onestop.dossiers")
        self.one_stop.dossier(code, of, **row)
        execute(
            "INSERT INTO onestop.dossiers SELECT * FROM aside"
            " WHERE agency_code IS NOT DISTINCT FROM %s AND dossier_code IS NOT DISTINCT FROM %s",
            (of, code),
        )
        execute("DROP TABLE aside")

    def step(self, now: datetime) -> None:
        pick = self.dice.choice
        number = next(self.numbers)
        if self.used and self.dice.random() < 0.1:
            number = pick([*self.used, -number, None])
        if number is not None:
            self.used.append(number)
        self.one_stop.move(
            pick(STATUSES), self.code(), pick(AGENCIES), desk=pick([True, True, False, None]),
            transition_id=number, occurred_at=self.time(now), recorded_at=self.time(now), from_step=pick(WORDS),
            to_step=pick(WORDS), actor=pick(WORDS), note=pick(WORDS),
        )  # fmt: skip

    def work(self, now: datetime, dossiers: int, steps: int) -> None:
        todo = [self.dossier] * dossiers + [self.step] * steps
        self.dice.shuffle(todo)
        for each in todo:
            each(now)


@pytest.fixture
def two_ledgers(postgres, migrated, ledger, one_stop, monkeypatch) -> Iterator[list]:
    """Give each of two ways of picking up its own ledger: the simple way (``plain``) and the real one (``real``).

    Yield a function that switches to a way, and one that reads everything that a way has written.
    """
    other = f"{psycopg.conninfo.conninfo_to_dict(ledger)['dbname']}_plain"
    postgres.copy_database(migrated, other)
    names = {"plain": other, "real": psycopg.conninfo.conninfo_to_dict(ledger)["dbname"]}
    real = picking_up._PickUp

    def work_in(way):
        monkeypatch.setattr(picking_up, "_PickUp", PlainPickUp if way == "plain" else real)
        for variable, address in ledger_connections(postgres.admin_dsn, names[way]).items():
            monkeypatch.setenv(variable, address)
        work_for(Run("notify_transitions", "this one"))

    def kept(way):
        dsn = with_database(postgres.admin_dsn, names[way])
        with psycopg.connect(dsn, row_factory=dict_row) as connection:
            return {table: Counter(str(row["r"]) for row in connection.execute(query)) for table, query in KEPT.items()}

    for way in names:
        work_in(way)
        in_ledger(save_agencies, [agency(NHA_TRANG, aliases=("H32.30",)), agency(TU_PHAP, accented=True)], "tests")
    yield [work_in, kept]
    work_for(None)
    ask(postgres.admin_dsn, f"DROP DATABASE {other} WITH (FORCE)")


@pytest.mark.guarantee(
    "what-fires", "a long history that is read at once gives the rows and counts of one that is read row by row"
)
@pytest.mark.parametrize(("seed", "batch"), [(0, 7), (1, 20), (2, 2000)])
def test_a_long_past_is_picked_up_as_one_row_after_the_other_would_be(two_ledgers, one_stop, monkeypatch, seed, batch):
    work_in, kept = two_ledgers
    # The query returns rows in any order, so sort them to make both ways comparable.
    curable_rows = picking_up.curable_rows
    monkeypatch.setattr(picking_up, "curable_rows", lambda *g: sorted(curable_rows(*g), key=lambda row: row.row_key))
    desk = Desk(seed, one_stop)
    rounds = [
        (NOW, 40, 90, EVERYTHING),
        (NOW + 4 * MINUTE, 10, 20, EVERYTHING),
        (NOW + 20 * MINUTE, 10, 20, EVERYTHING),
        (NOW + 90 * MINUTE, 0, 10, Window(NOW - 20 * DAY, NOW + 2 * MINUTE)),
        (NOW + 180 * MINUTE, 5, 5, EVERYTHING),
    ]
    for nth, (now, dossiers, steps, window) in enumerate(rounds):
        desk.work(now, dossiers, steps)
        found = {}
        for way in ("plain", "real"):
            work_in(way)
            if nth == 2:
                in_ledger(save_agencies, [agency(VAN_PHONG)], "tests")
                in_ledger(map_status, "khanhhoa", 77, 9, "tests", now)
            counts = pick_up("khanhhoa", window, now=now, portions=Portions(batch, batch))
            plan(window, now=now)
            found[way] = kept(way) | {"counts": Counter(repr(counts).split())}
        for table, rows in found["plain"].items():
            real = found["real"][table]
            assert real == rows, (nth, table, [*(rows - real)][:3], [*(real - rows)][:3])
    assert len(found["plain"]["transitions"]) > 30
    assert len(found["plain"]["quarantine"]) > 20


@pytest.mark.guarantee(
    "once", "a long pick-up that breaks off writes nothing, and the next pick-up reads all of its rows"
)
@pytest.mark.parametrize("stream", ["dossiers_since", "transitions_since"])
def test_long_past_that_breaks_off_leaves_nothing_and_is_read_again(one_stop, rows, monkeypatch, stream):
    for number in range(9):
        one_stop.both(9, f"D-{number}")
    read_all = getattr(ContractSource, stream)

    def broken_off(self, *given, **named):
        for nth, row in enumerate(read_all(self, *given, **named)):
            if nth == 7:
                raise psycopg.OperationalError("gone")
            yield row

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(ContractSource, stream, broken_off)
        with pytest.raises(SourceFailed, match="khanhhoa"):
            pick_up("khanhhoa", now=NOW, portions=BY_TWO)
    assert [each.name for each in threading.enumerate() if each.name == "reading ahead"] == []
    assert rows("SELECT count(*) AS n FROM motcua.dossiers") == [{"n": 0}]
    counts = pick_up("khanhhoa", now=NOW, portions=BY_TWO)
    assert (counts.dossiers, counts.transitions) == (9, 9)


def test_two_rows_of_a_dossier_of_which_one_names_nobody_stop_no_source(one_stop, rows):
    """The ledger refuses a change that empties only a dossier's name.

    Two rows of one dossier must not cause such a change.
    """
    rows_of = {"named": {"applicant_name": "Lê An"}, "nameless": {"applicant_name": None}}
    for code, order in (("D-1", ("named", "nameless")), ("D-2", ("nameless", "named"))):
        for which, of in zip(order, (NHA_TRANG, "H32.30"), strict=True):
            one_stop.dossier(code, of, applicant_phone="0905123456", updated_at=None, **rows_of[which])
    assert pick_up("khanhhoa", now=NOW, portions=Portions(batch=1)).dossiers > 0
    assert [row["applicant_name"] for row in rows("SELECT applicant_name FROM motcua.dossiers")] == ["Lê An"] * 2


@pytest.mark.guarantee(
    "cost", "the pick-up of a long history queries a dossier again only if the source may have a second row of it"
)
def test_row_that_a_long_past_brought_is_not_asked_for_again(one_stop, rows, monkeypatch):
    asked, at_work = [], []
    by_key, run = ContractSource.dossiers_by_key, picking_up._PickUp.run
    monkeypatch.setattr(ContractSource, "dossiers_by_key", lambda self, keys: asked.extend(keys) or by_key(self, keys))
    monkeypatch.setattr(picking_up._PickUp, "run", lambda self, window: at_work.append(self) or run(self, window))
    for number in range(9):
        one_stop.both(9, f"D-{number}", "H32.30", **{"updated_at": None} if number == 4 else {})
    assert pick_up("khanhhoa", now=NOW, portions=BY_TWO).transitions == 9
    assert asked == [("H32.30", "D-4")], (
        "only the dossier without a time may have another row, so only that is asked for again"
    )
    assert [*at_work[0].shown.written_as] == [(NHA_TRANG, "D-4")]


@pytest.mark.guarantee("once", "a transition that a source shows twice counts once, with the values that it had first")
def test_step_that_a_source_shows_twice_counts_once_as_it_was_first(one_stop, rows):
    for code in ("D-1", "D-2"):
        one_stop.dossier(code)
    for code, at in (("nobody's", 3), ("D-1", 2), ("D-2", 1)):
        one_stop.move(9, code, transition_id=7, recorded_at=NOW - at * MINUTE)
    one_stop.move(4, "D-2", transition_id=8, recorded_at=NOW - MINUTE)
    shown = one_stop.connection.execute(
        "SELECT dossier_code FROM onestop.transitions WHERE transition_id = 7"
    ).fetchall()
    assert len(shown) == 3
    counts = pick_up("khanhhoa", now=NOW)
    assert (counts.transitions, counts.quarantined_by_reason) == (2, {"dossier_missing": 1})
    kept = rows(
        "SELECT t.source_transition_id AS number, d.dossier_code AS code"
        " FROM motcua.transitions AS t INNER JOIN motcua.dossiers AS d USING (dossier_id) ORDER BY number"
    )
    assert kept == [{"number": 7, "code": "D-1"}, {"number": 8, "code": "D-2"}]
    assert pick_up("khanhhoa", now=NOW + MINUTE).transitions == 0
    assert rows("SELECT 1 FROM motcua.source_numberings") == []


def test_long_lists_come_to_the_ledger_as_they_are(ledger):
    """A list that is written as one text arrives unchanged, with quotes, backslashes and NULL."""
    words = ["", "a", 'x"y', "c\\d", "{é,}", " ", "NULL", "\\", '"', "'"]
    numbers = [1, None, -(2**62), 0]
    with connect() as connection:
        for given, written, kind in (
            (words, large_array_of_words(words), "text"),
            (words[:1], large_array_of_words(words[:1]), "text"),
            ([], large_array_of_words([]), "text"),
            (numbers, large_array(numbers), "bigint"),
            ([], large_array([]), "bigint"),
        ):
            found = connection.execute(f"SELECT %s::{kind}[] AS them", (written,)).fetchone()
            assert found == {"them": given}
