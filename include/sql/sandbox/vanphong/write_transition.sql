-- One progress row, once for each act of the simulator; returns its number, also when it was there already.
-- Called by sandbox/world/writers.py.
INSERT INTO opencps."TienDoXuLy" (
    "TienDoXuLyId", "MaHoSo", "NguoiXuLy", "ThoiDiemXuLy", "PhongBanXuLy", "NoiDungXuLy", "GhiChu",
    "TrangThai", "TrangThaiBoSung", "DonViXuLy", "NgayGhi", action_id
)
VALUES (
    coalesce(%(transition_id)s::bigint, nextval('opencps."TienDoXuLy_TienDoXuLyId_seq"')), %(dossier_code)s,
    %(actor)s, %(occurred)s, %(department)s, %(to_step)s, %(note)s, %(status)s, %(supplement)s,
    %(agency_code)s, %(recorded_at)s, %(action_id)s
)
ON CONFLICT (action_id) DO UPDATE SET action_id = excluded.action_id
RETURNING "TienDoXuLyId" AS transition_id
