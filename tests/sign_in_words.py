"""Compile the words of the sign-in page for flask-babel: ``python -m tests.sign_in_words``."""

from __future__ import annotations

from babel.messages.catalog import Catalog
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po

from motcua.settings import include_dir

FOLDER = include_dir() / "sign_in" / "vi" / "LC_MESSAGES"


def written() -> Catalog:
    """Return the words of the file that people edit."""
    with (FOLDER / "messages.po").open("rb") as words:
        return read_po(words, locale="vi", abort_invalid=True)


def compiled() -> Catalog:
    """Return the words of the compiled file."""
    with (FOLDER / "messages.mo").open("rb") as words:
        return read_mo(words)


if __name__ == "__main__":
    with (FOLDER / "messages.mo").open("wb") as file:
        write_mo(file, written())
