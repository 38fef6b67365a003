"""``python -m tests.sign_in_words``: compiles the words of the sign-in page, as flask-babel reads them."""

from __future__ import annotations

from babel.messages.catalog import Catalog
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po

from motcua.settings import include_dir

FOLDER = include_dir() / "sign_in" / "vi" / "LC_MESSAGES"


def written() -> Catalog:
    """The words as people write them."""
    with (FOLDER / "messages.po").open("rb") as words:
        return read_po(words, locale="vi", abort_invalid=True)


def compiled() -> Catalog:
    """The words as they are read."""
    with (FOLDER / "messages.mo").open("rb") as words:
        return read_mo(words)


if __name__ == "__main__":
    with (FOLDER / "messages.mo").open("wb") as file:
        write_mo(file, written())
