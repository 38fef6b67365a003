"""Test the table of provinces: area codes, names and series of ID numbers."""

from __future__ import annotations

import unicodedata

import phonenumbers
import pytest

from motcua.domain.phones import numbering_plan as plan


def test_the_new_codes_of_the_table_are_landlines_of_that_province() -> None:
    kinds = set()
    for province in plan.PROVINCES.values():
        digits = province.new_code + ("38253000" if len(province.new_code) == 3 else "3822001")
        kinds.add(phonenumbers.number_type(phonenumbers.parse("+84" + digits[1:])))
    assert kinds == {phonenumbers.PhoneNumberType.FIXED_LINE}


def test_the_table_has_all_63_provinces_and_59_codes_that_changed() -> None:
    assert len(plan.PROVINCES) == 63
    assert sum(province.old_code != province.new_code for province in plan.PROVINCES.values()) == 59
    assert len({province.old_code for province in plan.PROVINCES.values()}) == 63
    assert len({province.new_code for province in plan.PROVINCES.values()}) == 63
    assert len(plan.PROVINCES) - sum(bool(province.merged_into) for province in plan.PROVINCES.values()) == 34


@pytest.mark.parametrize(
    ("key", "names"),
    [
        ("khanh_hoa", ("khanh_hoa", "Khánh Hoà", unicodedata.normalize("NFD", "KHÁNH HÒA"), "tỉnh Khánh Hòa")),
        ("ho_chi_minh", ("TP. Hồ Chí Minh", "Thành phố Hồ Chí Minh", "tp_hcm")),
        ("dak_lak", ("Đắc Lắc",)),
        ("ba_ria_vung_tau", ("Bà Rịa-Vũng Tàu",)),
        ("thua_thien_hue", ("Thừa Thiên - Huế",)),
    ],
)
def test_a_province_is_found_by_any_of_its_names(key: str, names: tuple[str, ...]) -> None:
    found = [plan.find_province(name) for name in names]
    assert [province and province.key for province in found] == [key] * len(names)


def test_merged_province_has_the_id_series_of_all_its_former_provinces() -> None:
    assert plan.own_id_series("dong_thap", False) == ("34",)
    assert sorted(plan.own_id_series("dong_thap", True)) == ["31", "34"]
    assert plan.own_id_series("tay_ninh", False) == plan.own_id_series("", True) == ()
