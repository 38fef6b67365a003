-- Read the tables of one-stop software with the field names of OpenCPS, and return the columns of the source contract
-- (the views dossiers and transitions, which other vendors provide). A dossier is at the one-stop desk if its
-- department is MOT_CUA. While the citizen must add papers (status 5), it is at the desk if TrangThaiBoSung is MotCua.
-- An invalid date becomes NULL. The vendor's server must be PostgreSQL 16 or later. Called by sources/contract.py for
-- sources/opencps.py.

-- name: dossiers
-- Return dossiers in the columns of the contract's view dossiers (opencps."HoSo").
SELECT
    h."MaHoSo" AS dossier_code,
    h."DonViXuLy" AS agency_code,
    h."MaTTHC" AS procedure_code,
    h."TenTTHC" AS procedure_name,
    h."TenLinhVuc" AS field_name,
    h."ChuHoSo" AS applicant_name,
    h."SoDienThoai" AS applicant_phone,
    -- The vendor stores no time at which the phone was typed in, so the time of the dossier's receipt is used instead.
    CASE
        WHEN
            h."NgayTiepNhan" ~ '^[0-9]{8}([01][0-9]|2[0-3])([0-5][0-9]){2}$'
            AND pg_input_is_valid(
                left(h."NgayTiepNhan", 8) || 'T' || right(h."NgayTiepNhan", -8), 'timestamp'
            )
            THEN
                timezone(
                    'Asia/Ho_Chi_Minh',
                    (left(h."NgayTiepNhan", 8) || 'T' || right(h."NgayTiepNhan", -8))::timestamp
                )
    END AS phone_entered_at,
    CASE h."HinhThuc"
        WHEN '0' THEN 'direct'
        WHEN '1' THEN 'postal'
        WHEN '2' THEN 'online'
    END AS submitted_via,
    CASE
        WHEN
            h."NgayTiepNhan" ~ '^[0-9]{8}([01][0-9]|2[0-3])([0-5][0-9]){2}$'
            AND pg_input_is_valid(
                left(h."NgayTiepNhan", 8) || 'T' || right(h."NgayTiepNhan", -8), 'timestamp'
            )
            THEN
                timezone(
                    'Asia/Ho_Chi_Minh',
                    (left(h."NgayTiepNhan", 8) || 'T' || right(h."NgayTiepNhan", -8))::timestamp
                )
    END AS received_at,
    CASE
        WHEN
            h."NgayHenTra" ~ '^[0-9]{8}([01][0-9]|2[0-3])([0-5][0-9]){2}$'
            AND pg_input_is_valid(left(h."NgayHenTra", 8) || 'T' || right(h."NgayHenTra", -8), 'timestamp')
            THEN
                timezone(
                    'Asia/Ho_Chi_Minh',
                    (left(h."NgayHenTra", 8) || 'T' || right(h."NgayHenTra", -8))::timestamp
                )
    END AS due_at,
    (
        SELECT t."NoiDungXuLy"
        FROM opencps."TienDoXuLy" AS t
        WHERE t."MaHoSo" = h."MaHoSo"
        ORDER BY t."TienDoXuLyId" DESC
        LIMIT 1
    ) AS step_name,
    CASE WHEN h."TrangThaiHoSo" ~ '^ *[0-9]{1,4} *$' THEN h."TrangThaiHoSo"::smallint END AS status_code,
    coalesce(
        CASE btrim(h."TrangThaiHoSo")
            WHEN '5' THEN h."TrangThaiBoSung" = 'MotCua'
            ELSE h."PhongBanXuLy" = 'MOT_CUA'
        END,
        FALSE
    ) AS at_one_stop_desk,
    CASE
        WHEN
            h."NgayKetThucXuLy" ~ '^[0-9]{8}([01][0-9]|2[0-3])([0-5][0-9]){2}$'
            AND pg_input_is_valid(
                left(h."NgayKetThucXuLy", 8) || 'T' || right(h."NgayKetThucXuLy", -8), 'timestamp'
            )
            THEN
                timezone(
                    'Asia/Ho_Chi_Minh',
                    (left(h."NgayKetThucXuLy", 8) || 'T' || right(h."NgayKetThucXuLy", -8))::timestamp
                )
    END AS finished_at,
    CASE
        WHEN
            h."NgayTra" ~ '^[0-9]{8}([01][0-9]|2[0-3])([0-5][0-9]){2}$'
            AND pg_input_is_valid(left(h."NgayTra", 8) || 'T' || right(h."NgayTra", -8), 'timestamp')
            THEN
                timezone(
                    'Asia/Ho_Chi_Minh', (left(h."NgayTra", 8) || 'T' || right(h."NgayTra", -8))::timestamp
                )
    END AS returned_at,
    h."NgayCapNhat" AS updated_at
FROM opencps."HoSo" AS h;

-- name: transitions
-- Return progress rows in the columns of the contract's view transitions (opencps."TienDoXuLy"). This vendor does not
-- store the step that the dossier left.
SELECT
    t."TienDoXuLyId" AS transition_id,
    t."DonViXuLy" AS agency_code,
    t."MaHoSo" AS dossier_code,
    NULL::text AS from_step,
    t."NoiDungXuLy" AS to_step,
    CASE WHEN t."TrangThai" ~ '^ *[0-9]{1,4} *$' THEN t."TrangThai"::smallint END AS status_code,
    coalesce(
        CASE btrim(t."TrangThai")
            WHEN '5' THEN t."TrangThaiBoSung" = 'MotCua'
            ELSE t."PhongBanXuLy" = 'MOT_CUA'
        END,
        FALSE
    ) AS at_one_stop_desk,
    CASE
        WHEN
            t."ThoiDiemXuLy" ~ '^[0-9]{8}([01][0-9]|2[0-3])([0-5][0-9]){2}$'
            AND pg_input_is_valid(
                left(t."ThoiDiemXuLy", 8) || 'T' || right(t."ThoiDiemXuLy", -8), 'timestamp'
            )
            THEN
                timezone(
                    'Asia/Ho_Chi_Minh',
                    (left(t."ThoiDiemXuLy", 8) || 'T' || right(t."ThoiDiemXuLy", -8))::timestamp
                )
    END AS occurred_at,
    t."NgayGhi" AS recorded_at,
    t."NguoiXuLy" AS actor,
    t."GhiChu" AS note
FROM opencps."TienDoXuLy" AS t;
