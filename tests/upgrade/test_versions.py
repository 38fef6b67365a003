"""The program has one version number, and earlier versions can be taken out of the repository's history.

The number is that of the newest released section of CHANGELOG.md.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from motcua.store.ledger.migrations import BEGINNING
from motcua.version import software, version
from tests.ground import type_command
from tests.upgrade.versions import EARLIEST, NoHistory, earlier_commits, take_out


def git(repository: Path, *words: str) -> str:
    given = ["-c", "user.name=lan", "-c", "user.email=lan@x.vn", "-c", "commit.gpgsign=false"]
    command = ["git", "-C", str(repository), *given, *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def release(repository: Path, version: str, *migrations: str) -> str:
    """Make a commit of a version with additional migrations, and return the commit's hash."""
    for folder in ("plugins/motcua", "dags", "include/sql/migrations", "tests"):
        (repository / folder).mkdir(parents=True, exist_ok=True)
        (repository / folder / "note.txt").write_text(version)
    for name in migrations:
        (repository / "include/sql/migrations" / f"{name}.sql").write_text("SELECT 1;\n")
    (repository / "pyproject.toml").write_text(f'[project]\nname = "motcua"\nversion = "{version}"\n')
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", version)
    return git(repository, "rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    return folder


def test_the_version_before_the_newest_migration_and_the_earliest_usable_one_are_found(repository: Path) -> None:
    release(repository, "0.1", "0050_form")
    earliest = release(repository, "0.2", BEGINNING)
    release(repository, "0.3", "0071_unserved")
    before = release(repository, "0.4", "0073_sleeps")
    release(repository, "0.5", "0075_requests")
    release(repository, "0.6")
    assert earlier_commits(repository, earliest) == [before, earliest]
    assert earlier_commits(repository, before) == [before], "a commit that is both is returned once"


def test_migrations_that_the_schema_took_in_are_not_missed(repository: Path) -> None:
    earliest = release(repository, "0.2", "0050_form", BEGINNING)
    before = release(repository, "0.3", "0071_unserved")
    git(repository, "rm", "-q", f"include/sql/migrations/{BEGINNING}.sql", "include/sql/migrations/0050_form.sql")
    release(repository, "0.4", "0073_sleeps")
    assert earlier_commits(repository, earliest) == [before, earliest]


def test_a_commit_of_a_side_branch_is_no_version(repository: Path) -> None:
    before = release(repository, "0.2", BEGINNING)
    git(repository, "checkout", "-qb", "side")
    release(repository, "0.2.side", "0071_unserved")
    release(repository, "0.3.side", "0073_sleeps")
    git(repository, "checkout", "-q", "main")
    git(repository, "merge", "-q", "--no-ff", "-m", "merged", "side")
    assert earlier_commits(repository, before) == [before]


def test_an_earlier_version_is_taken_out_as_it_was_and_states_its_number(repository: Path, tmp_path: Path) -> None:
    earlier = release(repository, "0.2", BEGINNING)
    release(repository, "0.3", "0071_unserved")
    version = take_out(earlier, tmp_path / "before", repository)
    assert version.migrations == [BEGINNING]
    assert version.name == f"0.2 ({earlier[: len(version.name) - len('0.2 ()')]})"
    assert (version.root / "plugins" / "motcua" / "note.txt").read_text() == "0.2"
    asked = "from importlib.metadata import version; print(version('motcua'))"
    said = subprocess.run([sys.executable, "-c", asked], env=version.environment(), check=True, capture_output=True)
    assert said.stdout.decode().strip() == "0.2"


def test_a_shallow_clone_says_how_to_get_the_rest(repository: Path, tmp_path: Path) -> None:
    earlier = release(repository, "0.2", BEGINNING)
    release(repository, "0.3", "0071_unserved")
    shallow = tmp_path / "shallow"
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{repository}", str(shallow))
    with pytest.raises(NoHistory, match="git fetch --unshallow"):
        earlier_commits(shallow, earlier)
    with pytest.raises(NoHistory, match="git fetch --unshallow"):
        take_out(earlier, tmp_path / "before", shallow)


def test_a_folder_that_is_no_clone_says_so_and_a_whole_history_is_not_called_shallow(
    repository: Path, tmp_path: Path
) -> None:
    (tmp_path / "include/sql/migrations").mkdir(parents=True)
    (tmp_path / "include/sql/migrations/0080_new.sql").touch()
    with pytest.raises(NoHistory, match="is no clone"):
        earlier_commits(tmp_path)
    release(repository, "0.3", "0071_unserved", "0073_sleeps")
    with pytest.raises(NoHistory, match="holds no such version"):
        earlier_commits(repository)


def test_the_earliest_version_has_what_the_proof_runs_of_it(tmp_path: Path) -> None:
    try:
        earliest = take_out(EARLIEST, tmp_path / "before")
    except NoHistory as why:
        pytest.skip(str(why))
    asked = "import tests.soak.worker; from tests.upgrade.pages import VISITING; VISITING.mount()"
    done = subprocess.run(
        [sys.executable, "-c", asked],
        env=earliest.environment(), cwd=earliest.root, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


ROOT = Path(__file__).parents[2]
_SECTION = re.compile(r"^## (.+)$", re.M)
_RELEASED = re.compile(r"(\d+\.\d+\.\d+) - (\d{4}-\d{2}-\d{2})")


def test_the_newest_released_section_of_the_changelog_is_this_version() -> None:
    sections = _SECTION.findall((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    released = [_RELEASED.fullmatch(each) for each in sections[sections[0] == "Unreleased" :]]
    assert all(released), "each section is named after a number and a day"
    numbers = [tuple(map(int, each[1].split("."))) for each in released if each]
    assert ".".join(map(str, numbers[0])) == version()
    assert numbers == sorted(set(numbers), reverse=True)
    days = [each[2] for each in released if each]
    assert days == sorted(days, reverse=True)


def test_the_version_number_is_that_of_the_code_that_runs_whatever_was_installed(tmp_path: Path) -> None:
    """An editable installation keeps the metadata of the day on which it was installed."""
    stale = tmp_path / "motcua-99.0.dist-info"
    stale.mkdir()
    (stale / "METADATA").write_text("Metadata-Version: 2.1\nName: motcua\nVersion: 99.0\n")
    said = subprocess.run(
        [sys.executable, "-c", "from motcua.version import version; print(version())"],
        env={"PYTHONPATH": f"{tmp_path}:{ROOT / 'plugins'}"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    assert said == tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]


def test_the_command_prints_the_version_number_without_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_MOTCUA_DB", raising=False)
    said = type_command("--version", exits=None)
    assert (said.exit_code, said.stdout) == (0, f"{software()}\n")
    assert software() == f"MotcuaSMS {version()}"
