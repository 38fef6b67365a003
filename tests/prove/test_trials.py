"""Test that mutation proofs try the same faults, one at a time, on every tree of files, and that two trees can be
compared."""

from __future__ import annotations

import json
from pathlib import Path

from tests.prove.rules import dag_mutants, route_mutants, statement_mutants
from tests.prove.trials import Fault, Ran, Tried, _tests_in_order, compare, drawn

CLAIM = """-- messages/claim
SELECT m.message_id, coalesce(m.reason, '') AS reason
FROM motcua.messages AS m
LEFT JOIN motcua.stops AS s ON m.kind = s.kind
WHERE m.state = 'queued' AND (m.due_at <= %(now)s OR s.kind IS NULL) AND m.day BETWEEN 1 AND 2
ORDER BY m.due_at DESC
LIMIT 1
FOR UPDATE SKIP LOCKED"""


def broken(sql: str) -> set[str]:
    found = {(sql[: each.start] + each.becomes + sql[each.end :]) for each in statement_mutants.changes_of(sql)}
    return {" ".join(text.split()) for text in found}


def test_each_column_condition_order_and_lock_of_a_statement_is_broken_alone():
    whole = " ".join(CLAIM.split())
    faults = broken(CLAIM)
    for was, becomes in [
        ("m.message_id, coal", "CASE WHEN FALSE THEN m.message_id END AS message_id, coal"),
        ("coalesce(m.reason, '')", "coalesce(m.reason)"),
        ("LEFT JOIN", "INNER JOIN"),
        ("ON m.kind = s.kind", "ON TRUE"),
        ("m.state = 'queued'", "TRUE"),
        ("m.state = ", "m.state <> "),
        ("m.due_at <= %(now)s OR", "FALSE OR"),
        ("<=", "<"),
        ("OR s.kind", "AND s.kind"),
        ("IS NULL", "IS NOT NULL"),
        ("m.day BETWEEN 1 AND 2", "TRUE"),
        ("ORDER BY m.due_at DESC ", ""),
        ("m.due_at DESC", "m.due_at"),
        ("LIMIT 1 ", ""),
        (" FOR UPDATE SKIP LOCKED", ""),
        (" SKIP LOCKED", ""),
    ]:
        assert whole.count(was) == 1, was
        assert whole.replace(was, becomes).rstrip() in {each.rstrip() for each in faults}, (was, becomes)
    assert whole not in faults
    assert not any("BETWEEN 1 OR" in each for each in faults)


def test_faults_of_an_insert_write_null_leave_out_an_assignment_or_do_nothing_on_conflict():
    save = "INSERT INTO t (a, b) VALUES (%(a)s, 1) ON CONFLICT (a) DO UPDATE SET b = excluded.b, c = 2 RETURNING a"
    start = "INSERT INTO t (a, b) VALUES (%(a)s, 1) ON CONFLICT (a)"
    assert {
        "INSERT INTO t (a, b) VALUES (NULL, 1) ON CONFLICT (a) DO UPDATE SET b = excluded.b, c = 2 RETURNING a",
        f"{start} DO NOTHING RETURNING a",
        f"{start} DO UPDATE SET c = 2 RETURNING a",
        f"{start} DO UPDATE SET b = excluded.b RETURNING a",
    } <= broken(save)


def test_a_fault_is_drawn_or_not_whatever_other_faults_there_are():
    def fault(name: str) -> Fault:
        return Fault(name, "kind", "was", "became", 1, lambda: None)

    more = [fault(str(number)) for number in range(60)]
    few = more[:50]
    assert drawn(few, 1, 50) == [each for each in drawn(more, 1, 60) if each in few]
    assert drawn(few, 1, 10) == drawn(list(reversed(few)), 1, 10) != drawn(few, 2, 10)
    read = [
        *dag_mutants.of_file("dags/settle_messages.py"),
        *route_mutants.of_functions("plugins/motcua/web/visitors.py"),
    ]
    names = {each.name for each in read}
    assert len(names) == len(read) > 40
    assert {
        "dags/settle_messages.py | dependency left out 1 | settle_messages: settle() >> gate() → (settle(), gate())[1]",
        "dags/settle_messages.py | call left out 1 | gate: job(run_window(context), failed_tasks(context)) → ...",
        "plugins/motcua/web/visitors.py:must_see_source | check left out 1 | visits.must_see_all() → ...",
        "plugins/motcua/web/visitors.py:may_see_source | narrowing 1 | visits.agencies → None",
    } <= names


def test_narrow_and_quick_tests_are_tried_first_and_tests_that_fail_without_a_fault_never():
    tests = {
        "a.py::1": Ran(0.1, frozenset("xyzv"), True),
        "b.py::1": Ran(0.3, frozenset({"x"}), True),
        "b.py::2": Ran(0.2, frozenset({"x"}), True),
        "b.py::3": Ran(0.1, frozenset({"x"}), False),
        "c.py::1": Ran(0.1, frozenset({"y"}), True),
    }
    assert _tests_in_order("x", tests) == ["b.py::2", "b.py::1", "a.py::1"]


def test_a_fault_that_one_tree_alone_notices_is_named_with_who_noticed(tmp_path: Path, capsys):
    for tree, became in (("one", "noticed"), ("other", "unnoticed")):
        found = [Tried("kept", "kind", "noticed", by="t"), Tried("lost", "kind", became, by="test_that_went")]
        (tmp_path / tree).write_text(json.dumps({"tree": tree, "found": [vars(each) for each in found]}))
    assert compare(tmp_path / "one", tmp_path / "other") == 1
    said = capsys.readouterr().out
    assert "lost\n    by test_that_went" in said
    assert "  kept" not in said
