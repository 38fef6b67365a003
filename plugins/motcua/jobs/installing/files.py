"""Edit the settings files beside docker-compose.yaml line by line, so that comments and manual changes stay.

Each file is written under a temporary name and then renamed, so that no file is ever incomplete.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

from dotenv.parser import parse_stream

from motcua.jobs.doctor.examining import DOT_ENV, FILES, OPTIONAL, SOURCES, Installation, read_variables, variable_of
from motcua.store.ledger.environment import GivenConnection, read_connection

WRITTEN = tuple(file for file in FILES if file not in OPTIONAL)
"""Files that a set-up writes."""
GONE = ("REDIS_PASSWORD", "AIRFLOW_JWT_SECRET", "AIRFLOW_SECRET_KEY", "UI_LISTEN", "CALLBACKS_LISTEN", "INTAKE_LISTEN")
"""Variables of .env that version 0.2.0 read and that nothing reads any more."""
RENAMED = {"AIRFLOW_FERNET_KEY": "AIRFLOW_SECRET"}
"""Variables of .env that got a new name. Their value stays the same, because data was encrypted with it."""
_FILE_MODE = 0o600
_UNQUOTED = re.compile(r"[A-Za-z0-9_@%+=:,./\[\]~-]*")
"""Values that have the same meaning without quotes to Compose, to a shell and to this program."""
_LEADING = re.compile(r"\s*")
_CONNECTIONS, _SOURCES_SETTING = "AIRFLOW_CONN_", "MOTCUA_SOURCES"
"""Variables that the examples set only as an illustration. A value equal to the example's counts as no answer."""


class NotWritable(ValueError):
    """A line of a file cannot hold this value."""


@dataclass(slots=True)
class Files:
    """The settings files of a folder: their content on the disk, and their new content before it is saved."""

    folder: Path
    machine: Path = Path("/")
    """Path at which this process sees the root folder of the machine that holds ``folder``."""
    texts: dict[str, str] = field(default_factory=dict)
    """Content that each file would have after saving."""
    examples: dict[str, str] = field(default_factory=dict)
    _kept: dict[str, str] = field(default_factory=dict)
    """Content of each file on the disk."""

    @classmethod
    def of(cls, folder: Path, machine: Path = Path("/")) -> Files:
        """Read the files of a folder. A missing file begins with the content of its example.

        Raises:
            OSError: a file, or the example of a missing file, cannot be read.
            UnicodeDecodeError: a file is no text.
        """
        files = cls(folder, machine)
        for file in WRITTEN:
            files.examples[file] = (folder / f"{file}.example").read_text(encoding="utf-8")
            if (folder / file).exists():
                files._kept[file] = files.texts[file] = (folder / file).read_text(encoding="utf-8")
            else:
                files.texts[file] = files.examples[file]
        return files

    def draft(self) -> Files:
        """Return a copy to change. Only saving the copy writes its changes."""
        return Files(self.folder, self.machine, dict(self.texts), self.examples, self._kept)

    # --- Present content ----------------------------------------------------------------------------------------------

    def value(self, file: str, name: str) -> str:
        """Return the value of a variable; empty if it is missing, or only repeats the example's illustration."""
        present = read_variables(self.texts[file]).get(name, "").strip()
        is_shown = name.startswith(_CONNECTIONS) and self._equals_example(file, name)
        if name == _SOURCES_SETTING and self._equals_example(file, name):
            # A province may give its own source the example's name. Its connections then differ from the example's.
            is_shown = any(self._equals_example(SOURCES, each) for each in self.names(SOURCES, _CONNECTIONS))
        return "" if is_shown else present

    def _equals_example(self, file: str, name: str) -> bool:
        """Return whether a variable has the value of the example."""
        here, shown = (read_variables(text).get(name) for text in (self.texts[file], self.examples[file]))
        return here is not None and here == shown

    def connection(self, file: str, conn_id: str) -> GivenConnection | None:
        """Return a connection in a file; ``None`` if nobody has given it yet."""
        return read_connection(self.value(file, variable_of(conn_id)))

    def names(self, file: str, beginning: str) -> list[str]:
        """Return the variables of a file that begin with a text, including illustrations of the example."""
        return [name for name in read_variables(self.texts[file]) if name.startswith(beginning)]

    def installation(self) -> Installation:
        """Return the installation as ``motcua doctor`` would read it after saving."""
        given = {file: read_variables(self.texts[file]) for file in WRITTEN}
        return Installation(given, self.folder, {}, self.machine)

    # --- Changes ------------------------------------------------------------------------------------------------------

    def put(self, file: str, name: str, value: str) -> None:
        """Set a variable to a value.

        The new line replaces the present line of the variable. If the variable has no line, the new line is inserted
        below a comment line ``# NAME=``. If there is no such comment line, the new line is appended to the file, below
        the example's comment.

        Raises:
            NotWritable: no line can hold the value.
        """
        line = f"{name}={written(value)}\n"
        parts = list(parse_stream(StringIO(self.texts[file])))
        strings = [each.original.string for each in parts]
        places = [place for place, each in enumerate(parts) if each.key == name]
        for place in places[:-1]:
            # If a variable has several lines, the last one counts.
            strings[place] = _leading_blank_lines(strings[place])
        shown = [place for place, each in enumerate(strings) if each.lstrip().startswith(f"# {name}=")]
        if places:
            strings[places[-1]] = _leading_blank_lines(strings[places[-1]]) + line
        elif shown:
            strings.insert(shown[-1] + 1, line)
        else:
            about = _comment_above(self.examples[file], name)
            strings.append(f"\n{about}{line}" if about else line)
            if len(strings) > 1 and not strings[-2].endswith("\n"):
                strings[-2] += "\n"
        self.texts[file] = "".join(strings)

    def put_connection(self, file: str, conn_id: str, given: Mapping[str, Any]) -> None:
        """Set a connection. Fields that are ``None``, in ``extra`` too, are left out."""
        extra = {name: value for name, value in given.get("extra", {}).items() if value is not None}
        whole = {name: value for name, value in given.items() if value is not None} | {"extra": extra}
        self.put(file, variable_of(conn_id), as_json(whole))

    def take_out(self, file: str, names: Iterable[str], *, with_words: bool = False) -> None:
        """Remove variables from a file; ``with_words`` also removes the comments directly above them."""
        removed, parts = set(names), list(parse_stream(StringIO(self.texts[file])))
        strings = [each.original.string for each in parts]
        for place, each in enumerate(parts):
            if each.key not in removed:
                continue
            strings[place] = _leading_blank_lines(strings[place])
            above = place - 1
            while with_words and above >= 0 and parts[above].key is None and strings[above].lstrip().startswith("#"):
                strings[above] = _leading_blank_lines(strings[above])
                if strings[above]:
                    # A blank line precedes this comment line, so that the comment ends here.
                    break
                above -= 1
        self.texts[file] = re.sub(r"\n{3,}", "\n\n", "".join(strings))

    def modernize(self) -> list[str]:
        """Rename the variables that had another name in version 0.2.0, and remove variables that nothing reads any
        more.

        Returns:
            The old names that were found.
        """
        variables = read_variables(self.texts[DOT_ENV])
        for old, new in RENAMED.items():
            if variables.get(old):
                self.put(DOT_ENV, new, variables[old])
        old_names = [name for name in (*RENAMED, *GONE) if name in variables]
        self.take_out(DOT_ENV, old_names, with_words=True)
        return old_names

    def save(self) -> list[str]:
        """Write the changed files, readable only by their owner, and return their names. A failure leaves no partial
        file."""
        owner = self.folder.stat()
        aside: list[tuple[Path, Path]] = []
        try:
            for file, text in self.texts.items():
                if self._kept.get(file) == text and (self.folder / file).exists():
                    continue
                number, path = tempfile.mkstemp(prefix=f".{file.lstrip('.')}.", dir=self.folder)
                aside.append((Path(path), self.folder / file))
                with os.fdopen(number, "w", encoding="utf-8") as opened:
                    os.fchmod(opened.fileno(), _FILE_MODE)
                    if os.geteuid() == 0:
                        os.fchown(opened.fileno(), owner.st_uid, owner.st_gid)
                    opened.write(text)
                    opened.flush()
                    os.fsync(opened.fileno())
            for made, target in aside:
                made.replace(target)
                self._kept[target.name] = self.texts[target.name]
        finally:
            for made, _ in aside:
                made.unlink(missing_ok=True)
        return [target.name for _, target in aside]


def written(value: str) -> str:
    """Return a value as a line holds it, so that Compose, a shell and this program read the same value.

    Raises:
        NotWritable: no line can hold the value.
    """
    if _UNQUOTED.fullmatch(value):
        return value
    # The connections of ``as_json`` contain only backslashes that all readers understand alike.
    if "'" in value or not value.isprintable() or ("\\" in value and not value.startswith("{")):
        raise NotWritable(value)
    return f"'{value}'"


def as_json(given: Mapping[str, Any]) -> str:
    """Return a connection as JSON that can be written in single quotes.

    Quotes and backslashes within the values become ``\\u`` escapes, because only some readers of such files remove
    other backslashes.
    """
    text = json.dumps(given, ensure_ascii=False)
    return text.replace("\\\\", "\\u005c").replace('\\"', "\\u0022").replace("'", "\\u0027")


def _leading_blank_lines(string: str) -> str:
    """Return the blank lines before a line."""
    found = _LEADING.match(string)
    blank = found[0] if found else ""
    return blank[: blank.rfind("\n") + 1]


def _comment_above(example: str, name: str) -> str:
    """Return the comment directly above a variable of an example."""
    lines: list[str] = []
    for line in example.splitlines(keepends=True):
        if line.startswith((f"{name}=", f"# {name}=")):
            return "".join(lines)
        lines = [*lines, line] if line.startswith("#") else []
    return ""


def lists(written_list: str) -> list[str]:
    """Return the words of a list that is separated by commas, semicolons or blanks."""
    return [each for each in re.split(r"[,;\s]+", written_list) if each]
