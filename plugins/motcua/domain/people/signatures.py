"""Who signs a decision: a person by name, never an account that several people use."""

from __future__ import annotations

import re
import unicodedata

from motcua.domain.phones.reading import holds_phone

LONGEST_NAME = 200
"""Letters of a name that signs."""
_FEWEST_LETTERS = 2
"""A code of an agency has one."""

_NAMED_ALIKE = """
admin administrator adm root sudo superuser system service daemon nobody anonymous unknown unnamed none null
airflow motcua postgres postgresql redis celery docker podman vagrant ubuntu debian centos rocky fedora ec2user
azureuser opc user users guest public viewer operator op test tester demo watch bot default dagtest
xem coquan quantri quantrivien quanly nguoidung khach vanhanh kiemtra giamsat sotttt
"""
_SHARED = frozenset(_NAMED_ALIKE.split())
"""Accounts of machines and of whole offices, as ``_bare`` writes them."""


class NotAPerson(ValueError):
    """A name with which nobody can sign; says why in English, for a terminal."""


def read_person(name: str | None) -> str:
    """A name as whoever signs with it is kept, without blanks around it.

    Raises:
        NotAPerson: nobody is named, or an account that several people use, or it is no name.
    """
    read = (name or "").strip()
    if not read:
        raise NotAPerson("Nobody is named.")
    if len(read) > LONGEST_NAME or not read.isprintable():
        raise NotAPerson(f"That is no name: at most {LONGEST_NAME} letters on one line.")
    if holds_phone(read):
        raise NotAPerson("A phone number is no name.")
    bare = _bare(read)
    if sum(letter.isalpha() for letter in bare) < _FEWEST_LETTERS:
        raise NotAPerson(f"{read} is no person's name.")
    if bare in _SHARED:
        raise NotAPerson(f"{read} is an account that several people use, not a person.")
    return read


def is_person(name: str | None) -> bool:
    """Whether somebody can sign with a name."""
    try:
        read_person(name)
    except NotAPerson:
        return False
    return True


def _bare(name: str) -> str:
    """Letters alone, small and without accents; what is behind an @ and digits at the end say nothing of who it is."""
    letters = unicodedata.normalize("NFKD", name.partition("@")[0].casefold()).replace("đ", "d")
    return re.sub(r"\d+$", "", "".join(letter for letter in letters if letter.isalnum()))
