"""Test that logs mask the secrets and phone numbers of a URL."""

from __future__ import annotations

from urllib.parse import quote

from motcua.web.access_log import mask_target


def test_session_of_a_client_that_pushes_is_masked():
    """The session id with which a client pushes is like a password and must not be in a log."""
    code = "MaDinhDanhDV=000.00.30.H32"
    for target in (f"session=4f1c-hidden&{code}", f"{code}&Session=4f1c-hidden", f"%73ession=4f1c-hidden&{code}"):
        masked = mask_target(target)
        assert "hidden" not in masked
        assert "000.00.30.H32" in masked, "an agency's code is no secret and must stay"


def test_ordinary_paths_are_written_as_they_are_and_what_cannot_be_looked_through_not_at_all():
    """A URL that is too long, or encoded too often, must be logged as ***. A usual URL must be logged unchanged."""
    for target in (
        "/api/v2/dags/reconcile_daily/dagRuns/scheduled__2026-11-25T08:56:00+00:00/taskInstances?limit=50&offset=0",
        "/motcua/complaints?agency=000.00.30.H32&claim=other&since=2026-11-01",
        "/motcua/quality/findings?agency=H32.30&rule=P2&page=3",
    ):
        assert mask_target(target) == target
    number = "0905123456"
    for _ in range(9):
        number = quote(number.replace("0", "%30"))
    assert mask_target(f"/{number}") == mask_target(f"/{'x' * 4_000}0905123456") == "***"
