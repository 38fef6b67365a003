"""The image has only the packages that production needs, pinned by hash, in the versions with which the tests ran."""

from __future__ import annotations

import ast
import os
import re
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from tests.compose.project import OURS, SERVICES, dockerfile
from tests.image.locks import BUILD, EVERYTHING, PRODUCTION, ROOT, names, pins

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
BASE_IMAGE = next(words[0].partition("=")[2] for instruction, words in dockerfile() if instruction == "ARG")


def wanted(*groups: list[str]) -> set[str]:
    """Return the names of packages in lists of requirements."""
    return {canonicalize_name(Requirement(each).name) for group in groups for each in group}


@pytest.mark.parametrize("lock", [EVERYTHING, PRODUCTION, BUILD], ids=lambda lock: lock.name)
def test_every_package_is_pinned_by_hash(lock: Path) -> None:
    assert pins(lock)
    assert [pin for pin in pins(lock) if not pin.hashes] == []
    # Every line is a pinned version or a hash, so the lock names no other package index, no address and no local file.
    text = lock.read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    assert [line for line in lines if "==" not in line and "--hash=sha256:" not in line] == []


@pytest.mark.guarantee("airflow", "the image holds packages in the tested versions, and no package of the tests")
def test_production_is_a_strict_part_of_what_is_tested() -> None:
    assert pins(PRODUCTION) < pins(EVERYTHING)
    assert pins(BUILD) < pins(EVERYTHING)
    extras = PROJECT["project"]["optional-dependencies"]
    assert wanted(PROJECT["project"]["dependencies"]) <= names(PRODUCTION)
    assert wanted(PROJECT["build-system"]["requires"]) == names(BUILD)
    # The production lock has no packages of the tests and the demo, except those that production needs, too.
    needed_as_well = {"python-multipart", "httpx", "cryptography", "asyncpg"}
    assert wanted(*extras.values()) & names(PRODUCTION) <= needed_as_well
    assert wanted(*extras.values()) <= names(EVERYTHING)


def test_the_image_installs_these_locks_and_keeps_no_tool_that_installs_it() -> None:
    steps = [" ".join(words) for instruction, words in dockerfile() if instruction == "RUN"]
    locks = [word for step in steps for word in step.split() if word.endswith(".lock")]
    assert locks == ["/source/requirements-production.lock", "/source/requirements-build.lock"]
    for step in steps:
        for command in step.split("&&"):
            if " -r " in command:
                assert {"--require-hashes", "--no-deps", "--only-binary"} <= set(command.split())
    assert "pip uninstall --yes setuptools wheel" in steps[-1]
    assert names(BUILD) == {"setuptools"}


def test_the_image_has_the_python_that_the_tests_run_with() -> None:
    version = re.match(r"python:(\d+\.\d+)\.\d+-slim-\w+@sha256:[0-9a-f]{64}$", BASE_IMAGE)
    assert version is not None, BASE_IMAGE
    assert version[1] in SpecifierSet(PROJECT["project"]["requires-python"])
    assert version[1] == PROJECT["tool"]["mypy"]["python_version"]
    assert f"--python-version {version[1]} " in (ROOT / "Makefile").read_text(encoding="utf-8")
    if os.environ.get("MOTCUA_CI"):
        assert version[1] == f"{sys.version_info.major}.{sys.version_info.minor}"


# --- Imports of production -------------------------------------------------------------------------------


@cache
def modules() -> dict[str, set[str]]:
    """Return the packages that contain each installed module, by the module's path.

    Several packages may contain the same namespace.
    """
    found: dict[str, set[str]] = {}
    for package in distributions():
        name = canonicalize_name(package.metadata["Name"])
        # Read RECORD instead of package.files, which checks each file on the disk.
        for line in (package.read_text("RECORD") or "").splitlines():
            file = line.split(",")[0]
            if file.endswith((".py", ".so", ".pyd")):
                module = file.partition(".")[0].removesuffix("/__init__")
                found.setdefault(module, set()).add(name)
    return found


def packages_of(module: str) -> set[str]:
    """Return the packages that contain the module, or the longest part of its name that is a module."""
    parts = module.split(".")
    places = ("/".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((modules()[place] for place in places if place in modules()), set())


def imported(path: Path) -> Iterator[str]:
    """Yield the modules that a file imports and the names that it imports from them, except for type checking."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for_types = [
        node for node in ast.walk(tree) if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    ]
    left_out = {id(each) for node in for_types for each in ast.walk(node)}
    for node in ast.walk(tree):
        if id(node) in left_out:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def code_of_production() -> list[Path]:
    package = ROOT / "plugins" / "motcua"
    return [
        *(path for path in package.rglob("*.py") if "sandbox" not in path.parts),
        *(ROOT / "dags").glob("*.py"),
        *(ROOT / "include").rglob("*.py"),
    ]


def test_everything_that_production_imports_is_in_its_lock() -> None:
    inside, outside = names(PRODUCTION), {}
    needed: set[str] = set()
    for path in code_of_production():
        for module in imported(path):
            if module.partition(".")[0] in {"motcua", *sys.stdlib_module_names}:
                continue
            packages = packages_of(module)
            assert packages, f"{path}: no installed package contains {module}"
            needed |= packages & inside
            if not packages & inside:
                outside[f"{path.relative_to(ROOT)}: {module}"] = packages
    assert outside == {}
    # The search must find packages in a namespace, compiled packages, and packages whose module has another name.
    assert {"apache-airflow-providers-postgres", "apache-airflow-task-sdk", "pyrage", "pyyaml"} <= needed


def test_packages_that_only_tests_import_are_found_and_are_not_in_the_production_lock() -> None:
    assert packages_of("pytest.mark") == {"pytest"}
    assert packages_of("aiosmtpd.controller.Controller") == {"aiosmtpd"}
    assert not {"pytest", "aiosmtpd"} & names(PRODUCTION)


def test_programs_and_classes_that_services_name_are_in_the_lock() -> None:
    inside = names(PRODUCTION)
    programs = {
        script.name: canonicalize_name(package.metadata["Name"])
        for package in distributions()
        for script in package.entry_points.select(group="console_scripts")
    }
    seen = set()
    for name in OURS:
        service = SERVICES[name]
        words = [*service["command"], *service.get("healthcheck", {}).get("test", ())]
        for word in (part for each in words for part in re.findall(r"[\w.]+", each)):
            if word in programs and word != "motcua":
                assert programs[word] in inside, f"{name} runs {word}"
                seen.add(word)
        for value in (*service.get("environment", {}).values(), *words):
            for module in re.findall(r"\bairflow\.providers\.[\w.]+", value):
                packages = packages_of(module)
                assert packages & inside, f"{name} names {module}"
                seen |= packages
    assert {"airflow", "uvicorn", "apache-airflow-providers-fab"} <= seen
