"""Test which rows of a push are new, against a ledger in memory.

Rows that are sent again must change nothing. Rows that are sent together must have the same effect as rows that are
sent one by one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from motcua.domain.intake.merging import Decided, Dossier, Key, Known, Step, merge_dossiers, merge_steps
from motcua.domain.intake.records import PushedDossier, PushedStep, dossier_that_says
from motcua.domain.words import words_of

BEGAN = datetime(2026, 11, 25, 1, tzinfo=UTC)
AGENCY = "000.00.04.H32"
STATUSES = st.sampled_from([None, 1, 2, 3, 4, 5, 9, 10])
CODES = st.sampled_from(["H-1", "H-2", "H-3"])


@dataclass
class Ledger:
    """A ledger in memory with the dossiers and steps of one client and one agency.

    It does in memory what two SQL functions do: ``intake.begin_taking`` reads what the ledger knows, and
    ``intake.write_taken`` writes the new rows.
    """

    now: datetime = BEGAN
    dossiers: dict[Key, Dossier] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    states: set[tuple[str, str, str]] = field(default_factory=set)

    def known(self, came: Sequence[PushedDossier] = ()) -> Known:
        self.now += timedelta(seconds=20)
        rows = {key: replace(row, recent=[state[2] for state in self.states if state[:2] == key])
                for key, row in self.dossiers.items()}  # fmt: skip
        for each in came:
            if row := rows.get((AGENCY, each.dossier_code)):
                row.has_other_fields = {**row.fields, **each.fields} != row.fields
        steps = [replace(step) for step in self.steps]
        return Known(1, [AGENCY], self.now, rows.values(), steps, words_of([(AGENCY, AGENCY)]))

    def write(self, decided: Decided) -> None:
        for key, row in decided.dossiers.items():
            old = self.dossiers.get(key)
            fields = {**(old.fields if old else {}), **row.fields}
            self.dossiers[key] = replace(
                row, fields=fields, dossier_no=1, is_told=False, says=False, is_moved=False, is_later=False
            )
        for number, step in enumerate(decided.steps, len(self.steps)):
            self.steps.append(replace(step, step_no=number))
        self.states |= decided.states

    def push(self, *came: PushedDossier | PushedStep) -> dict[int, str]:
        """Push these dossiers, or these steps, in one call and return the outcome of each by its place in the call."""
        dossiers = {at: each for at, each in enumerate(came) if isinstance(each, PushedDossier)}
        steps = {at: each for at, each in enumerate(came) if isinstance(each, PushedStep)}
        known = self.known(list(dossiers.values()))
        decided = merge_dossiers(known, dossiers) if dossiers else merge_steps(known, steps)
        self.write(decided)
        return decided.outcomes

    def stands(self, codes: Sequence[str] = ("H-1", "H-2", "H-3")) -> Any:
        rows = {
            key[1]: (row.status_code, row.supplement_at_desk, row.due_at, dict(row.fields))
            for key, row in self.dossiers.items()
            if key[1] in codes
        }
        return rows, sorted((s.dossier_code, s.digest) for s in self.steps if s.dossier_code in codes)


@st.composite
def dossiers(draw: st.DrawFn) -> PushedDossier:
    said: Mapping[str, Any] = draw(st.fixed_dictionaries({}, optional={"status_code": STATUSES, "due_at": st.none()}))
    return dossier_that_says(draw(CODES), {"SoDienThoai": draw(st.sampled_from("abc"))}, said, unit=AGENCY)


@st.composite
def steps(draw: st.DrawFn) -> PushedStep:
    status = draw(STATUSES)
    at = draw(st.none() | st.integers(-90, 30).map(lambda minutes: BEGAN + timedelta(minutes=minutes)))
    return PushedStep(
        dossier_code=draw(CODES), unit=AGENCY, fields={}, status_code=status, supplement_at_desk=False, occurred_at=at,
        digest=f"{status} {at}",
    )  # fmt: skip


@given(st.lists(dossiers() | steps(), max_size=14), st.randoms())
def test_rows_sent_again_in_any_order_change_no_dossier_that_has_steps(came, random):
    """A client that pushes all its rows again, in any order, must not change a dossier that has steps."""
    ledger = Ledger()
    for each in came:
        ledger.push(each)
    told = sorted({each.dossier_code for each in came if isinstance(each, PushedStep)})
    before = ledger.stands(told)
    random.shuffle(came)
    for each in came:
        ledger.push(each)
    assert ledger.stands(told) == before


@given(st.lists(st.lists(dossiers(), min_size=1, max_size=3) | st.lists(steps(), min_size=1, max_size=3), max_size=6))
def test_dossiers_of_one_call_are_judged_as_if_each_had_come_in_a_call_of_its_own(calls):
    """Each dossier of a push must get the outcome that it would get in a push without the other dossiers."""
    together, alone = Ledger(), {code: Ledger() for code in ("H-1", "H-2", "H-3")}
    for call in calls:
        last = {each.dossier_code: each for each in call}
        came = list(last.values()) if isinstance(call[0], PushedDossier) else call
        outcomes = together.push(*came)
        for code, ledger in alone.items():
            own = [at for at, each in enumerate(came) if each.dossier_code == code]
            said = ledger.push(*(came[at] for at in own)) if own else {}
            ledger.now = together.now
            assert list(said.values()) == [outcomes[at] for at in own]
    for code, ledger in alone.items():
        assert ledger.stands([code]) == together.stands([code])


def test_unit_is_read_by_every_name_of_an_agency_and_one_that_two_have_is_nobodys():
    """A push may name an agency by any of its names. A name that belongs to two agencies stands for neither of them."""
    words = words_of(
        [("A", "A"), ("B", "B")], [("Sở Tư pháp", "A"), ("Tư pháp", "A"), ("Phòng Một", "A"), ("Phòng Một", "B")]
    )
    known = Known(1, ["A", "B"], BEGAN, (), (), words)
    came = {at: dossier_that_says("H-1", {}, {}, of_name=name) for at, name in enumerate(("tư pháp", "Phòng Một"))}
    assert merge_dossiers(known, came).outcomes == {0: "taken", 1: "agency_missing"}
