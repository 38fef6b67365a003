"""Define a source database that meets the source contract, and faults that tests plant in the database.

The source contract is the two views that every source must offer: dossiers and transitions.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.ground import CONTRACT_TABLES, NHA_TRANG, TU_PHAP

READER = "checked_reader"
"""The database role that the source gives to MotcuaSMS."""

HEALTHY = f"""
{CONTRACT_TABLES}
CREATE UNIQUE INDEX ON onestop.transitions (transition_id);
CREATE INDEX ON onestop.transitions (recorded_at);
CREATE INDEX ON onestop.transitions (agency_code, dossier_code);
CREATE UNIQUE INDEX ON onestop.dossiers (agency_code, dossier_code);
CREATE INDEX ON onestop.dossiers (updated_at);
CREATE TEMPORARY TABLE given AS
SELECT
    i,
    CASE WHEN i % 3 = 0 THEN '{TU_PHAP}' ELSE '{NHA_TRANG}' END AS agency_code,
    'H32-2611-' || lpad(i::text, 4, '0') AS dossier_code,
    -- Twenty dossiers are received on each of twelve days, every eleven minutes from 7:30.
    (((now() AT TIME ZONE 'Asia/Ho_Chi_Minh')::date - 16 + (i - 1) / 20) + time '07:30'
        + (i - 1) % 20 * interval '11 minutes') AT TIME ZONE 'Asia/Ho_Chi_Minh' AS received_at
FROM generate_series(1, 240) AS g (i);
CREATE TEMPORARY TABLE steps AS
SELECT g.*, s.*, g.received_at + s.after AS at
FROM given AS g
CROSS JOIN (
    VALUES
        (1, 2, TRUE, 'Tiếp nhận', interval '0'),
        (2, 4, FALSE, 'Xử lý', interval '3 hours'),
        (3, 5, TRUE, 'Chờ bổ sung', interval '1 day 1 hour'),
        (4, 4, FALSE, 'Xử lý', interval '1 day 4 hours'),
        (5, 9, TRUE, 'Trả kết quả', interval '2 days 2 hours'),
        (6, 10, TRUE, 'Đã trả', interval '3 days 3 hours')
) AS s (step, status_code, desk, step_name, after)
WHERE (s.step NOT IN (3, 4) OR g.i % 4 = 0) AND (s.step <> 6 OR g.i % 2 = 0);
INSERT INTO onestop.transitions
SELECT
    -- Numbers have gaps, as those of real sequences do.
    1000 + 2 * row_number() OVER (ORDER BY at, i), agency_code, dossier_code,
    lag(step_name) OVER (PARTITION BY i ORDER BY step), step_name, status_code, desk, at - interval '20 seconds', at,
    'can.bo', NULL
FROM steps;
INSERT INTO onestop.dossiers
SELECT
    g.dossier_code, g.agency_code, '1.005129', 'Cấp bản sao trích lục', 'Hộ tịch', 'Nguyễn Thị Lan',
    CASE WHEN g.i % 12 = 0 THEN NULL ELSE '0905' || (271830 + g.i * 977) END, g.received_at,
    CASE g.i % 5 WHEN 0 THEN 'online' ELSE 'direct' END, g.received_at,
    date_trunc('day', g.received_at AT TIME ZONE 'Asia/Ho_Chi_Minh' + interval '5 days') AT TIME ZONE 'Asia/Ho_Chi_Minh'
        + interval '17 hours',
    l.step_name, l.status_code, l.desk, CASE WHEN l.step >= 5 THEN l.at END, CASE WHEN l.step = 6 THEN l.at END, l.at
FROM given AS g
CROSS JOIN LATERAL (SELECT * FROM steps AS s WHERE s.i = g.i ORDER BY s.step DESC LIMIT 1) AS l;
ANALYZE;
GRANT USAGE ON SCHEMA onestop TO {READER};
GRANT SELECT ON ALL TABLES IN SCHEMA onestop TO {READER};
"""


VENDORS_TABLES = """
ALTER SCHEMA onestop RENAME TO kept;
CREATE SCHEMA mot_cua;
CREATE TABLE mot_cua.ho_so AS
SELECT
    dossier_code::varchar(40) AS ma_ho_so, agency_code::varchar(20) AS ma_don_vi, procedure_code AS ma_thu_tuc,
    procedure_name AS ten_thu_tuc, field_name AS linh_vuc, applicant_name AS chu_ho_so,
    applicant_phone AS so_dien_thoai,
    phone_entered_at AT TIME ZONE 'Asia/Ho_Chi_Minh' AS nhap_so_luc,
    CASE submitted_via WHEN 'direct' THEN 0 WHEN 'postal' THEN 1 ELSE 2 END AS hinh_thuc,
    received_at AT TIME ZONE 'Asia/Ho_Chi_Minh' AS tiep_nhan_luc, due_at AT TIME ZONE 'Asia/Ho_Chi_Minh' AS hen_tra_luc,
    step_name AS buoc, status_code::integer AS trang_thai, at_one_stop_desk AS tai_mot_cua,
    finished_at AT TIME ZONE 'Asia/Ho_Chi_Minh' AS xong_luc, returned_at AT TIME ZONE 'Asia/Ho_Chi_Minh' AS tra_luc,
    updated_at AT TIME ZONE 'Asia/Ho_Chi_Minh' AS cap_nhat_luc
FROM kept.dossiers;
CREATE TABLE mot_cua.tien_do AS
SELECT
    transition_id::integer AS id, agency_code::varchar(20) AS ma_don_vi, dossier_code::varchar(40) AS ma_ho_so,
    from_step AS tu_buoc, to_step AS den_buoc, status_code::integer AS trang_thai, at_one_stop_desk AS tai_mot_cua,
    occurred_at AT TIME ZONE 'Asia/Ho_Chi_Minh' AS xu_ly_luc, recorded_at AT TIME ZONE 'Asia/Ho_Chi_Minh' AS ghi_luc,
    actor AS nguoi, note AS ghi_chu
FROM kept.transitions;
"""
"""SQL that copies the source's rows to tables of a vendor's design, with other names and types.

The times in these tables are in Vietnam's time zone, stored without a zone.
"""


@dataclass(frozen=True)
class Fault:
    """A change of a source without faults, and the one finding that the source check must report after the change."""

    kind: str
    sql: str
    forbids: bool
    alone: bool = False
    """Whether this fault contradicts or hides other faults and must be planted alone."""


def _dossiers(first: int, last: int) -> str:
    return f"right(dossier_code, 4) BETWEEN '{first:04}' AND '{last:04}'"


_SHIFT = (
    "UPDATE onestop.transitions SET occurred_at = occurred_at + interval '7 hours',"
    " recorded_at = recorded_at + interval '7 hours';"
    "UPDATE onestop.dossiers SET updated_at = updated_at + interval '7 hours',"
    " received_at = received_at + interval '7 hours', phone_entered_at = phone_entered_at + interval '7 hours',"
    " returned_at = returned_at + interval '7 hours'"
)
_NEW_ROW = (
    "INSERT INTO onestop.transitions SELECT {number}, agency_code, dossier_code, from_step, to_step, status_code,"
    " at_one_stop_desk, occurred_at, {at}, actor, note FROM onestop.transitions WHERE transition_id ="
    " (SELECT max(transition_id) FROM onestop.transitions WHERE {which})"
)
MANY_DOSSIERS = (
    "INSERT INTO onestop.dossiers SELECT dossier_code || '-' || n, agency_code, procedure_code, procedure_name,"
    " field_name, applicant_name, '0912' || (130000 + right(dossier_code, 4)::int * 53 + n * 17911), phone_entered_at,"
    " submitted_via, received_at, due_at, step_name, 2, TRUE, NULL, NULL, updated_at - n * interval '1 second'"
    " FROM onestop.dossiers CROSS JOIN generate_series(1, 45) AS g (n);"
)

FAULTS = (
    # The role, rights, views and columns of the source
    Fault("role_superuser", f"ALTER ROLE {READER} SUPERUSER", True, alone=True),
    Fault("role_may_write", f"GRANT UPDATE (note) ON onestop.transitions TO {READER}", True),
    Fault("rights_missing", f"REVOKE SELECT ON onestop.dossiers FROM {READER}", True, alone=True),
    Fault("views_missing", "DROP TABLE onestop.transitions", True, alone=True),
    Fault("columns_missing", "ALTER TABLE onestop.dossiers DROP COLUMN returned_at, DROP due_at", True, alone=True),
    Fault("column_types", "ALTER TABLE onestop.transitions ALTER status_code TYPE text", True, alone=True),
    Fault(
        "time_without_zone",
        "ALTER TABLE onestop.dossiers ALTER received_at TYPE timestamp USING received_at AT TIME ZONE 'UTC'",
        True,
    ),
    Fault("index_missing", f"{MANY_DOSSIERS} DROP INDEX onestop.dossiers_updated_at_idx; ANALYZE", True, alone=True),
    Fault("unreadable", "ALTER TABLE onestop.dossiers RENAME TO kept; CREATE VIEW onestop.dossiers AS SELECT"
          " dossier_code, agency_code, procedure_code, procedure_name, field_name, applicant_name, applicant_phone,"
          " phone_entered_at, submitted_via, received_at, due_at, step_name,"
          " (status_code / (CASE WHEN dossier_code = 'H32-2611-0001' THEN 0 ELSE 1 END))::smallint AS status_code,"
          f" at_one_stop_desk, finished_at, returned_at, updated_at FROM onestop.kept;"
          f" GRANT SELECT ON onestop.dossiers TO {READER}", True, alone=True),
    # The presence of recent rows
    Fault("empty", "TRUNCATE onestop.transitions, onestop.dossiers", True, alone=True),
    Fault("silent", "UPDATE onestop.transitions SET recorded_at = recorded_at - interval '30 days', occurred_at ="
          " occurred_at - interval '30 days'; UPDATE onestop.dossiers SET updated_at = updated_at - interval '30 days',"
          " received_at = received_at - interval '30 days'", False, alone=True),
    # Keys and numbers
    Fault("dossier_key_missing", "INSERT INTO onestop.dossiers SELECT ' ', agency_code, procedure_code, procedure_name,"
          " field_name, applicant_name, applicant_phone, phone_entered_at, submitted_via, received_at, due_at,"
          f" step_name, 2, TRUE, NULL, NULL, updated_at FROM onestop.dossiers WHERE {_dossiers(1, 1)}", False),
    Fault("dossier_key_double", "DROP INDEX onestop.dossiers_agency_code_dossier_code_idx; INSERT INTO onestop.dossiers"
          f" SELECT * FROM onestop.dossiers WHERE {_dossiers(2, 3)}", True),
    Fault("transition_key_missing", _NEW_ROW.format(
        number="(SELECT max(transition_id) + 2 FROM onestop.transitions)",
        at="(SELECT max(recorded_at) + interval '1 minute' FROM onestop.transitions)", which=_dossiers(4, 4),
    ) + "; UPDATE onestop.transitions SET dossier_code = NULL WHERE transition_id ="
        " (SELECT max(transition_id) FROM onestop.transitions)", False),
    Fault("number_missing", _NEW_ROW.format(number="NULL", at="recorded_at", which=_dossiers(5, 5)), True),
    Fault("number_double", "DROP INDEX onestop.transitions_transition_id_idx; " + _NEW_ROW.format(
        number="transition_id", at="recorded_at", which=_dossiers(6, 6)), True),
    Fault("number_unusable", _NEW_ROW.format(number="-5", at="recorded_at", which=_dossiers(7, 7)), True),
    Fault("numbers_go_back", "UPDATE onestop.transitions SET transition_id = transition_id - 1000 - n.middle FROM"
          " (SELECT percentile_disc(0.9) WITHIN GROUP (ORDER BY transition_id) AS middle FROM onestop.transitions) AS n"
          " WHERE transition_id > n.middle AND transition_id NOT IN (SELECT t.transition_id FROM onestop.transitions AS"
          " t WHERE t.transition_id <= 1000); UPDATE onestop.transitions SET transition_id = transition_id + 1000 WHERE"
          " transition_id < 0", True, alone=True),
    Fault("late_commits", "UPDATE onestop.transitions SET recorded_at = recorded_at + interval '25 minutes' WHERE"
          f" status_code = 9 AND {_dossiers(21, 22)}; UPDATE onestop.dossiers SET updated_at = updated_at + interval"
          f" '25 minutes' WHERE {_dossiers(21, 22)}", False),
    Fault("recorded_backdated", "UPDATE onestop.transitions SET recorded_at = recorded_at - interval '40 minutes' WHERE"
          f" status_code = 4 AND {_dossiers(23, 23)}", False),
    # Times
    Fault("hours_shifted", _SHIFT, True, alone=True),
    Fault("times_in_future", "UPDATE onestop.dossiers SET phone_entered_at = now() + interval '3 days' WHERE"
          f" {_dossiers(25, 26)}", False),
    Fault("recorded_missing", f"UPDATE onestop.transitions SET recorded_at = NULL WHERE status_code = 2 AND"
          f" {_dossiers(27, 28)}", False),
    Fault("occurred_missing", "UPDATE onestop.transitions SET occurred_at = NULL WHERE status_code = 4", False),
    Fault("updated_missing", f"UPDATE onestop.dossiers SET updated_at = NULL WHERE {_dossiers(29, 30)}", False),
    Fault("updated_frozen", f"UPDATE onestop.dossiers SET updated_at = received_at WHERE {_dossiers(31, 60)}", True),
    Fault("received_missing", f"UPDATE onestop.dossiers SET received_at = NULL WHERE {_dossiers(61, 75)}", False),
    # Status and desk
    Fault("status_missing", f"UPDATE onestop.dossiers SET status_code = NULL WHERE {_dossiers(76, 77)}", False),
    Fault("status_unknown", "UPDATE onestop.transitions SET status_code = 11 WHERE status_code = 2 AND"
          f" {_dossiers(78, 79)}", False),
    Fault("moves_impossible", "UPDATE onestop.transitions SET status_code = 10 WHERE status_code = 2 AND"
          f" {_dossiers(81, 82)}", False),
    Fault("row_against_transition", f"UPDATE onestop.dossiers SET status_code = 4 WHERE {_dossiers(85, 110)}", True),
    Fault("desk_missing", f"UPDATE onestop.dossiers SET at_one_stop_desk = NULL WHERE {_dossiers(111, 111)}", False),
    Fault("desk_never", "UPDATE onestop.transitions SET at_one_stop_desk = FALSE;"
          " UPDATE onestop.dossiers SET at_one_stop_desk = FALSE", True, alone=True),
    Fault("desk_always", "UPDATE onestop.transitions SET at_one_stop_desk = TRUE;"
          " UPDATE onestop.dossiers SET at_one_stop_desk = TRUE", True, alone=True),
    Fault("result_never_at_desk", "UPDATE onestop.transitions SET at_one_stop_desk = FALSE WHERE status_code = 9",
          True),
    Fault("supplement_never_at_desk", "UPDATE onestop.transitions SET at_one_stop_desk = FALSE WHERE status_code = 5",
          False),
    Fault("results_never", "UPDATE onestop.transitions SET status_code = 4, at_one_stop_desk = FALSE WHERE status_code"
          " = 9; UPDATE onestop.dossiers SET status_code = 4 WHERE status_code = 9", False, alone=True),
    # Dossiers and their transitions
    Fault("transitions_without_dossier", f"DELETE FROM onestop.dossiers WHERE {_dossiers(121, 122)}", False),
    Fault("dossiers_without_transitions", f"DELETE FROM onestop.transitions WHERE {_dossiers(123, 124)}", False),
    # Codes
    Fault("agency_unknown", "UPDATE onestop.dossiers SET agency_code = '000.99.99.H32' WHERE"
          f" {_dossiers(131, 132)}; UPDATE onestop.transitions SET agency_code = '000.99.99.H32' WHERE"
          f" {_dossiers(131, 132)}", False),
    Fault("code_untidy", "UPDATE onestop.transitions SET dossier_code = ' ' || dossier_code WHERE"
          f" {_dossiers(133, 133)}", False),
    Fault("code_unusable", "UPDATE onestop.transitions SET dossier_code = repeat('9', 60) || dossier_code WHERE"
          f" {_dossiers(135, 135)}; UPDATE onestop.dossiers SET dossier_code = repeat('9', 60) || dossier_code WHERE"
          f" {_dossiers(135, 135)}", False),
    # Phones
    Fault("phones_unusable", "UPDATE onestop.dossiers SET applicant_phone = '02583822' || right(dossier_code, 3)", True,
          alone=True),
    Fault("phones_missing", "UPDATE onestop.dossiers SET applicant_phone = 'không có' WHERE"
          f" {_dossiers(141, 200)}", False, alone=True),
    Fault("phones_unreadable", f"UPDATE onestop.dossiers SET applicant_phone = '0905 12' WHERE {_dossiers(141, 215)}",
          False),
    Fault("phone_shared", f"UPDATE onestop.dossiers SET applicant_phone = '0914553926' WHERE {_dossiers(216, 240)}",
          False),
    # Due dates
    Fault("due_missing", f"UPDATE onestop.dossiers SET due_at = NULL WHERE {_dossiers(141, 200)}", False),
    Fault("due_before_received", "UPDATE onestop.dossiers SET due_at = received_at - interval '9 days' WHERE"
          f" {_dossiers(201, 202)}", False),
    Fault("due_all_equal", "UPDATE onestop.dossiers SET due_at = date_trunc('day', now()) + interval '30 days'", False,
          alone=True),
    Fault("due_at_midnight", "UPDATE onestop.dossiers SET due_at = date_trunc('day', due_at AT TIME ZONE"
          " 'Asia/Ho_Chi_Minh') AT TIME ZONE 'Asia/Ho_Chi_Minh'", False),
    # Texts
    Fault("text_broken", "UPDATE onestop.dossiers SET applicant_name = 'Nguyá»…n Thá»‹ Lan' WHERE"
          f" {_dossiers(203, 204)}", False),
    Fault("applicant_missing", f"UPDATE onestop.dossiers SET applicant_name = ' ' WHERE {_dossiers(205, 225)}", False),
    Fault("procedure_missing", "UPDATE onestop.dossiers SET procedure_code = NULL WHERE"
          f" {_dossiers(205, 225)}", False),
    Fault("submitted_via_unknown", "UPDATE onestop.dossiers SET submitted_via = '0' WHERE"
          f" {_dossiers(226, 226)}", False),
)  # fmt: skip
