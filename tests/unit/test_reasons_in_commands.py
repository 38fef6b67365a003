"""Test that a reason given to a command, which is stored for other people, holds no phone number."""

from __future__ import annotations

import pytest

from tests.ground import type_command


@pytest.mark.guarantee(
    "complaints",
    "no complaint and no reason given for an act holds a phone number; a number stored earlier is shown to nobody",
)
@pytest.mark.parametrize(
    "command",
    [
        ["quality", "acknowledge", "1", "--until", "2026-12-31", "--why"],
        ["messages", "release", "1", "--yes", "--reason"],
        ["gateways", "stop", "kannel", "--reason"],
        ["stop", "--everything", "--as-department", "--until", "2100-01-01 08:00", "--reason"],
        ["statements", "set-aside", "1", "--why"],
        ["gaps", "close", "1", "--nothing-sent", "--as-department", "--reason"],
    ],
    ids=" ".join,
)
def test_reason_with_a_number_is_refused_before_anything_is_done(command):
    for why in ("đã gọi 0905/123/456", "gọi ０９０５１２３４５６"):
        done = type_command(*command, why, exits=2)
        assert "looks like a phone number" in done.output
        assert "123" not in done.output
