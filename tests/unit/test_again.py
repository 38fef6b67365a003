"""What CI tries a second time, and what it never does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.again import MOST, failed, try_again


def group(cache: Path, ended: str | None, names: list[str]) -> Path:
    (cache / "v" / "cache").mkdir(parents=True)
    (cache / "v" / "cache" / "lastfailed").write_text(json.dumps(dict.fromkeys(names, True)), encoding="utf-8")
    if ended is not None:
        (cache / "ended").write_text(f"{ended}\n", encoding="utf-8")
    return cache


def test_failures_of_all_groups_are_tried_again(tmp_path: Path) -> None:
    caches = [group(tmp_path / "a", "1", ["t.py::b"]), group(tmp_path / "b", "1", ["t.py::a"])]
    assert failed(caches) == ["t.py::a", "t.py::b"]


def test_what_failed_before_a_run_that_passed_is_not_tried(tmp_path: Path) -> None:
    assert failed([group(tmp_path / "a", "0", ["t.py::old"])]) == []


@pytest.mark.parametrize("ended", [None, "", "2", "3", "137"])
def test_group_that_was_broken_off_is_never_healed_by_the_failures_of_another(
    tmp_path: Path, ended: str | None
) -> None:
    caches = [group(tmp_path / "a", "1", ["t.py::b"]), group(tmp_path / "b", ended, [])]
    assert failed(caches) is None
    assert try_again(failed(caches)) == 1


def test_without_a_failed_test_there_is_nothing_to_try_and_the_failure_stays() -> None:
    assert try_again([]) == 1


def test_failures_in_many_files_are_not_tried_again() -> None:
    assert try_again([f"t{number}.py::a" for number in range(MOST + 1)]) == 1


def test_all_that_failed_in_one_file_is_tried_however_many_it_are(tmp_path: Path) -> None:
    file = tmp_path / "test_many.py"
    names = [f"test_{number}" for number in range(MOST + 1)]
    file.write_text("".join(f"def {name}():\n    pass\n\n\n" for name in names), encoding="utf-8")
    assert try_again([f"{file}::{name}" for name in names]) == 0


def test_what_fails_again_has_failed_and_what_passes_has_passed(tmp_path: Path) -> None:
    file = tmp_path / "test_two.py"
    file.write_text("def test_right():\n    pass\n\n\ndef test_wrong():\n    raise AssertionError\n", encoding="utf-8")
    assert try_again([f"{file}::test_right"]) == 0
    assert try_again([f"{file}::test_right", f"{file}::test_wrong"]) == 1
