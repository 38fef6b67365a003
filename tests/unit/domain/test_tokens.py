"""Test when tokens are due for renewal, how long they are valid, and that no part of a token is shown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from motcua.domain.tokens import Tokens

NOW, HOUR = datetime(2026, 11, 25, 3, tzinfo=UTC), timedelta(hours=1)
TOKENS = Tokens("access-word", "refresh-word", NOW, NOW + 24 * HOUR, NOW + 90 * 24 * HOUR)


def test_tokens_are_due_after_three_quarters_of_their_life_and_let_in_to_its_end():
    """Tokens are renewed before they end, and are not used any more at their end."""
    assert [hour for hour in range(30) if TOKENS.are_due(NOW + hour * HOUR)] == [*range(18, 30)]
    assert [hour for hour in range(30) if TOKENS.lets_in(NOW + hour * HOUR)] == [*range(24)]


def test_nothing_shows_of_them():
    """Tokens must not appear in the text form of their object, which may reach a log."""
    assert "word" not in repr(TOKENS)
