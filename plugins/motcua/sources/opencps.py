"""One-stop software with OpenCPS's field names: tables ``HoSo`` and ``TienDoXuLy``, no contract views."""

from __future__ import annotations

from motcua.sources.contract import ContractSource


class OpencpsSource(ContractSource):
    """Reads OpenCPS's tables as if they were the contract's views.

    This software knows no desk flag; the SELECTs derive it. A supplement (status 5) is at the desk when its
    own state, ``TrangThaiBoSung``, is ``MotCua``. With every other status, a result (9) above all, the
    dossier is at the desk when the department that holds it, ``PhongBanXuLy``, is the one-stop department,
    ``MOT_CUA``.

    Dates are text, ``yyyyMMddHHmmss`` in Asia/Ho_Chi_Minh; what is no date is read as none. The phone's
    time of entry is the time of receipt, as the software keeps no other.
    """

    file = "sources/opencps"
