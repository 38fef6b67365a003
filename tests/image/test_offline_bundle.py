"""The bundle for a server without internet is complete or states what is missing.

A server installs the bundle without a network, and checks the hash of each wheel.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from base64 import urlsafe_b64encode
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from tests.compose.project import ENV_FILES, OURS, SERVICES, complete_environment
from tests.image.locks import ROOT

DIGEST = "sha256:" + "0" * 64
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


def wheel(folder: Path, name: str, version: str) -> str:
    """Write a wheel with one module into a folder, and return the line of a lock file that pins this wheel."""
    path = folder / f"{name}-{version}-py3-none-any.whl"
    about = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": f"version = {version!r}\n",
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    sums = {
        each: urlsafe_b64encode(sha256(text.encode()).digest()).decode().rstrip("=") for each, text in files.items()
    }
    record = "".join(f"{each},sha256={sums[each]},{len(text.encode())}\n" for each, text in files.items())
    with zipfile.ZipFile(path, "w") as archive:
        for each, text in (files | {f"{about}/RECORD": f"{record}{about}/RECORD,,\n"}).items():
            archive.writestr(each, text)
    return f"{name}=={version} \\\n    --hash=sha256:{sha256(path.read_bytes()).hexdigest()}\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Create a git repository that locks two packages; pip finds their wheels in the folder ``registry`` beside it."""
    folder, registry = tmp_path / "project", tmp_path / "registry"
    (folder / "scripts").mkdir(parents=True)
    registry.mkdir()
    shutil.copy(ROOT / "scripts" / "offline_bundle.py", folder / "scripts")
    pair = wheel(registry, "one", "1.0") + wheel(registry, "two", "2.5")
    (folder / "requirements-production.lock").write_text(pair)
    (folder / "requirements-build.lock").write_text(wheel(registry, "tool", "3.0"))
    (folder / "Dockerfile").write_text(f"ARG PYTHON_IMAGE=python:{PYTHON}.9-slim@{DIGEST}\nFROM ${{PYTHON_IMAGE}}\n")
    (folder / "docker-compose.yaml").write_text(
        f"services:\n  a:\n    image: motcua\n  postgres:\n    image: postgres:18.6@{DIGEST}\n"
    )
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "all"]):
        subprocess.run(["git", "-C", folder, "-c", "user.name=lan", "-c", "user.email=lan@x.vn", *words], check=True)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(registry))
    return folder


@pytest.fixture
def do(project: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return a function that runs scripts/offline_bundle.py of the test's project."""

    def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
        script = project / "scripts" / "offline_bundle.py"
        return subprocess.run([sys.executable, script, *words], capture_output=True, text=True, timeout=120)

    return run


def test_a_bundle_holds_wheels_project_and_images_and_is_installed_from_alone(project, do, tmp_path, monkeypatch):
    bundle = tmp_path / "bundle"
    made = do("collect", bundle)
    assert (made.returncode, made.stderr) == (0, "")
    assert sorted(path.name for path in (bundle / "wheels").iterdir()) == [
        "one-1.0-py3-none-any.whl",
        "tool-3.0-py3-none-any.whl",
        "two-2.5-py3-none-any.whl",
    ]
    assert (bundle / "images.txt").read_text().split() == [
        f"postgres:18.6@{DIGEST}",
        f"python:{PYTHON}.9-slim@{DIGEST}",
    ]
    assert (bundle / "motcua" / "docker-compose.yaml").read_bytes() == (project / "docker-compose.yaml").read_bytes()
    head = subprocess.run(["git", "-C", project, "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    assert (bundle / "COMMIT").read_text() == head.stdout
    # Debian's program sha256sum can check the hashes, too.
    subprocess.run(["sha256sum", "--check", "--quiet", "--strict", "SHA256SUMS"], cwd=bundle, check=True)

    # Simulate another machine, on which nothing but the bundle exists.
    shutil.rmtree(tmp_path / "registry")
    shutil.rmtree(project)
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.delenv("PIP_NO_INDEX")
    checking = [sys.executable, bundle / "motcua" / "scripts" / "offline_bundle.py", "check", bundle]
    assert subprocess.run(checking, capture_output=True).returncode == 0
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    install = [
        *(sys.executable, "-m", "pip", "--python", tmp_path / "venv" / "bin" / "python", "install", "--quiet"),
        *("--disable-pip-version-check", "--no-index", "--find-links", bundle / "wheels", "--no-deps"),
        *("--require-hashes", "-r", bundle / "motcua" / "requirements-production.lock"),
    ]
    subprocess.run(install, check=True)
    asked = [tmp_path / "venv" / "bin" / "python", "-c", "import one, two; print(one.version, two.version)"]
    assert subprocess.run(asked, capture_output=True, text=True, check=True).stdout == "1.0 2.5\n"

    # A wheel that somebody replaced is refused by the hash in the lock file, even if SHA256SUMS was written again.
    wheel(bundle / "wheels", "two", "2.5")
    (bundle / "wheels" / "two-2.5-py3-none-any.whl").write_bytes(
        (bundle / "wheels" / "two-2.5-py3-none-any.whl").read_bytes() + b"\0"
    )
    refused = subprocess.run([*install, "--force-reinstall"], capture_output=True, text=True)
    assert refused.returncode != 0
    assert "two" in refused.stderr
    assert "DO NOT MATCH" in refused.stderr


def test_missing_changed_and_additional_files_are_named(do, tmp_path):
    bundle = tmp_path / "bundle"
    assert do("collect", bundle).returncode == 0
    (bundle / "wheels" / "one-1.0-py3-none-any.whl").unlink()
    (bundle / "wheels" / "two-2.5-py3-none-any.whl").write_bytes(b"another")
    (bundle / "motcua" / "them.sh").write_text("x")
    answer = do("check", bundle)
    assert (answer.returncode, answer.stderr.splitlines()) == (
        1,
        [
            "missing: wheels/one-1.0-py3-none-any.whl",
            "changed: wheels/two-2.5-py3-none-any.whl",
            "not in SHA256SUMS: motcua/them.sh",
        ],
    )
    (bundle / "SHA256SUMS").unlink()
    assert "SHA256SUMS is missing" in do("check", bundle).stderr
    # ``seal`` adds the images that were saved into the bundle to SHA256SUMS.
    shutil.rmtree(bundle)
    assert do("collect", bundle).returncode == 0
    (bundle / "images.tar").write_bytes(b"layers")
    assert do("check", bundle).stderr == "not in SHA256SUMS: images.tar\n"
    assert (do("seal", bundle).returncode, do("check", bundle).returncode) == (0, 0)
    (bundle / "images.tar").write_bytes(b"other layers")
    assert do("check", bundle).stderr == "changed: images.tar\n"


NO_DIGEST = "these images have no digest: "
SPOILT = [
    ("docker-compose.yaml", f"@{DIGEST}", "", f"{NO_DIGEST}postgres:18.6"),
    ("docker-compose.yaml", f":18.6@{DIGEST}", f"@{DIGEST}", f"{NO_DIGEST}postgres@sha256"),
    ("Dockerfile", f"@{DIGEST}", "@sha256:12", f"{NO_DIGEST}python:{PYTHON}.9-slim@sha256:12"),
    ("Dockerfile", f"python:{PYTHON}.", "python:3.99.", "the image has Python 3.99, whose wheels are needed"),
    ("requirements-production.lock", "two==2.5", "two==2.6", "pip download"),
    ("requirements-build.lock", "sha256:", "sha256:0", "pip download"),
]


def test_no_bundle_is_made_of_an_incomplete_project_or_uncommitted_changes(project, do, tmp_path):
    bundle = tmp_path / "bundle"
    commit = ["git", "-C", project, "-c", "user.name=lan", "-c", "user.email=lan@x.vn", "commit", "-qam", "changed"]
    for file, old, new, said in SPOILT:
        whole = (project / file).read_text()
        assert old in whole
        (project / file).write_text(whole.replace(old, new))
        subprocess.run(commit, check=True)
        answer = do("collect", bundle)
        assert answer.returncode == 2, file
        assert said in answer.stderr
        assert not (bundle / "SHA256SUMS").exists()
        shutil.rmtree(bundle, ignore_errors=True)
        (project / file).write_text(whole)
        subprocess.run(commit, check=True)
    (project / "new.py").write_text("x")
    answer = do("collect", bundle)
    assert (answer.returncode, "uncommitted changes" in answer.stderr) == (2, True)
    (project / "new.py").unlink()
    bundle.mkdir()
    (bundle / "x").touch()
    assert "is not empty" in do("collect", bundle).stderr


def test_compose_without_internet_takes_the_same_images_by_name_and_builds_nothing(tmp_path: Path) -> None:
    docker = shutil.which("docker-compose") or pytest.skip("docker-compose is not on PATH")
    for file in ENV_FILES:
        shutil.copy(ROOT / f"{file}.example", tmp_path / file)
    given = complete_environment() | {
        "COMPOSE_FILE": f"{ROOT / 'docker-compose.yaml'}:{ROOT / 'docker-compose.offline.yaml'}"
    }
    (tmp_path / ".env").write_text("".join(f"{name}={value}\n" for name, value in given.items()))
    answer = subprocess.run(
        [docker, "--project-directory", tmp_path, "config", "--format", "json"],
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert answer.returncode == 0, answer.stderr
    services = json.loads(answer.stdout)["services"]
    assert services.keys() == SERVICES.keys()
    for name, service in services.items():
        assert service["image"] == SERVICES[name]["image"].partition("@")[0]
        assert (service["pull_policy"], "build" in service) == ("never", False), name
        assert service["command"], name
    assert {name for name, service in services.items() if service["image"] == "motcua"} == set(OURS)
