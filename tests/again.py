"""What failed in a run of the tests, once more with nothing beside it: ``python -m tests.again``.

A test that starts real programs may fail since the machine was too slow, or too fast, for it; a fault of the project
fails again. Whatever passes only now is named, since it is a fault all the same: of the test, or one that is rare.
Failures in more files than ``MOST`` are nobody's pace, and are not tried; those of one file may have one cause, what
they all stand on.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

CACHES = tuple(Path(".pytest_cache") / group for group in ("alone", "beside"))
"""Where the groups of the Makefile keep what failed."""
MOST = 3


def failed(caches: Sequence[Path]) -> list[str] | None:
    """Names of the tests that failed the last time, of all groups; ``None``: a group did not run to its end."""
    names: set[str] = set()
    for cache in caches:
        ended, kept = cache / "ended", cache / "v" / "cache" / "lastfailed"
        # pytest's own: 0 all passed, 1 some failed; whatever else says that some were not tried.
        if not ended.exists() or ended.read_text(encoding="utf-8").strip() not in ("0", "1"):
            return None
        if ended.read_text(encoding="utf-8").strip() == "1":
            names |= set(json.loads(kept.read_text(encoding="utf-8")))
    return sorted(names)


def try_again(names: Sequence[str] | None) -> int:
    """Runs them, in one process and in order; the exit code: 0 where each has passed now."""
    if not names:
        sys.stdout.write("What failed was no test, or the tests were broken off: nothing is tried again.\n")
        return 1
    files = {name.partition("::")[0] for name in names}
    if len(files) > MOST:
        sys.stdout.write(f"Tests of {len(files)} files failed: more than {MOST} are not tried again.\n")
        return 1
    code = subprocess.run([sys.executable, "-m", "pytest", *names], check=False).returncode
    if code == 0:
        sys.stdout.write("\n- ".join(["\nFailed beside others, and passed by itself:", *names]) + "\n")
    return code


if __name__ == "__main__":
    raise SystemExit(try_again(failed(CACHES)))
