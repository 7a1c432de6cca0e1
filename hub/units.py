"""Units (UCUM), durations and the park's quantities; values are converted once, at intake.

Codes are UCUM's, case-sensitive (ucum.org/ucum). Beside them stand the spellings that devices and their maps
use. What UCUM has no code for (var, lower explosive limit, turbidity) is written as an annotation, as UCUM asks.
"""

import difflib
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import NamedTuple


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """What the park measures. A value within `deadband` of the last stored one is not stored until
    `heartbeat` has passed; stored readings are kept for `retention`."""

    name: str
    unit: str  # UCUM
    deadband: float = 0.0  # in `unit`
    heartbeat: timedelta = timedelta(seconds=60)
    retention: timedelta = timedelta(days=90)


_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def duration(text: str) -> timedelta:
    """What `30s`, `1.5h` or `90d` says, as settings and rules write it. Raises ValueError."""
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is no duration: write a number and ms, s, m, h or d, such as 30s")
    try:
        return timedelta(seconds=float(found[1]) * _SECONDS[found[2]])
    except OverflowError as error:
        raise ValueError(f"{text!r} is longer than any duration can be") from error


class UnitError(ValueError):
    """A unit that is not known, or that cannot become the other; says what to declare."""


class Conversion(NamedTuple):
    """`value * factor + offset`."""

    factor: float
    offset: float


class _Unit(NamedTuple):
    dimension: str
    factor: float  # to the dimension's first unit
    offset: float = 0.0


_PREFIXES = {"": 1.0, "n": 1e-9, "u": 1e-6, "m": 1e-3, "c": 1e-2, "d": 1e-1, "h": 1e2, "k": 1e3, "M": 1e6, "G": 1e9}
_METRIC = {
    "Pa": ("pressure", 1.0),
    "bar": ("pressure", 1e5),
    "V": ("voltage", 1.0),
    "A": ("current", 1.0),
    "Ohm": ("resistance", 1.0),
    "W": ("power", 1.0),
    "V.A": ("apparent power", 1.0),
    "V.A{reactive}": ("reactive power", 1.0),
    "V.A{reactive}.h": ("reactive energy", 1.0),
    "W.h": ("energy", 3600.0),
    "J": ("energy", 1.0),
    "Hz": ("frequency", 1.0),
    "m": ("length", 1.0),
    "g": ("mass", 1e-3),
    "L": ("volume", 1e-3),
    "s": ("time", 1.0),
    "lx": ("illuminance", 1.0),
    "g/m3": ("mass concentration", 1e-3),
    "m/s": ("speed", 1.0),
    "m/s2": ("acceleration", 1.0),
    "Sv/h": ("dose rate", 1.0),
    "S/cm": ("conductivity", 100.0),
    "S/m": ("conductivity", 1.0),
    "N": ("force", 1.0),
}
# What is counted, as UCUM annotates it: {box} is a count of boxes, and how many pieces one holds nobody has said.
_COUNTED: Mapping[str, tuple[str, ...]] = {
    "box": ("箱", "盒", "boxes", "box", "carton", "ctn", "case", "cases"),
    "piece": ("个", "件", "只", "支", "枚", "颗", "块", "片", "根", "条", "把", "piece", "pieces", "pcs", "pc", "ea"),
    "set": ("套", "组", "付", "副", "set", "sets", "kit", "kits"),
    "bottle": ("瓶", "bottle", "bottles", "btl"),
    "bag": ("包", "袋", "bag", "bags", "pack", "packs", "pkt"),
    "can": ("罐", "听", "can", "cans", "tin"),
    "drum": ("桶", "drum", "drums", "barrel"),
    "roll": ("卷", "roll", "rolls"),
    "sheet": ("张", "sheet", "sheets"),
    "pair": ("双", "对", "pair", "pairs"),
    "device": ("台", "部", "具", "unit", "units", "device"),
    "vehicle": ("辆", "艘", "架", "vehicle"),
    "tent": ("顶", "tent"),
    "bed": ("床", "bed"),
    "bundle": ("捆", "扎", "束", "bundle"),
    "coil": ("盘", "coil"),
    "book": ("本", "册", "book"),
    "person": ("人份", "人", "person", "persons"),
}
_OTHERS = {
    "1": ("fraction", 1.0, 0.0),
    "%": ("fraction", 1e-2, 0.0),
    "[ppth]": ("fraction", 1e-3, 0.0),
    "[ppm]": ("fraction", 1e-6, 0.0),
    "[ppb]": ("fraction", 1e-9, 0.0),
    "%{LEL}": ("lower explosive limit", 1.0, 0.0),
    "%{obs}": ("obscuration", 1.0, 0.0),
    "%/m": ("obscuration per metre", 1.0, 0.0),
    "dB/m": ("optical density per metre", 1.0, 0.0),
    "K": ("temperature", 1.0, 0.0),
    "Cel": ("temperature", 1.0, 273.15),
    "[degF]": ("temperature", 5.0 / 9.0, 459.67 * 5.0 / 9.0),
    "[psi]": ("pressure", 6894.757293168, 0.0),
    "mm[Hg]": ("pressure", 133.322387415, 0.0),
    "m[H2O]": ("pressure", 9806.65, 0.0),
    "mm[H2O]": ("pressure", 9.80665, 0.0),
    "atm": ("pressure", 101325.0, 0.0),
    "min": ("time", 60.0, 0.0),
    "h": ("time", 3600.0, 0.0),
    "d": ("time", 86400.0, 0.0),
    "a": ("time", 31557600.0, 0.0),
    "/min": ("frequency", 1.0 / 60.0, 0.0),
    "km/h": ("speed", 1.0 / 3.6, 0.0),
    "[mi_i]/h": ("speed", 0.44704, 0.0),
    "[kn_i]": ("speed", 1852.0 / 3600.0, 0.0),
    "[in_i]": ("length", 0.0254, 0.0),
    "[ft_i]": ("length", 0.3048, 0.0),
    "m2": ("area", 1.0, 0.0),
    "m3": ("volume", 1.0, 0.0),
    "m3/h": ("flow", 1.0 / 3600.0, 0.0),
    "m3/s": ("flow", 1.0, 0.0),
    "L/min": ("flow", 1e-3 / 60.0, 0.0),
    "L/s": ("flow", 1e-3, 0.0),
    "L/h": ("flow", 1e-3 / 3600.0, 0.0),
    "t": ("mass", 1000.0, 0.0),
    "[lb_av]": ("mass", 0.45359237, 0.0),
    "[g]": ("acceleration", 9.80665, 0.0),
    "deg": ("angle", 1.0, 0.0),
    "rad": ("angle", 57.29577951308232, 0.0),
    "dB[SPL]": ("sound level", 1.0, 0.0),
    "dB": ("ratio level", 1.0, 0.0),
    "dB[mW]": ("power level", 1.0, 0.0),
    "[pH]": ("acidity", 1.0, 0.0),
    "{NTU}": ("turbidity", 1.0, 0.0),
    "mg/L": ("mass concentration", 1e-3, 0.0),
    "W/m2": ("irradiance", 1.0, 0.0),
    "Bq/m3": ("activity concentration", 1.0, 0.0),
    "[pCi]/L": ("activity concentration", 37.0, 0.0),
    **{f"{{{name}}}": (f"count of {name}", 1.0, 0.0) for name in _COUNTED},
    "cd": ("luminous intensity", 1.0, 0.0),
    "lm": ("luminous flux", 1.0, 0.0),
}


def _all_units() -> Iterator[tuple[str, _Unit]]:
    for symbol, (dimension, factor) in _METRIC.items():
        for prefix, times in _PREFIXES.items():
            yield prefix + symbol, _Unit(dimension, factor * times)
    for code, (dimension, factor, offset) in _OTHERS.items():
        yield code, _Unit(dimension, factor, offset)


_UNITS = dict(_all_units())

# As written, after NFKC (which makes ℃ °C, ％ %, ³ 3) and with every micro sign as u and every ohm sign as Ohm.
_SPELLINGS = {
    "": "1",
    "C": "Cel",  # UCUM's coulomb; no device of a park means that
    "°C": "Cel",
    "ºC": "Cel",
    "degC": "Cel",
    "F": "[degF]",
    "°F": "[degF]",
    "ºF": "[degF]",
    "degF": "[degF]",
    "°K": "K",
    "°": "deg",
    "Sec": "s",
    "Millisecs": "ms",
    "PPM": "[ppm]",
    "ppm": "[ppm]",
    "ppb": "[ppb]",
    "‰": "[ppth]",
    "%RH": "%",
    "RH%": "%",
    "%rh": "%",
    "RH": "%",
    "%LEL": "%{LEL}",
    "LEL%": "%{LEL}",
    "%lel": "%{LEL}",
    "%vol": "%",
    "%VOL": "%",
    "%obs/m": "%/m",
    "Wh": "W.h",
    "kWh": "kW.h",
    "KWH": "kW.h",
    "KWh": "kW.h",
    "kwh": "kW.h",
    "MWh": "MW.h",
    "VA": "V.A",
    "kVA": "kV.A",
    "KVA": "kV.A",
    "var": "V.A{reactive}",
    "VAr": "V.A{reactive}",
    "VAR": "V.A{reactive}",
    "kvar": "kV.A{reactive}",
    "kVAr": "kV.A{reactive}",
    "kVar": "kV.A{reactive}",
    "varh": "V.A{reactive}.h",
    "kvarh": "kV.A{reactive}.h",
    "kVArh": "kV.A{reactive}.h",
    "kVARh": "kV.A{reactive}.h",
    "KW": "kW",
    "KV": "kV",
    "KPa": "kPa",
    "Kpa": "kPa",
    "kpa": "kPa",
    "Mpa": "MPa",
    "pa": "Pa",
    "psi": "[psi]",
    "PSI": "[psi]",
    "mmHg": "mm[Hg]",
    "mH2O": "m[H2O]",
    "mmH2O": "mm[H2O]",
    "l": "L",
    "ml": "mL",
    "m^2": "m2",
    "m^3": "m3",
    "cbm": "m3",
    "m^3/h": "m3/h",
    "ug/m^3": "ug/m3",
    "mg/m^3": "mg/m3",
    "l/min": "L/min",
    "lpm": "L/min",
    "LPM": "L/min",
    "l/s": "L/s",
    "l/h": "L/h",
    "mg/l": "mg/L",
    "rpm": "/min",
    "RPM": "/min",
    "r/min": "/min",
    "kph": "km/h",
    "kmh": "km/h",
    "mph": "[mi_i]/h",
    "kn": "[kn_i]",
    "kt": "[kn_i]",
    "m/s^2": "m/s2",
    "dBA": "dB[SPL]",
    "dB(A)": "dB[SPL]",
    "dBm": "dB[mW]",
    "pH": "[pH]",
    "PH": "[pH]",
    "NTU": "{NTU}",
    "lux": "lx",
    "in": "[in_i]",
    "ft": "[ft_i]",
    "lb": "[lb_av]",
    "W/m^2": "W/m2",
    "pCi/L": "[pCi]/L",
    "KOhm": "kOhm",
    "sec": "s",
    "day": "d",
    "hr": "h",
}
_WORDS = {
    "celsius": "Cel",
    "degrees celsius": "Cel",
    "degree celsius": "Cel",
    "deg c": "Cel",
    "centigrade": "Cel",
    "摄氏度": "Cel",
    "fahrenheit": "[degF]",
    "degrees fahrenheit": "[degF]",
    "deg f": "[degF]",
    "华氏度": "[degF]",
    "kelvin": "K",
    "volt": "V",
    "伏": "V",
    "伏特": "V",
    "millivolt": "mV",
    "kilovolt": "kV",
    "amp": "A",
    "ampere": "A",
    "安": "A",
    "安培": "A",
    "milliamp": "mA",
    "milliampere": "mA",
    "毫安": "mA",
    "watt": "W",
    "瓦": "W",
    "kilowatt": "kW",
    "千瓦": "kW",
    "watt hour": "W.h",
    "kilowatt hour": "kW.h",
    "千瓦时": "kW.h",
    "volt-ampere": "V.A",
    "hertz": "Hz",
    "赫兹": "Hz",
    "ohm": "Ohm",
    "percent": "%",
    "pct": "%",
    "percentage": "%",
    "百分比": "%",
    "parts per million": "[ppm]",
    "pascal": "Pa",
    "帕": "Pa",
    "kilopascal": "kPa",
    "千帕": "kPa",
    "兆帕": "MPa",
    "hectopascal": "hPa",
    "millibar": "mbar",
    "lux": "lx",
    "勒克斯": "lx",
    "meter": "m",
    "metre": "m",
    "米": "m",
    "millimeter": "mm",
    "毫米": "mm",
    "liter": "L",
    "litre": "L",
    "升": "L",
    "cubic meter": "m3",
    "立方米": "m3",
    "second": "s",
    "秒": "s",
    "minute": "min",
    "分钟": "min",
    "hour": "h",
    "小时": "h",
    "degree": "deg",
    "decibel": "dB",
    "分贝": "dB",
    "公斤": "kg",
    "千克": "kg",
    "克": "g",
    "吨": "t",
    "kilogram": "kg",
    "毫升": "mL",
    "公升": "L",
    "千米": "km",
    "公里": "km",
    "厘米": "cm",
    "平方米": "m2",
    "平米": "m2",
    "㎡": "m2",
    "立方": "m3",
    "方": "m3",
    **{word: f"{{{name}}}" for name, words in _COUNTED.items() for word in words},
    "none": "1",
    "bool": "1",
    "boolean": "1",
    "count": "1",
    "unitless": "1",
}


def _as_written(spelling: str) -> str:
    text = unicodedata.normalize("NFKC", spelling).strip()
    return text.replace("μ", "u").replace("Ω", "Ohm").replace("º", "°").replace("⋅", ".").replace("·", ".")


def ucum(spelling: str) -> str:
    """The UCUM code that `spelling` means; raises UnitError with the nearest that is known."""
    if spelling in _UNITS:
        return spelling
    text = _as_written(spelling)
    for tried in (text, text.replace(" ", "")):
        if tried in _SPELLINGS:
            return _SPELLINGS[tried]
        if tried in _UNITS:
            return tried
    word = text.casefold()
    for tried in (word, word.removesuffix("s")):
        if tried in _WORDS:
            return _WORDS[tried]
    near = difflib.get_close_matches(text, [*_UNITS, *_SPELLINGS, *_WORDS], n=1, cutoff=0.6)
    hint = f"did you mean {near[0]!r}?" if near else "declare a UCUM code, such as Cel, %, V, [ppm], kPa"
    raise UnitError(f"the unit {spelling!r} is not known; {hint}")


@lru_cache(maxsize=4096)
def conversion(unit: str, to: str) -> Conversion | None:
    """How a value in `unit` becomes one in `to` (a UCUM code); None where it already is.

    Raises UnitError for an unknown unit, and for one of another dimension.
    """
    if unit == to:
        return None
    code = ucum(unit)
    if code == to:
        return None
    here, there = _UNITS[code], _UNITS.get(to)
    if there is None:
        raise UnitError(f"the unit {unit!r} cannot become {to!r}, of which nothing is known; declare it alike on both")
    if here.dimension != there.dimension:
        raise UnitError(
            f"the unit {unit!r} ({here.dimension}) cannot become {to!r} ({there.dimension}); "
            f"declare the unit that the source means, or another quantity"
        )
    if here == there:
        return None
    return Conversion(here.factor / there.factor, (here.offset - there.offset) / there.factor)
