"""The files beside docker-compose.yaml as they are written: line by line, so that comments, and what somebody changed
by hand, stay; aside and then renamed, so that none is ever half there."""

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
"""What is set up."""
GONE = ("REDIS_PASSWORD", "AIRFLOW_JWT_SECRET", "AIRFLOW_SECRET_KEY", "UI_LISTEN", "CALLBACKS_LISTEN", "INTAKE_LISTEN")
"""Of .env, what version 0.2.0 read and nothing reads any more."""
RENAMED = {"AIRFLOW_FERNET_KEY": "AIRFLOW_SECRET"}
"""Likewise, what keeps its value: what it encrypted can be read with it alone."""
_MODE = 0o600
_PLAIN = re.compile(r"[A-Za-z0-9_@%+=:,./\[\]~-]*")
"""What means the same to Compose, to a shell and to us without quotes."""
_LEADING = re.compile(r"\s*")
_CONNECTIONS, _SOURCES_SETTING = "AIRFLOW_CONN_", "MOTCUA_SOURCES"
"""What the examples only show: while it stands there as it does in them, nobody has answered."""


class NotWritable(ValueError):
    """A value that no line of a file can hold."""


@dataclass(slots=True)
class Files:
    """What stands there, and what is to be written."""

    folder: Path
    machine: Path = Path("/")
    """Where the root of the machine that the folder is on is seen."""
    texts: dict[str, str] = field(default_factory=dict)
    """As each file is to be."""
    examples: dict[str, str] = field(default_factory=dict)
    _kept: dict[str, str] = field(default_factory=dict)
    """As each is on the disk."""

    @classmethod
    def of(cls, folder: Path, machine: Path = Path("/")) -> Files:
        """What stands in a folder; a file that is missing begins as its example.

        Raises:
            OSError: a file, or an example of one that is missing, cannot be read.
            UnicodeDecodeError: it is no text.
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
        """The same, to be changed: nothing of it holds before it is saved."""
        return Files(self.folder, self.machine, dict(self.texts), self.examples, self._kept)

    # --- What stands there --------------------------------------------------------------------------------------------

    def value(self, file: str, name: str) -> str:
        """What a variable says; empty where it does not stand there, or as the example shows it only."""
        said = read_variables(self.texts[file]).get(name, "").strip()
        is_shown = name.startswith(_CONNECTIONS) and self._is_as_shown(file, name)
        if name == _SOURCES_SETTING and self._is_as_shown(file, name):
            # A province's own may be called as the example's: then its connections are not the example's.
            is_shown = any(self._is_as_shown(SOURCES, each) for each in self.names(SOURCES, _CONNECTIONS))
        return "" if is_shown else said

    def _is_as_shown(self, file: str, name: str) -> bool:
        here, shown = (read_variables(text).get(name) for text in (self.texts[file], self.examples[file]))
        return here is not None and here == shown

    def connection(self, file: str, conn_id: str) -> GivenConnection | None:
        """A connection as a file has it; ``None``: nobody has answered."""
        return read_connection(self.value(file, variable_of(conn_id)))

    def names(self, file: str, beginning: str) -> list[str]:
        """Variables of a file that begin so, those that the example only shows with them."""
        return [name for name in read_variables(self.texts[file]) if name.startswith(beginning)]

    def installation(self) -> Installation:
        """As the doctor reads it, before it is written."""
        given = {file: read_variables(self.texts[file]) for file in WRITTEN}
        return Installation(given, self.folder, {}, self.machine)

    # --- What is to be written ----------------------------------------------------------------------------------------

    def put(self, file: str, name: str, value: str) -> None:
        """Has a variable say something: where it stands, else below the comment that shows it, else at the end with the
        example's words about it.

        Raises:
            NotWritable: no line can hold the value.
        """
        line = f"{name}={written(value)}\n"
        parts = list(parse_stream(StringIO(self.texts[file])))
        strings = [each.original.string for each in parts]
        places = [place for place, each in enumerate(parts) if each.key == name]
        for place in places[:-1]:
            # Of two lines the later one holds.
            strings[place] = _leading(strings[place])
        shown = [place for place, each in enumerate(strings) if each.lstrip().startswith(f"# {name}=")]
        if places:
            strings[places[-1]] = _leading(strings[places[-1]]) + line
        elif shown:
            strings.insert(shown[-1] + 1, line)
        else:
            about = _words_about(self.examples[file], name)
            strings.append(f"\n{about}{line}" if about else line)
            if len(strings) > 1 and not strings[-2].endswith("\n"):
                strings[-2] += "\n"
        self.texts[file] = "".join(strings)

    def put_connection(self, file: str, conn_id: str, given: Mapping[str, Any]) -> None:
        """Has a connection say something; what is ``None``, or empty in its extra, is left out."""
        extra = {name: value for name, value in given.get("extra", {}).items() if value is not None}
        whole = {name: value for name, value in given.items() if value is not None} | {"extra": extra}
        self.put(file, variable_of(conn_id), as_json(whole))

    def take_out(self, file: str, names: Iterable[str], *, with_words: bool = False) -> None:
        """Takes variables out of a file, ``with_words`` the comment right above them, too."""
        gone, parts = set(names), list(parse_stream(StringIO(self.texts[file])))
        strings = [each.original.string for each in parts]
        for place, each in enumerate(parts):
            if each.key not in gone:
                continue
            strings[place] = _leading(strings[place])
            above = place - 1
            while with_words and above >= 0 and parts[above].key is None and strings[above].lstrip().startswith("#"):
                strings[above] = _leading(strings[above])
                if strings[above]:
                    # A blank line above it: there another paragraph ends.
                    break
                above -= 1
        self.texts[file] = re.sub(r"\n{3,}", "\n\n", "".join(strings))

    def modernize(self) -> list[str]:
        """Gives what version 0.2.0 called otherwise its name of today, and takes out what nothing reads any more; the
        names that went."""
        there = read_variables(self.texts[DOT_ENV])
        for old, new in RENAMED.items():
            if there.get(old):
                self.put(DOT_ENV, new, there[old])
        gone = [name for name in (*RENAMED, *GONE) if name in there]
        self.take_out(DOT_ENV, gone, with_words=True)
        return gone

    def save(self) -> list[str]:
        """Writes what has changed, each file whole or not at all, closed to others; the names of the files."""
        owner = self.folder.stat()
        aside: list[tuple[Path, Path]] = []
        try:
            for file, text in self.texts.items():
                if self._kept.get(file) == text and (self.folder / file).exists():
                    continue
                number, path = tempfile.mkstemp(prefix=f".{file.lstrip('.')}.", dir=self.folder)
                aside.append((Path(path), self.folder / file))
                with os.fdopen(number, "w", encoding="utf-8") as opened:
                    os.fchmod(opened.fileno(), _MODE)
                    if os.geteuid() == 0:
                        os.fchown(opened.fileno(), owner.st_uid, owner.st_gid)
                    opened.write(text)
                    opened.flush()
                    os.fsync(opened.fileno())
            for made, there in aside:
                made.replace(there)
                self._kept[there.name] = self.texts[there.name]
        finally:
            for made, _ in aside:
                made.unlink(missing_ok=True)
        return [there.name for _, there in aside]


def written(value: str) -> str:
    """A value as a line has it: Compose, a shell and we read the same.

    Raises:
        NotWritable: no line can hold it.
    """
    if _PLAIN.fullmatch(value):
        return value
    # A connection is written by as_json, whose backslashes nobody takes for his own.
    if "'" in value or not value.isprintable() or ("\\" in value and not value.startswith("{")):
        raise NotWritable(value)
    return f"'{value}'"


def as_json(given: Mapping[str, Any]) -> str:
    """A connection as JSON that may stand in single quotes: no quote, and no backslash but before a u, which of those
    who read such files one takes away and the other not."""
    text = json.dumps(given, ensure_ascii=False)
    return text.replace("\\\\", "\\u005c").replace('\\"', "\\u0022").replace("'", "\\u0027")


def _leading(string: str) -> str:
    """Blank lines that stand before a line."""
    found = _LEADING.match(string)
    blank = found[0] if found else ""
    return blank[: blank.rfind("\n") + 1]


def _words_about(example: str, name: str) -> str:
    """The comment right above a variable of an example."""
    lines: list[str] = []
    for line in example.splitlines(keepends=True):
        if line.startswith((f"{name}=", f"# {name}=")):
            return "".join(lines)
        lines = [*lines, line] if line.startswith("#") else []
    return ""


def lists(written_list: str) -> list[str]:
    """The words of a list with commas or blanks between."""
    return [each for each in re.split(r"[,;\s]+", written_list) if each]
