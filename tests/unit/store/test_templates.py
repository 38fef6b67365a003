"""Test the template files: their texts are exactly those listed here, and a malformed file gives a clear error."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from motcua.domain.texts import remove_accents, render, segment_text
from motcua.store.notices.templates import (
    TemplateFileError,
    load_template_versions,
    load_templates,
)

# The texts of report 1263/STTTT-CNTT of 19/9/2016, with our names of parameters.
REPORT = {
    "result": (
        "Thông báo: Hồ sơ của quý Ông/Bà ({dossier_code}) đã được giải quyết xong. Mời Ông/Bà đến Bộ phận "
        "Một cửa {agency_name} để nhận kết quả"
    ),
    "supplement": (
        "Thông báo: Hồ sơ của quý Ông/Bà ({dossier_code}) cần bổ sung theo quy định. Mời Ông/Bà đến Bộ phận "
        "Một cửa {agency_name} để nhận thông báo"
    ),
    "apology": (
        "Thông báo: Hồ sơ của quý Ông/Bà ({dossier_code}) chưa có kết quả vào ngày {due_date}. {agency_name} "
        "chân thành xin lỗi. Ông/Bà vui lòng đến nhận kết quả khi có tin nhắn tiếp theo"
    ),
    "reply": ("Hồ sơ của quý Ông/Bà ({dossier_code}) hiện đang ở bước {step_name}, trạng thái hồ sơ: {punctuality}."),
}
OTHER_REPLIES = {
    "reply_help": (
        "Soạn tin: MCKH (mã số hồ sơ) gửi 9029. Mã số hồ sơ ghi trên Giấy tiếp nhận hồ sơ và hẹn trả kết quả."
    ),
    "reply_unknown": (
        "Không tìm thấy hồ sơ ({asked_code}). Ông/Bà vui lòng kiểm tra lại mã số trên Giấy tiếp nhận hồ sơ "
        "hoặc liên hệ Bộ phận Một cửa."
    ),
    "reply_several_agencies": (
        "Mã số hồ sơ ({dossier_code}) có ở nhiều cơ quan. Ông/Bà vui lòng nhắn lại: MCKH (mã số hồ sơ) "
        "(mã cơ quan) gửi 9029."
    ),
    "reply_limit": (
        "Số điện thoại này đã tra cứu quá số lần cho phép trong ngày. Ông/Bà vui lòng nhắn lại vào ngày mai "
        "hoặc liên hệ Bộ phận Một cửa."
    ),
    "reply_off": (
        "Dịch vụ tra cứu hồ sơ qua đầu số 9029 chưa được triển khai. Ông/Bà vui lòng liên hệ Bộ phận Một cửa."
    ),
    "reply_stopped": "Tra cứu hồ sơ qua đầu số 9029 đang tạm dừng. Ông/Bà vui lòng liên hệ Bộ phận Một cửa.",
    "reply_error": "Hệ thống tra cứu đang bận. Ông/Bà vui lòng nhắn lại sau ít phút.",
}


def test_the_words_are_those_of_the_report_to_the_letter_and_nothing_else_is_ever_sent() -> None:
    versions = load_template_versions()
    assert {template_id: versions[template_id, 1].body for template_id in load_templates()} == REPORT | OTHER_REPLIES


@pytest.mark.parametrize(
    ("template_id", "values", "text"),
    [
        (
            "apology",
            {"dossier_code": "2016.1234", "agency_name": "Sở KH-ĐT", "due_date": "5/9/2016"},
            "Thong bao: Ho so cua quy Ong/Ba (2016.1234) chua co ket qua vao ngay 5/9/2016. So KH-DT chan "
            "thanh xin loi. Ong/Ba vui long den nhan ket qua khi co tin nhan tiep theo",
        ),
    ],
)
def test_unaccented_texts_to_the_letter(template_id: str, values: dict[str, str], text: str) -> None:
    assert render(load_templates()[template_id], values, accented=False).text == text


def test_the_reply_knows_its_words_for_punctuality() -> None:
    template = load_templates()["reply"]
    assert template.choices["punctuality"] == {
        "on_time": "Đúng hạn",
        "late": "Trễ hạn",
        "no_due_date": "chưa có ngày hẹn trả",
    }


def test_every_template_fits_gsm_without_accents() -> None:
    templates = load_templates()
    assert templates
    for template in templates.values():
        assert segment_text(remove_accents(template.body)).encoding == "GSM-7"


def test_every_reply_without_accents_is_one_segment() -> None:
    values = {
        "dossier_code": "000.00.04.H32-191225-0001",
        "asked_code": "x" * 40,
        "step_name": "Chờ thực hiện nghĩa vụ tài chính",
        "punctuality": "chưa có ngày hẹn trả",
    }
    replies = [template for template_id, template in load_templates().items() if template_id.startswith("reply")]
    assert replies
    for template in replies:
        assert render(template, values, accented=False).segments == 1


def test_the_newest_version_is_used_and_older_ones_stay_loadable(tmp_path: Path) -> None:
    for version in (1, 2, 10):
        _write_template(
            tmp_path,
            f"result.v{version}.yaml",
            version=str(version),
            body=f"Bản {version} ({{dossier_code}})",
        )
    assert load_templates(tmp_path)["result"].version == 10
    versions = load_template_versions(tmp_path)
    assert versions["result", 2].body == "Bản 2 ({dossier_code})"
    assert sorted(versions) == [("result", 1), ("result", 2), ("result", 10)]


def test_a_body_in_nfd_is_read_as_nfc(tmp_path: Path) -> None:
    _write_template(tmp_path, "result.v1.yaml", body=unicodedata.normalize("NFD", "Hồ sơ ({dossier_code})"))
    assert load_templates(tmp_path)["result"].body == "Hồ sơ ({dossier_code})"


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"id": "apology"}, "id: is 'apology', the file name says 'result'"),
        ({"version": "2"}, "version: is 2, the file name says 1"),
        ({"version": "0"}, "version: Input should be greater than or equal to 1"),
        ({"body": '""'}, "body: must not be empty"),
        (
            {"body": '"Hồ sơ\\n{dossier_code}"'},
            "body: must be one line of visible characters, but holds U+000A",
        ),
        ({"body": '"Hồ sơ {dossier_code} {"'}, "body: has a brace"),
        ({"body": '"Hồ sơ {dossier_code} 😀"'}, "body: has a character that cannot be written"),
        (
            {"body": '"Hồ sơ {dossier_code} {agency_name}"'},
            "parameters: are ['dossier_code'], but the body has",
        ),
        (
            {"body": '"{dosier_code}"', "parameters": "[dosier_code]"},
            "parameters: 'dosier_code' is not known",
        ),
        (
            {"body": '"{dossier_code} {dossier_code}"', "parameters": "[dossier_code, dossier_code]"},
            "parameters: 'dossier_code' stands twice",
        ),
        ({"choices": "{punctuality: {late: Trễ hạn}}"}, "choices: 'punctuality' is not a parameter"),
        ({"body": '"Hồ sơ'}, "cannot be read as YAML"),
        ({"id": "result\nid: result"}, "id: stands twice"),
    ],
)
def test_a_malformed_file_is_named_with_its_field(
    tmp_path: Path, fields: dict[str, str | None], complaint: str
) -> None:
    _write_template(tmp_path, "result.v1.yaml", **fields)
    with pytest.raises(TemplateFileError) as error:
        load_templates(tmp_path)
    assert str(tmp_path / "result.v1.yaml") in str(error.value)
    assert complaint in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"!!python/object:os.system {}"])
def test_a_file_that_is_no_template_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "result.v1.yaml").write_bytes(content)
    with pytest.raises(TemplateFileError, match=r"result\.v1\.yaml"):
        load_templates(tmp_path)


@pytest.mark.parametrize("name", ["result.yaml", "result.v01.yaml"])
def test_a_file_name_without_id_and_version_is_refused(tmp_path: Path, name: str) -> None:
    _write_template(tmp_path, name)
    with pytest.raises(TemplateFileError, match="file name"):
        load_templates(tmp_path)


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TemplateFileError, match="holds no template files"):
        load_templates(tmp_path)


def _write_template(folder: Path, name: str, **fields: str | None) -> None:
    """Write a template file; a field with the value ``None`` is left out."""
    content: dict[str, str | None] = {
        "id": "result",
        "version": "1",
        "body": '"Hồ sơ ({dossier_code})"',
        "parameters": "[dossier_code]",
    }
    content |= fields
    lines = [f"{field}: {value}" for field, value in content.items() if value is not None]
    (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
