"""Users and roles that Airflow's FAB authentication keeps: what they are on the staff pages."""

from __future__ import annotations

import pytest

from motcua.store.ledger.database import connect
from motcua.store.people import give_agency
from tests.conftest import NHA_TRANG, NOW
from tests.web.fab import asked_in_a_process

pytestmark = pytest.mark.alone


@pytest.mark.guarantee("pages", "what a visitor may see follows from Airflow's own roles")
def test_fabs_roles_are_those_of_the_pages(agencies, tmp_path):
    with connect() as connection:
        give_agency(connection, "cuc", NHA_TRANG, "lan", NOW)
    found = asked_in_a_process(tmp_path)
    auditor, own, operator = "Kiểm tra, chỉ xem", "Quản trị của cơ quan", "Sở Thông tin và Truyền thông"
    assert {name: each["is"] for name, each in found.items() if "is" in each} == {
        "kiem": [auditor, "kiem"],
        "hoa": [own, "hoa"],
        "cuc": [own, "cuc"],
        "lan": [operator, "lan"],
        "minh": [operator, "minh"],
        "ngoai": [auditor, "ngoai"],
    }
    # The calendar, data quality, the carriers' statements, the users.
    assert {name: each["statuses"] for name, each in found.items()} == {
        "kiem": [200, 200, 200, 403],
        "hoa": [200, 200, 403, 403],
        "cuc": [200, 303, 403, 403],
        "lan": [200, 200, 200, 200],
        "minh": [200, 200, 200, 200],
        "ngoai": [200, 200, 200, 403],
        "wrong password": [401],
    }
    assert found["cuc"]["airflow"] == [403, 403, 403], "with the one permission that agencies' people need"
    assert found["cuc"]["dags"] == []
    assert found["minh"]["airflow"] == [200, 200, 200]
    assert found["minh"]["dags"] == ["check_quality"]
    assert {name for name, each in found.items() if each.get("unknown")} == {"hoa"}, "she was given no agency yet"
