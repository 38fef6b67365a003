"""Test the fast path for texts that need no cleaning: its result must equal the result of the full rule."""

from __future__ import annotations

import re
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from motcua.domain.dossiers import clean_label, clean_words


def by_the_word(raw, limit):
    """Clean a text with the full rule, without the fast path."""
    words = unicodedata.normalize("NFC", raw[: 4 * limit])
    words = "".join(char if char.isprintable() else " " for char in words)
    return re.sub(r"\s+", " ", words).strip()[:limit].rstrip() or None


@given(
    st.text(st.sampled_from("aĐ\u0302\u0301\u0323 \t\u00a0\u3000\u200bế0905 ") | st.characters()), st.integers(1, 12)
)
def test_words_that_are_clean_already_are_left_as_the_rule_would_leave_them(text, limit):
    assert clean_words(text, limit) == by_the_word(text, limit)
    assert clean_label(text, limit) == clean_label.__globals__["_clean_label"].__wrapped__(text, limit)
