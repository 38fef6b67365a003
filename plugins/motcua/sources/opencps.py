"""One-stop software with OpenCPS's field names: tables ``HoSo`` and ``TienDoXuLy``, no contract views."""

from __future__ import annotations

from motcua.sources.contract import ContractSource


class OpencpsSource(ContractSource):
    """Reads OpenCPS's tables as if they were the contract's views.

    This software does not store whether a dossier is at the one-stop desk, so the SELECTs derive it. A dossier that
    needs a supplement (status 5) is at the desk if its field ``TrangThaiBoSung`` is ``MotCua``. With any other status,
    above all a result (9), the dossier is at the desk if ``PhongBanXuLy``, the department that works on it, is the
    one-stop department, ``MOT_CUA``.

    Dates are texts of the form ``yyyyMMddHHmmss`` in Asia/Ho_Chi_Minh. An invalid date is read as no date. The time of
    receipt is used as the time at which the phone was entered, because the software does not store the time of entry.
    """

    file = "sources/opencps"
