"""Vietnamese text in a broken encoding: UTF-8 read as something else, letters lost, fonts of old (TCVN3, VNI)."""

from __future__ import annotations

import re
from typing import Final, Literal, TypeAlias

Broken: TypeAlias = Literal["sure", "likely"]
"""``likely``: one foreign name may look so; several do not."""

_ASKED_INSIDE: Final = re.compile(r"(?=([^\W\d_])\?([^\W\d_]))")

# UTF-8 read as Windows-1252 or Latin-1: a lead byte as a letter (C3 Ã, C4 Ä, C6 Æ, E1 á) before what continues it.
_CONTINUES: Final = "[\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]"
_MISREAD: Final = re.compile(f"[ÃÄÅÆ]{_CONTINUES}|á[º»]{_CONTINUES}|[\u0080-\u009f]")

# TCVN3 (ABC): one byte a letter with its mark, shown as signs beside letters, or as a capital after a small letter.
_TCVN3: Final = re.compile(
    r"[A-Za-z][µ¸¶·¹¨»¾¼½ª¬\u00ad×÷Þþß«©®][a-z]|[A-Za-z][µ¸¶·¹¨»¾¼½ª¬\u00adÞ«](?!\w)|(?<!\w)[®§¡¢£¤¥¦][a-zà-þ]"
    r"|[a-z][À-ÖØ-Þ](?![A-ZÀ-Þ])"
)

# VNI: a vowel and a second letter that carries its mark. Hoà, hoá, khoẻ are today's.
_VNI: Final = re.compile(
    r"[aeAE][áàåãäâêéèúüëÁÀÅÃÄÂÊÉÈÚÜË]|[oO][åäâêúüëÅÄÂÊÚÜË]|[aeouyAEOUY][ùøûõïÙØÛÕÏ]|[öôÖÔ][ùøûõïÙØÛÕÏ]"
)


def broken(text: str | None) -> Broken | None:
    """Whether some of a text's letters are not those that were meant."""
    if not text:
        return None
    if "\ufffd" in text or _MISREAD.search(text) or _lost_letters(text):
        return "sure"
    if text.isascii() or _is_of_today(text):
        return None
    return "likely" if _TCVN3.search(text) or _VNI.search(text) else None


def _lost_letters(text: str) -> bool:
    """A question mark inside a word, where a letter stood; one between two sentences is one."""
    between = _ASKED_INSIDE.findall(text)
    return any((left.islower() and right.islower()) or (left.isupper() and right.isupper()) for left, right in between)


def _is_of_today(text: str) -> bool:
    """Letters that neither of the old fonts shows: what is written so is Unicode."""
    return any("\u1e00" <= char <= "\u1eff" or char in "ăĂđĐơƠưƯĩĨũŨ\u0300\u0301\u0303\u0309\u0323" for char in text)
