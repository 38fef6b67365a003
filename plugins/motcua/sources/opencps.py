"""One-stop software with OpenCPS's field names: tables ``HoSo`` and ``TienDoXuLy``, no contract views."""

from __future__ import annotations

from motcua.sources.contract import ContractSource


class OpencpsSource(ContractSource):
    """Reads OpenCPS's tables as if they were the contract's views.

    This software has no desk flag; the SELECTs derive it. A supplement (status 5) is at the desk if its own state,
    ``TrangThaiBoSung``, is ``MotCua``. With any other status, above all a result (9), the dossier is at the desk if the
    department that holds it, ``PhongBanXuLy``, is the one-stop department, ``MOT_CUA``.

    Dates are text, ``yyyyMMddHHmmss`` in Asia/Ho_Chi_Minh; an invalid date is read as no date. The phone's time of
    entry is the time of receipt, because the software stores no other.
    """

    file = "sources/opencps"
