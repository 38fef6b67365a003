-- Progress rows of software with the field names of OpenCPS, as the contract's view gives transitions. A date
-- that is no date is NULL; this vendor does not keep the step left. The desk is told as in dossiers.sql.
-- Needs PostgreSQL 16 or later at the vendor. Called by sources/contract.py for sources/opencps.py.
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
FROM opencps."TienDoXuLy" AS t
