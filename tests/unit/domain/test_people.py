"""Test who may sign: only people, under names that belong to one person."""

from __future__ import annotations

import pytest

from motcua.domain.people import LONGEST_NAME, NotAPerson, is_person, read_person


@pytest.mark.parametrize(
    "name",
    ["lan", "nguyen.thi.lan", "Nguyễn Thị Lan", "lan@khanhhoa.gov.vn", "an1", "Đỗ Quản", "operation-lan", "admina"],
)
def test_person_signs_with_the_name_as_it_is_written(name):
    assert read_person(f" {name}\n") == name
    assert is_person(name)


@pytest.mark.parametrize(
    "name",
    [
        *("root", "airflow", "motcua", "admin", "postgres", "ubuntu", "xem", "co-quan", "operator", "default"),
        *("Admin", "ADMIN2", "admin@khanhhoa.gov.vn", "co_quan", "Cơ Quan", "Quản trị viên", "ＡＤＭＩＮ", "unnamed"),
        *("VanHanh", "KiemTra", "Sở TTTT"),
    ],
)
def test_account_that_several_people_use_signs_nothing(name):
    with pytest.raises(NotAPerson, match="several people"):
        read_person(name)
    assert not is_person(name)


@pytest.mark.parametrize(
    "name", [None, "", "000.00.30.H32", "1000", "0905123456", "lan 0905.123.456", "lan\nlan", "a" * 201]
)
def test_what_is_no_name_signs_nothing(name):
    assert not is_person(name)
    assert LONGEST_NAME == 200
