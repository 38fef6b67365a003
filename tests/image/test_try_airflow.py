"""The script that tries another version of Airflow changes only that version in the requirements of the lock file."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def trying() -> ModuleType:
    """Import the module scripts/try_airflow.py, which is not part of a package."""
    specification = importlib.util.spec_from_file_location("try_airflow", ROOT / "scripts" / "try_airflow.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def pyproject(folder: Path, *dependencies: str) -> Path:
    path = folder / "pyproject.toml"
    lines = "".join(f'    "{each}",\n' for each in dependencies)
    path.write_text(f'[project]\ndependencies = [\n{lines}]\n[project.optional-dependencies]\ndev = ["pytest"]\n')
    return path


def test_the_tried_version_replaces_the_pinned_one_and_all_else_stays(trying: ModuleType, tmp_path: Path) -> None:
    given = pyproject(tmp_path, "apache-airflow==3.3.2", "apache-airflow-providers-postgres==7.1.1", "celery>=5.6,<5.7")
    assert trying.inputs(given, "3.3.3") == [
        "apache-airflow==3.3.3",
        "apache-airflow-providers-postgres==7.1.1",
        "celery>=5.6,<5.7",
        "pytest",
    ]
    assert trying.inputs(ROOT / "pyproject.toml", "9.9.9")[0] == "apache-airflow==9.9.9", (
        "pyproject.toml pins one version of Airflow to replace"
    )
    with pytest.raises(trying.CannotTry, match="does not pin"):
        trying.inputs(pyproject(tmp_path, "apache-airflow>=3"), "9.9.9")


def test_with_a_prerelease_of_airflow_its_parts_may_be_prereleases_too(trying: ModuleType, tmp_path: Path) -> None:
    for version in ("3.4.0b2", "3.4.0rc1", "3.4.0.dev1"):
        assert trying.inputs(pyproject(tmp_path, "apache-airflow==3.3.2"), version)[:3] == [
            f"apache-airflow=={version}",
            f"apache-airflow-core=={version}",
            "apache-airflow-task-sdk>=1.0.0.dev0",
        ]


def test_what_differs_between_two_locks_is_told_by_name(trying: ModuleType) -> None:
    before = (
        "one==1.0 \\\n    --hash=sha256:aa\ntwo[extra]==2.0 ; python_version < '3.13' \\\n    # via one\nthree==3.0\n"
    )
    after = "one==1.0 \\\n    --hash=sha256:bb\ntwo[extra]==2.1 ; python_version < '3.13' \\\nfour==4.0\n"
    assert trying.changes(before, after) == ["four new → 4.0", "three 3.0 → gone", "two 2.0 → 2.1"]


@pytest.mark.parametrize("words", [[], [""], ["newest"], ["3.3.3", "out", "more"], ["3.3.3; rm"]])
def test_a_missing_or_invalid_version_is_refused(
    trying: ModuleType, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert trying.main(words) == 2
    assert "VERSION=" in capsys.readouterr().out
