"""Test ``motcua intake push``, with which a vendor or an operator tries out pushes and sees each answer."""

from __future__ import annotations

import json

import pytest

from motcua.sandbox.vendor.joining import Account
from tests.ground import NHA_TRANG, TU_PHAP, free_port, type_command
from tests.integration.intake.conftest import PASSWORD, SOURCE, dossier, register, step


@pytest.fixture
def push(served):
    """Return a function that types the command and the password of the client ``hue``."""

    def type_in(*words, url=f"{served.base_url}/intake", password=PASSWORD):
        asked = ["intake", "push", *words, "--url", url, "--client", SOURCE]
        return type_command(*asked, exits=None, input=f"{password}\n")

    return type_in


def said(done) -> list[str]:
    """Return the lines that the command printed, without the blank line of the password's prompt."""
    return [line for line in done.stdout.splitlines() if line.strip()]


def test_result_that_is_pushed_by_hand_is_told(push, run, messages):
    register(SOURCE, NHA_TRANG)
    for words, held in ((["--status", "4"], 0), (["--status", "9"], 1)):
        done = push("THU-1", "--phone", "0905123456", "--agency", NHA_TRANG, *words)
        assert done.exit_code == 0, done.output
        assert said(done) == [
            f"TraCuuHoSo: 00  Thành công.  held {held}",
            "DongBoHoSoMC: 00  Thành công.  received 1, repeated 0, refused 0",
            "CapNhatTienDoHoSoMC: 00  Thành công.  received 1, repeated 0, refused 0",
        ]
        assert PASSWORD not in done.output
        run()
    assert messages() == [("result", "THU-1", "queued")]


def test_what_was_not_taken_is_told_in_words_and_by_the_exit_code(push, tmp_path):
    register(SOURCE, NHA_TRANG)
    wrong = push("THU-1", password="wrong")
    assert wrong.exit_code == 1
    assert said(wrong) == ["sign-in: 02  Sai tên đăng nhập hoặc mật khẩu, hoặc tài khoản đã khóa."]
    others = push("THU-1", "--agency", TU_PHAP)
    assert others.exit_code == 1
    assert "record 0 (THU-1): agency_refused." in others.stdout
    file = tmp_path / "day.json"
    file.write_text(json.dumps([dossier("H-1"), dossier("")]), encoding="utf-8")
    done = push("--file", str(file), "--agency", NHA_TRANG)
    assert done.exit_code == 1
    assert said(done)[0] == "DongBoHoSoMC: 00  Thành công.  received 1, repeated 0, refused 1"
    assert said(done)[1].startswith("  record 1 (MaHoSo): code_missing.")
    file.write_text(json.dumps(step("H-1", 9)), encoding="utf-8")
    assert push("--file", str(file), "--steps", "--agency", NHA_TRANG).exit_code == 0


def test_command_with_wrong_arguments_pushes_nothing(push, rows):
    register(SOURCE, NHA_TRANG)
    for words, sentence in (
        ([], "Give the code of a dossier, or a JSON file with --file"),
        (["THU-1", "--file", "x"], "Give the code of a dossier, or a JSON file with --file"),
        (["THU-1", "--status", "11"], "1 to 10"),
        (["--file", "no-such-file"], "no-such-file cannot be read as JSON"),
    ):
        done = push(*words)
        assert (done.exit_code, sentence in " ".join(done.output.split())) == (2, True), words
    assert rows("SELECT 1 FROM intake.client_days") == []


def test_address_of_no_intake_is_reported_in_a_sentence(push, served):
    nobody = push("THU-1", url=f"http://127.0.0.1:{free_port()}/intake")
    assert (nobody.exit_code, "gave no answer that can be read" in nobody.output) == (2, True)
    assert "Traceback" not in nobody.output
    other = push("THU-1", url=f"{served.base_url}/elsewhere")
    assert other.exit_code == 2
    assert "it is not the address of an intake" in " ".join(other.output.split())


def test_beside_a_demo_it_pushes_as_the_demos_own_software(served, configure, tmp_path, messages, run):
    """On a machine with the demo, the command needs no address or password, because it uses the demo's account."""
    register(SOURCE, NHA_TRANG)
    configure(MOTCUA_DATA=str(tmp_path), MOTCUA_SOURCES=f"{SOURCE}=national_sync")
    asked = ["intake", "push", "THU-1", "--status", "9", "--phone", "0905123456"]
    without = type_command(*asked, exits=None)
    assert (without.exit_code, "--url" in without.output) == (2, True)
    (tmp_path / "vendor").mkdir()
    account = Account(f"{served.base_url}/intake", SOURCE, PASSWORD, NHA_TRANG)
    kept = {name: getattr(account, name) for name in ("url", "client", "password", "unit")}
    (tmp_path / "vendor" / "account.json").write_text(json.dumps(kept))
    type_command(*asked)
    run()
    assert messages() == [("result", "THU-1", "queued")]
