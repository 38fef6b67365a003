"""What stands in an address and must not stand in a log."""

from __future__ import annotations

import pytest

from motcua.web.access_log import mask_target


@pytest.mark.parametrize(
    "target",
    [
        "session=4f1c-hidden&MaDinhDanhDV=000.00.30.H32",
        "MaDinhDanhDV=000.00.30.H32&Session=4f1c-hidden",
        "%73ession=4f1c-hidden",
    ],
)
def test_session_of_a_client_that_pushes_is_masked(target: str) -> None:
    masked = mask_target(target)
    assert "hidden" not in masked
    assert ("000.00.30.H32" in masked) == ("000.00.30.H32" in target), "what is no secret stays"
