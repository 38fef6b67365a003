"""Test docs/proofs.md: only tests, proofs and benches write this page, and each writes its own section."""

from __future__ import annotations

import platform
import subprocess
import sys
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from tests.bench import Line, __main__
from tests.bench.notices import peers, real_gateway
from tests.prove import __main__ as proving
from tests.prove.machines import wrappers
from tests.prove.page import PAGE, ROOT, Machine, is_of, section, sections_of, with_sections, write_page
from tests.prove.page import tree as tree_of

MACHINE = Machine(
    cores=4,
    memory=16.6,
    python="3.11.7",
    postgresql="18.0",
    kernel="Linux 6.1.2",
    load=0.25,
    is_favoured=False,
    commit="0123456789",
    tree="aaaaaaaaaa",
    at=datetime(2026, 11, 28, 17, 30, tzinfo=UTC),
)
FAST: Line = ("send | all", "900/s", "≥ 800/s", True)
SLOW: Line = ("plan", "30 s", "≤ 20 s", False)


def test_section_tells_lines_and_the_machine_that_they_were_measured_on() -> None:
    assert section("send", MACHINE, [FAST, SLOW]) == (
        "## send\n\n"
        "29 November 2026, 00:30 in Vietnam, commit 0123456789, tree aaaaaaaaaa: 4 cores, 17 GB, Python 3.11.7,"
        " PostgreSQL 18.0, Linux 6.1.2; load at the start 0.2.\n\n"
        "what | found | reach\n--- | --- | ---\n"
        "send \\| all | 900/s | ≥ 800/s\n"
        "plan | 30 s | ≤ 20 s: FALLS SHORT\n"
    )


def test_lines_that_found_just_what_they_must_are_only_counted_unless_they_fall_short() -> None:
    exact: Line = ("lost", "0", "0", True)
    assert section("crash", MACHINE, [exact, exact]).endswith("0.2. Checks that found exactly what they must: 2.\n")
    mixed = section("crash", MACHINE, [exact, FAST, ("the end", "0", "0", False)])
    assert "0.2. Checks that found exactly what they must: 1.\n" in mixed
    assert mixed.endswith("send \\| all | 900/s | ≥ 800/s\nthe end | 0 | 0: FALLS SHORT\n")


def test_a_bench_replaces_its_own_lines_and_keeps_those_of_others_as_they_were_measured() -> None:
    before = with_sections("", {name: section(name, MACHINE, [FAST]) for name in ("send", "plan")})
    later = replace(MACHINE, commit="fedcba9876", load=8.0, is_favoured=True)
    after = with_sections(before, {"send": section("send", later, [SLOW])})
    assert section("plan", MACHINE, [FAST]) in after
    assert section("send", later, [SLOW]) in after
    assert "load at the start 8.0, the part preferred to other work.\n" in after
    assert section("send", MACHINE, [FAST]) not in after
    assert after.index("## plan") < after.index("## send")
    assert with_sections(after, {}) == after


def test_a_bench_that_is_no_more_is_gone_from_the_page(tmp_path: Path) -> None:
    file = tmp_path / "page.md"
    write_page({"older": section("older", MACHINE, [FAST])}, path=file)
    assert file.read_text(encoding="utf-8").endswith("send \\| all | 900/s | ≥ 800/s\n")
    write_page({}, ("send",), file)
    assert "## older" not in file.read_text(encoding="utf-8")


def test_overview_tells_for_each_tree_how_old_its_parts_are_and_which_fall_short() -> None:
    later = replace(MACHINE, tree="bbbbbbbbbb", commit="fedcba9876", at=datetime(2026, 12, 3, 1, 5, tzinfo=UTC))
    sections = {
        "bench send": section("bench send", MACHINE, [SLOW]),
        "plans": section("plans", MACHINE, [FAST]),
        "crash": section("crash", MACHINE, [FAST]),
        "orders": section("orders", later, [FAST]),
        "test-all": "## test-all\n",
    }
    written = with_sections("", sections)
    assert [line for line in written.splitlines() if line.startswith("| ")][2:] == [
        "| bbbbbbbbbb | fedcba9876 | 3 December 2026, 08:05 | [orders](#orders) |  |",
        "| aaaaaaaaaa | 0123456789 | 29 November 2026, 00:30 | [crash](#crash), [plans](#plans)"
        " | [bench send](#bench-send) |",
        "| unknown | unknown | 1 January 1970, 00:00 | [test-all](#test-all) |  |",
    ]
    assert written.index("## test-all") < written.index("## bench send")
    assert list(sections_of(written)) == ["test-all", "crash", "orders", "plans", "bench send"]


def test_tree_is_that_of_all_files_but_the_page(tmp_path: Path) -> None:
    tree = partial(tree_of, tmp_path, tmp_path / "proofs.md")
    assert tree() == "unknown"
    me = ("-c", "user.name=x", "-c", "user.email=x@example.vn")
    (tmp_path / "proofs.md").write_text("one", encoding="utf-8")
    for command in (["init", "-q"], ["add", "."], [*me, "commit", "-qm", "one"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    first = tree()
    (tmp_path / "proofs.md").write_text("two", encoding="utf-8")
    assert tree() == first
    (tmp_path / "code.py").write_text("x", encoding="utf-8")
    assert tree() not in (first, "unknown")
    (tmp_path / "code.py").unlink()
    assert tree() == first


def test_parts_of_the_present_tree_are_passed_over_and_each_is_written_when_it_ends(tmp_path: Path) -> None:
    written = tmp_path / "proofs.md"
    prove_all = partial(proving.prove_all, page=written, now=lambda: MACHINE)
    said = tmp_path / "said"
    runs = [sys.executable, "-c", f"open({str(said)!r}, 'a').write('x'); print('== 3 passed, 1 skipped in 2.00s ==')"]
    breaks = [sys.executable, "-c", "print('it begins'); print('no room is left\\n'); raise SystemExit(3)"]
    assert prove_all({"test-all": runs}) == 0
    assert "tests of one group | 3 passed, 1 skipped in 2.00s | none fails\n" in written.read_text("utf-8")
    assert prove_all({"test-all": runs, "crash": breaks}) == 1
    assert said.read_text("utf-8") == "x", "the part ran again for the same tree"
    assert "exit code | 3 | 0: FALLS SHORT\n" in written.read_text("utf-8")
    assert "the whole part | broke off: no room is left | an end: FALLS SHORT\n" in written.read_text("utf-8")
    assert prove_all({"test-all": runs}, now=lambda: replace(MACHINE, tree="bbbbbbbbbb")) == 0
    assert said.read_text("utf-8") == "xx"
    assert is_of(sections_of(written.read_text("utf-8"))["test-all"], "bbbbbbbbbb")
    assert "crash" not in written.read_text("utf-8").partition("| tree |")[2], "a part that is gone stays"


def test_machine_is_told_without_a_name_or_a_path() -> None:
    words = Machine.now().words()
    assert "/" not in words
    assert platform.node() not in words


def test_what_broke_off_stands_on_one_line_and_names_no_folder_of_the_machine() -> None:
    said = (
        f"TimeoutError in {ROOT}/dags/x.py, {tempfile.gettempdir()}/motcua-1/log\nand all that was logged | at {ROOT}"
    )
    written = section("contract", MACHINE, [("by hand", said, "an end", False)])
    assert "by hand | TimeoutError in dags/x.py, motcua-1/log | an end: FALLS SHORT\n" in written


def test_the_page_in_docs_has_the_form_that_benches_write() -> None:
    written = PAGE.read_text(encoding="utf-8")
    assert with_sections(written, {}, proving.all_parts()) == written


def test_a_peer_or_a_kannel_that_is_not_installed_is_told_and_fails() -> None:
    for missing in ("procrastinate", "pgqueuer", "asyncpg"):
        (line,) = peers.bench("", lambda name, missing=missing: None if name == missing else name)
        assert (line[1], line[3]) == (f"not installed: {missing}", False)
    (line,) = real_gateway.bench("", is_installed=False)
    assert (line[1], line[3]) == ("not installed: kannel (bearerbox, smsbox)", False)


def _broken() -> list[Line]:
    raise LookupError


def test_the_proof_of_wrappers_names_the_packages_that_are_not_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wrappers, "_SYSTEM_PATH", str(tmp_path))
    (line,) = wrappers.figures()
    assert line.value.startswith("mariadbd, mariadb-install-db, mariadb")
    assert line.value.endswith("not found; install Debian's packages mariadb-server and postgresql-17-mysql-fdw")
    assert not line.ok


@pytest.mark.parametrize(("found", "code"), [([FAST], 0), ([FAST, SLOW], 1), (None, 1)])
def test_make_bench_fails_where_a_figure_falls_short_and_writes_it(found: list[Line] | None, code: int) -> None:
    pages: list[str] = []
    benches = {"send": _broken if found is None else lambda: found}
    assert __main__.main(["send"], benches, lambda sections: pages.extend(sections.values())) == code
    (page,) = pages
    assert ("FALLS SHORT" in page) is (code == 1)
    assert ("broke off: LookupError" in page) is (found is None)
