"""Amounts with a unit ("120 × 80 cm", "1,4 kg", "500ml", "２８センチ"), each as a number of its dimension's base unit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from blogs.article.quality.text.addresses import ordinary

_UNITS: dict[str, dict[str, float]] = {
    "length": {
        "mm мм millimet* milimet* миллиметр* міліметр* 毫米 ミリ ミリメートル 밀리미터 มม χιλιοστ* مم ملم": 1,
        "cm см zentimeter* centimet* santim* centymetr* sentti* centim* сантиметр* сантиметр* 厘米 公分 センチ センチメートル 센티 센티미터 ซม εκ εκατοστ* سم سنتيمتر* ס״מ ס\"מ": 10,  # noqa: E501
        "m м meter* metre* mètre* metro* metr* метр* 米 公尺 メートル 미터 เมตร μέτρ* متر* מטר*": 1000,
        "km км": 1_000_000,
        "in inch inches zoll pouce* pulgada* pollic* duim дюйм*": 25.4,
        "ft feet": 304.8,
    },
    "volume": {
        "ml мл millilit* mililit* миллилитр* мілілітр* 毫升 ミリリットル 밀리리터 มล مل מ״ל מ\"ל": 1,
        "cl": 10,
        "dl": 100,
        "l л liter* litre* litro* litr* lit литр* літр* 升 公升 リットル 리터 ลิตร λίτρ* لتر* ליטר*": 1000,
    },
    "weight": {
        "mg мг": 0.001,
        "g gr г gram* gramm* grammo* grammi gramme* gramo* грам* 克 グラム 그램 กรัม γρ γραμμ* غرام* جرام* גרם": 1,
        "dag dkg": 10,
        "kg кг kilo kilos kilogram* kilogramm* kilogramo* килограмм* кілограм* 千克 公斤 キロ キログラム 킬로 킬로그램 กก κιλ* كجم كغ ק״ג ק\"ג": 1000,  # noqa: E501
        "oz ounce ounces": 28.35,
        "lb lbs": 453.6,
    },
    "time": {
        "min minute* minut* minuto* minuti minuten minuut* dakika minuutti* perc мин* хвилин* 分钟 分鐘 分間 분 นาที λεπτ* دقيقة דקות": 1,  # noqa: E501
        "h hour* stund* heure* hora* ore ora* uur timer time godzin* hodin* óra saat tunti* час* годин* 小时 小時 時間 시간 ชั่วโมง ώρ* ساعة ساعات שעות": 60,  # noqa: E501
    },
    "power": {"w watt* вт": 1, "kw kilowatt*": 1000},
    "charge": {"mah": 1},
    "share": {"% ％ ٪ percent* prozent* procent* prosent* pourcent por ciento": 1},
}  # fmt: skip


def _patterns() -> tuple[re.Pattern[str], dict[str, tuple[str, float]], list[tuple[str, str, float]]]:
    whole: dict[str, tuple[str, float]] = {}
    begun: list[tuple[str, str, float]] = []
    for dimension, units in _UNITS.items():
        for names, factor in units.items():
            for name in names.split():
                if name.endswith("*"):
                    begun.append((name[:-1], dimension, factor))
                else:
                    whole[name] = (dimension, factor)
    begun.sort(key=lambda unit: -len(unit[0]))
    return re.compile(_AMOUNT), whole, begun


_NUMBER = r"\d{1,3}(?:[.,\u00a0\u202f ]\d{3}){1,5}(?![\d])|\d{1,15}(?:[.,]\d{1,15})?"
# What stands between the numbers of a size or of a range.
_BETWEEN = "[×xX*✕х/–~〜～至到-]|by|auf|mal|por|par|per|na|на|to|bis|à|a|do|до|til|till|tot|ile|ila|or|oder|ou|o|lub"
_AMOUNT = rf"(?<![0-9A-Za-z\u00c0-\u024f])(?<![0-9][.,])((?:(?:{_NUMBER})\s?(?:{_BETWEEN})\s?){{0,2}}(?:{_NUMBER}))\s?[-\u2010\u2011]?\s?([^\W\d_]{{1,16}}(?:[\"״][^\W\d_])?|[%％٪])"  # noqa: E501
_PATTERN, _WHOLE, _BEGUN = _patterns()
_SINGLE = re.compile(_NUMBER)
# Scripts without spaces: what follows the unit belongs to the next word.
_UNSPACED_UNIT = re.compile(
    "|".join(sorted((name for name in _WHOLE if not name.isascii() and ord(name[0]) > 0x2E80), key=len, reverse=True))
)


class Amount(NamedTuple):
    dimension: str
    value: float
    written: str


def amounts(text: str) -> Iterator[Amount]:
    """Yield the amounts of a text; of "120 × 80 cm" both."""
    for found in _PATTERN.finditer(ordinary(text)):
        if unit := _unit(found[2]):
            for number in _SINGLE.findall(found[1]):
                yield Amount(unit[0], _value(number) * unit[1], found[0].strip())


def _unit(written: str) -> tuple[str, float] | None:
    name = written.lower()
    if name in _WHOLE:
        return _WHOLE[name]
    if ord(name[0]) > 0x2E80:
        found = _UNSPACED_UNIT.match(name)
        return _WHOLE[found[0]] if found else None
    latin = re.match(r"[a-z]+(?=[^\x00-\u024f])", name)  # "28cmです"
    if latin and latin[0] in _WHOLE:
        return _WHOLE[latin[0]]
    return next(((dimension, factor) for begin, dimension, factor in _BEGUN if name.startswith(begin)), None)


def _value(number: str) -> float:
    """Read a number as people in any country write it: a point or comma before three digits parts thousands."""
    plain = re.sub(r"[\u00a0\u202f ]", "", number)
    if re.fullmatch(r"\d{1,3}(?:[.,]\d{3})+", plain):
        return float(re.sub("[.,]", "", plain))
    return float(plain.replace(",", "."))


def same(one: float, other: float) -> bool:
    return abs(one - other) <= 0.011 * max(one, other)
