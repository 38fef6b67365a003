"""Recognise Vietnamese text in a broken encoding: misread UTF-8, lost letters, or old fonts (TCVN3, VNI)."""

from __future__ import annotations

import re
from typing import Final, Literal, TypeAlias

Broken: TypeAlias = Literal["sure", "likely"]
"""How sure it is that a text is broken. ``likely``: a correct foreign name may look the same, so only several such
texts prove that the source's encoding is broken."""

_ASKED_INSIDE: Final = re.compile(r"(?=([^\W\d_])\?([^\W\d_]))")

# UTF-8 that was read as Windows-1252 or Latin-1: the first byte of a character appears as a letter (C3 as Ã, C4 as Ä,
# C6 as Æ, E1 as á), and each further byte of the character as one of the signs below.
_CONTINUES: Final = "[\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]"
_MISREAD: Final = re.compile(f"[ÃÄÅÆ]{_CONTINUES}|á[º»]{_CONTINUES}|[\u0080-\u009f]")

# TCVN3 (ABC) has one byte for a letter with its mark. In misread text this byte appears as a sign next to letters, or
# as a capital after a small letter.
_TCVN3: Final = re.compile(
    r"[A-Za-z][µ¸¶·¹¨»¾¼½ª¬\u00ad×÷Þþß«©®][a-z]|[A-Za-z][µ¸¶·¹¨»¾¼½ª¬\u00adÞ«](?!\w)|(?<!\w)[®§¡¢£¤¥¦][a-zà-þ]"
    r"|[a-z][À-ÖØ-Þ](?![A-ZÀ-Þ])"
)

# VNI writes a vowel and a second letter for its mark. Hoà, hoá and khoẻ are correct Unicode and do not match.
_VNI: Final = re.compile(
    r"[aeAE][áàåãäâêéèúüëÁÀÅÃÄÂÊÉÈÚÜË]|[oO][åäâêúüëÅÄÂÊÚÜË]|[aeouyAEOUY][ùøûõïÙØÛÕÏ]|[öôÖÔ][ùøûõïÙØÛÕÏ]"
)


def broken(text: str | None) -> Broken | None:
    """Return how sure it is that letters of a text are wrong; ``None`` if the text looks right."""
    if not text:
        return None
    if "\ufffd" in text or _MISREAD.search(text) or _lost_letters(text):
        return "sure"
    if text.isascii() or _is_unicode(text):
        return None
    return "likely" if _TCVN3.search(text) or _VNI.search(text) else None


def _lost_letters(text: str) -> bool:
    """Return whether a question mark stands inside a word, in place of a letter.

    A question mark between two sentences, before a capital letter, does not count.
    """
    between = _ASKED_INSIDE.findall(text)
    return any((left.islower() and right.islower()) or (left.isupper() and right.isupper()) for left, right in between)


def _is_unicode(text: str) -> bool:
    """Return whether the text has letters that neither TCVN3 nor VNI can produce, so that it must be Unicode."""
    return any("\u1e00" <= char <= "\u1eff" or char in "ăĂđĐơƠưƯĩĨũŨ\u0300\u0301\u0303\u0309\u0323" for char in text)
