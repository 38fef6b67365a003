-- The row of a dossier as it is now; safe to repeat. Called by sandbox/world/writers.py.
INSERT INTO opencps."HoSo" (
    "MaHoSo", "MaTTHC", "TenTTHC", "TenLinhVuc", "ChuHoSo", "SoDienThoai", "HinhThuc", "NgayTiepNhan",
    "NgayHenTra", "TrangThaiHoSo", "TrangThaiBoSung", "PhongBanXuLy", "NgayKetThucXuLy", "NgayTra",
    "DonViXuLy", "NgayCapNhat"
)
VALUES (
    %(dossier_code)s, %(procedure_code)s, %(procedure_name)s, %(field_name)s, %(applicant_name)s,
    %(applicant_phone)s, %(form)s, %(received)s, %(due)s, %(status)s, %(supplement)s, %(department)s,
    %(finished)s, %(returned)s, %(agency_code)s, %(updated_at)s
)
ON CONFLICT ("MaHoSo") DO UPDATE SET
    "MaTTHC" = excluded."MaTTHC",
    "TenTTHC" = excluded."TenTTHC",
    "TenLinhVuc" = excluded."TenLinhVuc",
    "ChuHoSo" = excluded."ChuHoSo",
    "SoDienThoai" = excluded."SoDienThoai",
    "NgayHenTra" = excluded."NgayHenTra",
    "TrangThaiHoSo" = excluded."TrangThaiHoSo",
    "TrangThaiBoSung" = excluded."TrangThaiBoSung",
    "PhongBanXuLy" = excluded."PhongBanXuLy",
    "NgayKetThucXuLy" = excluded."NgayKetThucXuLy",
    "NgayTra" = excluded."NgayTra",
    "NgayCapNhat" = excluded."NgayCapNhat"
