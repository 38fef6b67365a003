"""Test the preview of texts: what each text costs, which value needs another segment, and what each part costs."""

from __future__ import annotations

from pathlib import Path

import pytest

from motcua.jobs.texts import (
    FIXED_WORDS,
    AgencyToPreview,
    PreviewRow,
    agencies_to_preview,
    preview_texts,
    where_the_dong_go,
)
from motcua.settings import include_dir
from motcua.store.notices.templates import load_templates
from tests.ground import type_command

LONG_NAME = AgencyToPreview("000.00.04.H32", "Sở Thông tin và Truyền thông", None, False)
SHORT_NAME = AgencyToPreview("000.00.04.H32", "Sở Thông tin và Truyền thông", "Sở TT-TT", True)


def _only_row(rows: list[PreviewRow], template_id: str, code_length: int, accented: bool) -> PreviewRow:
    """Return the preview's only row for a template, a length of the agency's code, and with or without accents."""
    (row,) = (
        row
        for row in rows
        if (row.template_id, len(row.code or ""), row.accented) == (template_id, code_length, accented)
    )
    return row


def test_every_template_is_shown_for_every_agency_code_and_mode() -> None:
    rows = preview_texts(load_templates().values(), agencies_to_preview(include_dir() / "agencies.yaml"), 800)
    results = {(row.agency, row.code, row.accented) for row in rows if row.template_id == "result"}
    assert len(results) == 13 * 2 * 2
    assert {row.template_id for row in rows} == set(load_templates())
    assert {len(row.code) for row in rows if row.code} == {9, 25}
    assert all(row.cost == row.segments * 800 for row in rows)


def test_short_names_keep_results_and_supplements_in_one_unaccented_segment() -> None:
    rows = preview_texts(load_templates().values(), agencies_to_preview(include_dir() / "agencies.yaml"), 800)
    assert {(row.segments, row.template_id == "apology") for row in rows if not row.accented} == {(1, False), (2, True)}


def test_a_value_that_costs_another_segment_is_named_with_the_characters_too_many() -> None:
    rows = preview_texts(load_templates().values(), [LONG_NAME], 850)
    tipped = _only_row(rows, "supplement", 25, accented=False)
    assert (tipped.length, tipped.segments, tipped.cost) == (164, 2, 1700)
    assert (tipped.too_many, tipped.to_spare) == (4, 142)
    assert tipped.tipped_by == ("agency_name", "dossier_code")


def test_no_value_is_blamed_where_no_shorter_one_would_help() -> None:
    """The preview names no value as the cause of another segment if a shorter value would not avoid it."""
    row = _only_row(preview_texts(load_templates().values(), [SHORT_NAME], 800), "apology", 9, accented=False)
    assert (row.segments, row.tipped_by, row.too_many) == (2, (), 0)


def test_shares_add_up_to_the_length_and_the_cost() -> None:
    agencies = [AgencyToPreview("X[1]", "Sở {Tư} pháp €", None, False), LONG_NAME]
    rows = preview_texts(load_templates().values(), agencies, 800)
    assert rows
    for row in rows:
        assert sum(row.shares.values()) == row.length
        assert min(row.shares.values()) > 0
    for cost in where_the_dong_go(rows):
        for mode in (cost.accented, cost.unaccented):
            assert sum(mode.parts.values()) == pytest.approx(mode.cost)


def test_where_the_dong_of_the_apology_go() -> None:
    """The preview splits an apology's cost into the fixed words and the values."""
    agencies = agencies_to_preview(include_dir() / "agencies.yaml")
    (cost,) = where_the_dong_go(preview_texts([load_templates()["apology"]], agencies, 800))
    assert (cost.fixed_length, cost.room_in_one_segment, cost.least_values) == (141, 19, 26)
    assert (cost.unaccented.segments, cost.accented.segments) == ((2,), (3,))
    assert cost.saved_without_accents == 800
    assert cost.unaccented.parts[FIXED_WORDS] > 1200


def test_a_name_that_is_cut_is_reported() -> None:
    agency = AgencyToPreview("X", "Trung tâm Phục vụ hành chính công " * 4, None, False)
    row = _only_row(preview_texts(load_templates().values(), [agency], 800), "result", 9, accented=False)
    assert row.changed == ("agency_name",)
    assert _only_row(preview_texts(load_templates().values(), [LONG_NAME], 800), "result", 9, False).changed == ()


# ---------------------------------------------------------------- motcua texts


def test_the_command_prints_every_template_and_where_the_dong_go(tmp_path: Path) -> None:
    path = tmp_path / "texts.csv"
    result = type_command("texts", "--price", "850", "--csv", str(path))
    for template_id in load_templates():
        assert f"{template_id} v1" in result.output
    for name in ("UBND phường Lộc Thọ", "GSM-7", "UCS-2", "1.700", "Tiền đi đâu", "luôn hơn 1 đoạn"):
        assert name in result.output
    assert path.exists()
    assert "Không nối với sổ" in result.output


@pytest.mark.parametrize("options", [["--agencies", "/nowhere.yaml"], ["--csv", "/nowhere/x.csv"]])
def test_the_command_says_what_is_wrong_without_a_traceback(options: list[str]) -> None:
    result = type_command("texts", *options, exits=1)
    assert "Lỗi: " in result.output
    assert isinstance(result.exception, SystemExit)
