"""The table of provinces: area codes, names, series of ID numbers."""

from __future__ import annotations

import unicodedata

import phonenumbers
import pytest

from motcua.domain.phones import numbering_plan as plan


@pytest.mark.parametrize("province", plan.PROVINCES.values(), ids=lambda province: province.key)
def test_the_new_codes_of_the_table_are_landlines_of_that_province(province: plan.Province) -> None:
    digits = province.new_code + ("38253000" if len(province.new_code) == 3 else "3822001")
    number = phonenumbers.parse("+84" + digits[1:])
    assert phonenumbers.number_type(number) == phonenumbers.PhoneNumberType.FIXED_LINE


def test_the_table_has_all_63_provinces_and_59_codes_that_changed() -> None:
    assert len(plan.PROVINCES) == 63
    assert sum(province.old_code != province.new_code for province in plan.PROVINCES.values()) == 59
    assert len({province.old_code for province in plan.PROVINCES.values()}) == 63
    assert len({province.new_code for province in plan.PROVINCES.values()}) == 63
    assert len(plan.PROVINCES) - sum(bool(province.merged_into) for province in plan.PROVINCES.values()) == 34


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("khanh_hoa", "khanh_hoa"),
        ("Khánh Hoà", "khanh_hoa"),
        ("KHÁNH HÒA", "khanh_hoa"),
        (unicodedata.normalize("NFD", "Khánh Hòa"), "khanh_hoa"),
        ("tỉnh Khánh Hòa", "khanh_hoa"),
        ("TP. Hồ Chí Minh", "ho_chi_minh"),
        ("Thành phố Hồ Chí Minh", "ho_chi_minh"),
        ("tp_hcm", "ho_chi_minh"),
        ("Đắc Lắc", "dak_lak"),
        ("Bà Rịa-Vũng Tàu", "ba_ria_vung_tau"),
        ("Thừa Thiên - Huế", "thua_thien_hue"),
    ],
)
def test_a_province_is_found_by_any_of_its_names(name: str, key: str) -> None:
    province = plan.find_province(name)
    assert province is not None
    assert province.key == key


def test_own_id_series_are_those_of_all_provinces_once_they_are_merged() -> None:
    assert plan.own_id_series("dong_thap", False) == ("34",)
    assert sorted(plan.own_id_series("dong_thap", True)) == ["31", "34"]
    assert plan.own_id_series("tay_ninh", False) == plan.own_id_series("", True) == ()
