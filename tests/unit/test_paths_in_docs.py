"""Test that the files, folders and names that the docs mention exist in the project."""

from __future__ import annotations

import ast
import fnmatch
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path, PurePath

ROOT = Path(__file__).parents[2]
TOP = ("dags", "docs", "include", "plugins", "scripts", "tests")
DOCS = sorted([*(ROOT / "docs").rglob("*.md"), ROOT / "README.md"])
EXTENSIONS = (".py", ".sql", ".md", ".yaml", ".toml", ".lock", ".typ", ".sh")
HANDED_IN_OR_PUBLISHED = (".xlsx", ".csv")
WRITTEN_BY_WHO_DEPLOYS = {"docker-compose.override.yaml"}


def wrong_in_pages(look: Callable[[Path, str], list[str]]) -> dict[str, list[str]]:
    """Return what ``look`` finds wrong in the docs, by page."""
    assert DOCS
    found = {str(page.relative_to(ROOT)): look(page, page.read_text(encoding="utf-8")) for page in DOCS}
    return {page: wrong for page, wrong in found.items() if wrong}


@cache
def project_paths() -> tuple[PurePath, ...]:
    """Return all files and folders of the project."""
    found = [path for name in TOP for path in (ROOT / name).rglob("*") if "__pycache__" not in path.parts]
    return tuple(path.relative_to(ROOT) for path in (*ROOT.glob("*.*"), *map(ROOT.joinpath, TOP), *found))


@cache
def first_parts() -> frozenset[str]:
    """Return the names that a path may begin with if it is relative to the package or to ``include/sql``."""
    folders = [path for path in (ROOT / "plugins" / "motcua").iterdir() if path.is_dir()]
    return frozenset(path.stem for path in (*folders, *(ROOT / "include" / "sql").iterdir()))


def is_path(word: str) -> bool:
    """Return whether a quoted word of the docs is meant as a path of the project."""
    if not re.fullmatch(r"[\w.<>*-]+(/[\w.<>*-]+)*/?", word) or word in WRITTEN_BY_WHO_DEPLOYS:
        return False
    first, slash, _ = word.partition("/")
    if word.endswith(HANDED_IN_OR_PUBLISHED):
        return False
    return word.endswith(EXTENSIONS) or bool(slash and (first in TOP or first in first_parts()))


@cache
def finds(path: str) -> list[PurePath]:
    """Return the files and folders whose path ends with this path; ``<x>`` and ``*`` match any one part."""
    pattern = re.sub(r"<\w+>", "*", path.rstrip("/"))
    name = re.compile(fnmatch.translate(PurePath(pattern).name))
    return [each for each in project_paths() if name.match(each.name) and each.match(pattern)]


@cache
def defined_in(module: PurePath) -> frozenset[str]:
    body = ast.parse((ROOT / module).read_text(encoding="utf-8")).body
    return frozenset(node.name for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef))


@cache
def is_there(path: str) -> bool:
    """Return whether a path names a file, a folder, a module, a name defined in a module, or an SQL statement."""
    if finds(path) or finds(f"{path}.py") or finds(f"{path}.sql"):
        return True
    file, _, own = path.rpartition("/")
    if any(f"\n-- name: {own}\n" in (ROOT / each).read_text(encoding="utf-8") for each in finds(f"{file}.sql")):
        return True
    module, _, name = path.rpartition(".")
    return bool(module) and any(name in defined_in(each) for each in finds(f"{module}.py"))


def words_of(text: str) -> Iterator[str]:
    """Yield the words of all quoted code in a text."""
    for quoted in re.findall(r"`([^`\n]+)`", text):
        yield from (word.strip("().,;:") for word in quoted.split())


def paths_that_are_gone(text: str) -> list[str]:
    return [word for word in words_of(text) if is_path(word) and not is_there(word)]


@cache
def schema() -> frozenset[str]:
    """Return all tables, views, functions and settings of the ledger, with their schema."""
    return frozenset(
        name
        for folder in ("schema", "definitions")
        for path in (ROOT / "include" / "sql" / folder).glob("*.sql")
        for name in re.findall(r"\b(?:motcua|audit|quality)\.\w+", path.read_text(encoding="utf-8"))
    )


def is_module_or_in_one(name: str) -> bool:
    path = name.replace(".", "/")
    return is_there(path) or is_there(".".join(path.rsplit("/", 1)))


def names_that_are_gone(text: str) -> list[str]:
    """Return the dotted names in a text that are no module, no name in a module and nothing of the ledger's schema."""
    return [
        name
        for name in re.findall(r"\b(?:motcua|audit|quality|tests)\.[\w.]*\w\*?", " ".join(words_of(text)))
        if not (is_module_or_in_one(name) or fnmatch.filter(schema(), name))
    ]


def links_to_nothing(page: Path, text: str) -> list[str]:
    links = re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", text)
    return [link for link in links if not (page.parent / link).exists()]


def anchors(text: str) -> set[str]:
    """Return the anchors of a page's headings: the words of a heading in lower case, joined by hyphens."""
    headings = re.findall(r"^#+ (.*)$", text, re.M)
    return {re.sub(r"[^\w\s-]", "", each.strip().lower()).replace(" ", "-") for each in headings}


def links_to_no_heading(page: Path, text: str) -> list[str]:
    links = re.findall(r"\]\((?!https?:)([^)#\s]*)#([^)\s]+)\)", text)
    pages = [((page.parent / name).read_text(encoding="utf-8") if name else text, anchor) for name, anchor in links]
    return [anchor for target, anchor in pages if anchor not in anchors(target)]


def test_paths_names_and_links_of_a_page_lead_to_what_is_there():
    looks = (links_to_nothing, links_to_no_heading)
    assert wrong_in_pages(lambda _, text: paths_that_are_gone(text) + names_that_are_gone(text)) == {}
    assert wrong_in_pages(lambda page, text: [link for look in looks for link in look(page, text)]) == {}


def test_what_is_gone_is_told_from_what_is_there():
    there = "`jobs/notices/planning.plan`, `messages/claiming/claim_due`, `motcua.closing_*`, `motcua.code_key(code)`"
    assert paths_that_are_gone(there) == names_that_are_gone(there) == []
    paths = ["messages/claiming/claim_tomorrow", "jobs/sending.py", "jobs/notices/planning.plans", "jobs/pick_*"]
    names = ["motcua.jobs.sending", "motcua.letters", "motcua.letter_*"]
    gone = " ".join(f"`{each}`" for each in paths + names)
    assert (paths_that_are_gone(gone), names_that_are_gone(gone)) == (paths, names)


def test_layout_in_the_readme_names_what_is_there():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    layout = text.split("## Where things are")[1].split("```")[1]
    named = re.findall(r"\b[\w./]+(?:/(?!\w)|\.py\b|\.yaml\b)", layout)
    assert len(named) >= len(layout.strip().splitlines())
    assert [path for path in named if not is_there(path)] == []
