"""Tables of the Vietnamese numbering plan, past and present, for :mod:`motcua.domain.phones.reading`.

Sources, unless a table names its own: for landline codes Quyết định 2036/QĐ-BTTTT (three phases, 11/2/2017, 15/4/2017
and 17/6/2017); for mobile prefixes the change from 11 to 10 digits of 15/9/2018; for today's blocks the metadata of
``phonenumbers`` 9.0.43. All numbers are in local form, with the trunk prefix 0.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from types import MappingProxyType
from typing import Final

MOBILES_HAVE_10_DIGITS_SINCE: Final = date(2018, 9, 15)
"""Before this day a 10-digit number under 03, 05 or 07 was a landline or did not exist."""

WIDER_08_BLOCKS_SINCE: Final = date(2017, 1, 1)
"""From this day on, the mobile blocks of 08 are those of :data:`OPEN_08_BLOCKS_2017`."""

PROVINCES_MERGED_ON: Final = date(2025, 7, 1)
"""Nghị quyết 202/2025/QH15 merged provinces on this day. Since then an agency's phone fields may contain landlines of a
former neighbouring province."""

MIGRATED_PREFIXES: Final = MappingProxyType(
    {
        "0120": "070",
        "0121": "079",
        "0122": "077",
        "0123": "083",
        "0124": "084",
        "0125": "085",
        "0126": "076",
        "0127": "081",
        "0128": "078",
        "0129": "082",
        "0162": "032",
        "0163": "033",
        "0164": "034",
        "0165": "035",
        "0166": "036",
        "0167": "037",
        "0168": "038",
        "0169": "039",
        "0186": "056",
        "0188": "058",
        "0199": "059",
    }
)
"""Maps an old prefix of 11-digit mobile numbers to today's prefix. The last seven digits of a number stayed the same.
The mapping follows no rule, so it cannot be computed."""

OPEN_08_BLOCKS_2016: Final = ("0868", "0888", "0898")
OPEN_08_BLOCKS_2017: Final = ("0868", "0869", "088", "0898", "0899")

LANDLINE_ONLY_CODES: Final = ("053", "054", "057", "072", "073", "074", "075")
"""Old area codes whose 10-digit numbers were landlines and are not mobile numbers today either."""

WITHOUT_A_LIVING_CARRIER: Final = ("095", "0990", "0991", "0992")
"""Blocks without an active carrier. 095 was S-Fone, 0992 a VSAT network that moved to 0672 in 2018. The library
``phonenumbers`` still accepts some of these numbers as mobile numbers."""

FIRST_LANDLINE_DIGITS: Final = frozenset("234567")
"""First digits of a landline after its area code. Each operator has one such digit, as of 2008: EVN 2, VNPT 3, VTC 4,
SPT 5, Viettel 6, FPT 7 (mic.gov.vn)."""

CARRIER_BY_PREFIX: Final = MappingProxyType(
    dict.fromkeys(
        ("031", "032", "033", "034", "035", "036", "037", "038", "039", "086", "096", "097", "098"), "Viettel"
    )
    | dict.fromkeys(
        ("030", "051", "070", "076", "077", "078", "079", "0896", "0897", "0898", "0899", "090", "093"),
        "MobiFone",
    )
    | dict.fromkeys(("081", "082", "083", "084", "085", "088", "091", "094"), "VinaPhone")
    | dict.fromkeys(("0522", "0523", "0528", "056", "058", "092"), "Vietnamobile")
    | dict.fromkeys(("059", "0993", "0994", "0995", "0996", "0997"), "Gmobile")
    | dict.fromkeys(("0998", "0999"), "Đông Dương")
    | {"087": "iTel", "0559": "Wintel"}
)
"""Carrier to which a block was first allotted. The carrier is only a hint, because numbers can change carrier since
16/11/2018."""


@dataclass(frozen=True, slots=True)
class Province:
    """A province of 2016, with its landline codes before and after 2017 and its successor of 2025.

    ``id_series``: the first two digits of the 9-digit ID numbers of the province's people, if these numbers begin with
    3.
    """

    key: str
    name: str
    old_code: str
    new_code: str
    id_series: str = ""
    merged_into: str = ""


PROVINCES: Final = MappingProxyType(
    {
        province.key: province
        for province in (
            # Phase 1, 11/2/2017.
            Province("son_la", "Sơn La", "022", "0212"),
            Province("lai_chau", "Lai Châu", "0231", "0213"),
            Province("lao_cai", "Lào Cai", "020", "0214"),
            Province("dien_bien", "Điện Biên", "0230", "0215"),
            Province("yen_bai", "Yên Bái", "029", "0216", "", "lao_cai"),
            Province("quang_binh", "Quảng Bình", "052", "0232", "", "quang_tri"),
            Province("quang_tri", "Quảng Trị", "053", "0233"),
            Province("thua_thien_hue", "Thừa Thiên Huế", "054", "0234"),
            Province("quang_nam", "Quảng Nam", "0510", "0235", "", "da_nang"),
            Province("da_nang", "Đà Nẵng", "0511", "0236"),
            Province("thanh_hoa", "Thanh Hóa", "037", "0237"),
            Province("nghe_an", "Nghệ An", "038", "0238"),
            Province("ha_tinh", "Hà Tĩnh", "039", "0239"),
            # Phase 2, 15/4/2017.
            Province("quang_ninh", "Quảng Ninh", "033", "0203"),
            Province("bac_giang", "Bắc Giang", "0240", "0204", "", "bac_ninh"),
            Province("lang_son", "Lạng Sơn", "025", "0205"),
            Province("cao_bang", "Cao Bằng", "026", "0206"),
            Province("tuyen_quang", "Tuyên Quang", "027", "0207"),
            Province("thai_nguyen", "Thái Nguyên", "0280", "0208"),
            Province("bac_kan", "Bắc Kạn", "0281", "0209", "", "thai_nguyen"),
            Province("hai_duong", "Hải Dương", "0320", "0220", "", "hai_phong"),
            Province("hung_yen", "Hưng Yên", "0321", "0221"),
            Province("bac_ninh", "Bắc Ninh", "0241", "0222"),
            Province("hai_phong", "Hải Phòng", "031", "0225"),
            Province("ha_nam", "Hà Nam", "0351", "0226", "", "ninh_binh"),
            Province("thai_binh", "Thái Bình", "036", "0227", "", "hung_yen"),
            Province("nam_dinh", "Nam Định", "0350", "0228", "", "ninh_binh"),
            Province("ninh_binh", "Ninh Bình", "030", "0229"),
            Province("ca_mau", "Cà Mau", "0780", "0290", "38"),
            Province("bac_lieu", "Bạc Liêu", "0781", "0291", "38", "ca_mau"),
            Province("can_tho", "Cần Thơ", "0710", "0292", "36"),
            Province("hau_giang", "Hậu Giang", "0711", "0293", "36", "can_tho"),
            Province("tra_vinh", "Trà Vinh", "074", "0294", "33", "vinh_long"),
            Province("an_giang", "An Giang", "076", "0296", "35"),
            Province("kien_giang", "Kiên Giang", "077", "0297", "37", "an_giang"),
            Province("soc_trang", "Sóc Trăng", "079", "0299", "36", "can_tho"),
            # Phase 3, 17/6/2017.
            Province("ha_noi", "Hà Nội", "04", "024"),
            Province("ho_chi_minh", "Hồ Chí Minh", "08", "028"),
            Province("dong_nai", "Đồng Nai", "061", "0251"),
            Province("binh_thuan", "Bình Thuận", "062", "0252", "", "lam_dong"),
            Province("ba_ria_vung_tau", "Bà Rịa - Vũng Tàu", "064", "0254", "", "ho_chi_minh"),
            Province("quang_ngai", "Quảng Ngãi", "055", "0255"),
            Province("binh_dinh", "Bình Định", "056", "0256", "", "gia_lai"),
            Province("phu_yen", "Phú Yên", "057", "0257", "", "dak_lak"),
            Province("khanh_hoa", "Khánh Hòa", "058", "0258"),
            Province("ninh_thuan", "Ninh Thuận", "068", "0259", "", "khanh_hoa"),
            Province("kon_tum", "Kon Tum", "060", "0260", "", "quang_ngai"),
            Province("dak_nong", "Đắk Nông", "0501", "0261", "", "lam_dong"),
            Province("dak_lak", "Đắk Lắk", "0500", "0262"),
            Province("lam_dong", "Lâm Đồng", "063", "0263"),
            Province("gia_lai", "Gia Lai", "059", "0269"),
            Province("vinh_long", "Vĩnh Long", "070", "0270", "33"),
            Province("binh_phuoc", "Bình Phước", "0651", "0271", "", "dong_nai"),
            Province("long_an", "Long An", "072", "0272", "30", "tay_ninh"),
            Province("tien_giang", "Tiền Giang", "073", "0273", "31", "dong_thap"),
            Province("binh_duong", "Bình Dương", "0650", "0274", "", "ho_chi_minh"),
            Province("ben_tre", "Bến Tre", "075", "0275", "32", "vinh_long"),
            Province("tay_ninh", "Tây Ninh", "066", "0276"),
            Province("dong_thap", "Đồng Tháp", "067", "0277", "34"),
            # Unchanged in 2017.
            Province("phu_tho", "Phú Thọ", "0210", "0210"),
            Province("vinh_phuc", "Vĩnh Phúc", "0211", "0211", "", "phu_tho"),
            Province("hoa_binh", "Hòa Bình", "0218", "0218", "", "phu_tho"),
            Province("ha_giang", "Hà Giang", "0219", "0219", "", "tuyen_quang"),
        )
    }
)
"""Provinces of 2016 by key. A key is the Vietnamese name in ASCII, with words joined by ``_``."""

FOUR_DIGIT_OLD_CODES: Final = frozenset(
    province.old_code for province in PROVINCES.values() if len(province.old_code) == 4 and province.old_code[1] != "2"
)
"""Old area codes of four digits that do not begin with 02. A landline was such a code and seven more digits; today
these numbers do not exist."""

THREE_DIGIT_OLD_CODES: Final = frozenset(
    province.old_code for province in PROVINCES.values() if len(province.old_code) == 3
)

ID_SERIES_LIKE_MOBILES: Final = frozenset({"32", "35", "38"})
"""The first two digits of old 9-digit ID numbers of Bến Tre, An Giang and Bạc Liêu. At every agency, nine digits count
as an ID number if they begin with one of these pairs."""

# fmt: off
CITIZEN_ID_PROVINCES: Final = frozenset(
    f"{code:03}"
    for code in (
        1, 2, 4, 6, 8, 10, 11, 12, 14, 15, 17, 19, 20, 22, 24, 25, 26, 27, 30, 31, 33,
        34, 35, 36, 37, 38, 40, 42, 44, 45, 46, 48, 49, 51, 52, 54, 56, 58, 60, 62, 64, 66,
        67, 68, 70, 72, 74, 75, 77, 79, 80, 82, 83, 84, 86, 87, 89, 91, 92, 93, 94, 95, 96,
    )
)
# fmt: on
"""First three digits of a 12-digit citizen ID (CCCD), Thông tư 07/2016/TT-BCA, appendix 1."""

_OTHER_NAMES: Final = MappingProxyType(
    {
        "hue": "thua_thien_hue",
        "hcm": "ho_chi_minh",
        "tphcm": "ho_chi_minh",
        "hochiminhcity": "ho_chi_minh",
        "saigon": "ho_chi_minh",
        "vungtau": "ba_ria_vung_tau",
        "brvt": "ba_ria_vung_tau",
        "daclac": "dak_lak",
        "daklac": "dak_lak",
        "daclak": "dak_lak",
        "dacnong": "dak_nong",
        "backan": "bac_kan",
        "baccan": "bac_kan",
    }
)
_BY_LETTERS: Final = MappingProxyType({key.replace("_", ""): key for key in PROVINCES} | _OTHER_NAMES)
_TITLE: Final = re.compile(r"^(?:tinh|thanh[\W_]*pho|tp)(?![a-z])[\W_]*")


def fold_name(text: str) -> str:
    """Return the text in lower case without Vietnamese marks: ``Đắk Lắk`` → ``dak lak``."""
    decomposed = unicodedata.normalize("NFKD", text.lower().replace("đ", "d"))
    return "".join(char for char in decomposed if not unicodedata.combining(char))


@lru_cache(maxsize=4096)
def find_province(name: str) -> Province | None:
    """Find a province by its key or its Vietnamese name, accented or not, with or without ``Tỉnh``/``TP``.

    Return None for an unknown name. Phone fields are then read only by the day on which they were typed in.
    """
    letters = fold_name(name).strip()
    for candidate in (_TITLE.sub("", letters), letters):
        key = _BY_LETTERS.get(re.sub(r"[\W_]+", "", candidate))
        if key:
            return PROVINCES[key]
    return None


def _province_and_merged(province_key: str, merged: bool) -> list[Province]:
    return [
        province
        for province in PROVINCES.values()
        if province_key and (province.key == province_key or (merged and province.merged_into == province_key))
    ]


@lru_cache(maxsize=512)
def own_old_codes(province_key: str, merged: bool) -> tuple[str, ...]:
    """Return the old area codes under which people of an agency's province may still write a landline.

    ``merged``: whether the provinces that were merged into this province on 1/7/2025 count as parts of it.
    """
    return tuple(province.old_code for province in _province_and_merged(province_key, merged))


@lru_cache(maxsize=512)
def own_id_series(province_key: str, merged: bool) -> tuple[str, ...]:
    """Return the first two digits of the 9-digit ID numbers of the province's people, if the numbers begin with 3."""
    return tuple({province.id_series for province in _province_and_merged(province_key, merged) if province.id_series})


def carrier_of(local: str) -> str | None:
    """Return the carrier to which the block of a mobile number (``0905123456``) was first allotted, or None."""
    return CARRIER_BY_PREFIX.get(local[:3]) or CARRIER_BY_PREFIX.get(local[:4])
