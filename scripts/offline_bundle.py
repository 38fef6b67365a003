"""Collect in one folder everything that a server without internet needs, and check that the folder is complete.

    scripts/offline_bundle.py collect FOLDER    wheels of the locks, the project at its commit, the list of images
    scripts/offline_bundle.py seal FOLDER       writes SHA256SUMS anew, after the images were added to the folder
    scripts/offline_bundle.py check FOLDER      lists missing, changed and additional files; exit code 1 if any

``seal`` and ``check`` need only Python's standard library. ``collect`` also needs git and pip, and must run with the
image's version of Python, because pip downloads wheels for the Python that runs it. See docs/operations/offline.md.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
SUMS = "SHA256SUMS"
LOCKS = ("requirements-production.lock", "requirements-build.lock")
_DIGEST = re.compile(r"[a-z0-9./_-]+:[\w.-]+@sha256:[0-9a-f]{64}")


class Unfit(Exception):
    """Raised if the bundle cannot be made. The message gives the reason."""


def images(project: Path) -> list[str]:
    """Return the names, with digests, of the container images that are not built from this project.

    Raises:
        Unfit: an image has only a tag, which may name another image tomorrow.
    """
    compose = (project / "docker-compose.yaml").read_text(encoding="utf-8")
    base = (project / "Dockerfile").read_text(encoding="utf-8")
    found = [image for image in re.findall(r"^\s+image: (\S+)$", compose, re.M) if image != "motcua"]
    found += re.findall(r"^ARG PYTHON_IMAGE=(\S+)$", base, re.M)
    loose = [image for image in found if not _DIGEST.fullmatch(image)]
    if loose or not found:
        raise Unfit(f"these images have no digest: {', '.join(loose) or 'no image was found'}")
    return sorted(set(found))


def collect(project: Path, folder: Path) -> None:
    """Collect all parts of the bundle in an empty folder, and write their checksums.

    Raises:
        Unfit: the project has uncommitted changes, this Python is not the image's version, the folder is not empty, or
        a part cannot be downloaded.
    """
    named = images(project)
    wanted = next(re.findall(r"^python:(\d+\.\d+)", image) for image in named if image.startswith("python:"))[0]
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    if here != wanted:
        raise Unfit(f"the image has Python {wanted}, whose wheels are needed; this is Python {here}")
    if _git(project, "status", "--porcelain").strip():
        raise Unfit("the project has uncommitted changes; commit or stash them")
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise Unfit(f"{folder} is not empty")
    for lock in LOCKS:
        _run(
            *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"),
            *(
                "--only-binary",
                ":all:",
                "--require-hashes",
                "--dest",
                str(folder / "wheels"),
                "-r",
                str(project / lock),
            ),
        )
    (folder / "motcua").mkdir()
    archive = folder / "motcua.tar"
    _git(project, "archive", "--format=tar", f"--output={archive}", "HEAD")
    _run("tar", "-xf", str(archive), "-C", str(folder / "motcua"))
    archive.unlink()
    (folder / "COMMIT").write_text(_git(project, "rev-parse", "HEAD"), encoding="utf-8")
    (folder / "images.txt").write_text("".join(f"{image}\n" for image in named), encoding="utf-8")
    seal(folder)


def seal(folder: Path) -> None:
    """Write the checksum of every file, in the form that sha256sum reads."""
    lines = [f"{_sum(folder / name)}  {name}\n" for name in _files(folder)]
    (folder / SUMS).write_text("".join(lines), encoding="utf-8")


def faults(folder: Path) -> Iterator[str]:
    """Yield a sentence for each file that is missing, changed or additional since the folder was sealed."""
    if not (folder / SUMS).is_file():
        yield f"{SUMS} is missing: {folder} is not a bundle, or was never sealed"
        return
    lines = (folder / SUMS).read_text(encoding="utf-8").splitlines()
    sealed = {name: known for known, _, name in (line.partition("  ") for line in lines)}
    present = set(_files(folder))
    yield from (f"missing: {name}" for name in sorted(sealed.keys() - present))
    yield from (f"changed: {name}" for name in sorted(sealed.keys() & present) if _sum(folder / name) != sealed[name])
    yield from (f"not in SHA256SUMS: {name}" for name in sorted(present - sealed.keys()))


def _files(folder: Path) -> list[str]:
    found = (path for path in folder.rglob("*") if path.is_file() or path.is_symlink())
    return sorted(path.relative_to(folder).as_posix() for path in found if path != folder / SUMS)


def _sum(path: Path) -> str:
    hashed = sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            hashed.update(piece)
    return hashed.hexdigest()


def _git(project: Path, *words: str) -> str:
    return _run("git", "-C", str(project), *words)


def _run(*words: str) -> str:
    answer = subprocess.run(words, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise Unfit(f"{' '.join(words[:4])} … failed: {answer.stderr.strip()[-1500:]}")
    return answer.stdout


def main() -> int:
    """Run the given verb and return the exit code: 1 if the bundle is not complete, 2 if it cannot be made."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("verb", choices=("collect", "seal", "check"))
    parser.add_argument("folder", type=Path)
    asked = parser.parse_args()
    try:
        if asked.verb == "collect":
            collect(PROJECT, asked.folder)
        elif asked.verb == "seal":
            seal(asked.folder)
    except (Unfit, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    found = list(faults(asked.folder))
    for fault in found:
        sys.stderr.write(f"{fault}\n")
    if not found:
        sys.stdout.write(f"{asked.folder} is complete: {len(_files(asked.folder))} files.\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
