"""What counts as missing."""

import re
import unicodedata
from collections.abc import Collection
from typing import Any

import numpy as np

from automl.runtime.plain import in_ascii, seen
from automl.runtime.schema import Column

_MISSING_WORDS = "? NA N/A n/a NaN nan -NaN -nan NaT NULL null None <NA> #N/A #NA"
MISSING = frozenset(("", "#N/A N/A", *_MISSING_WORDS.split()))
# In a column of numbers or dates these say that there is none, however they are spelled: see ``_letters``.
_NOTHING_WORDS = (
    "missing|unknown|unk|undefined|undef|unavailable|unavail|not available|not avail|not applicable|not known|"
    "not reported|not recorded|no data|none|null|nil|nan|nat|na|n/a|n/d|n.k.|k.a.|s/d|tbd|tba|tbc|pending|blank|empty|"
    "err|error|invalid|not stated|not provided|not given|not specified|unspecified|not asked|not tested|not done|"
    "not measured|not collected|not determined|not found|not yet known|no value|no answer|no response|no reading|"
    "no info|no information|none given|refused|don't know|do not know|dk|prefer not to say|prefer not to answer|"
    "withheld|redacted|suppressed|confidential|absent|withdrawn|void|n/r|n/m|n/v|n/p|see note|see notes|"
    "to be determined|to be announced|to be confirmed|in progress|not performed|not detected|"
    "below detection limit|below detection|below limit|bdl|"
    "keine angabe|unbekannt|fehlt|nicht verfügbar|onbekend|geen|n.v.t.|inconnu|n.c.|non renseigné|non disponible|"
    "sin dato|sin datos|no disponible|desconocido|sconosciuto|non disponibile|desconhecido|não informado|"
    "não disponível|sem dados|brak|brak danych|b.d.|нет данных|неизвестно|нет|н/д|"
    "不明|未知|无|無|暂无|なし|없음|해당없음|미상"
)
# #DIV/0! and #N/A of a sheet in any language, 1.#IND and nan(ind) of a program, \N of a database, (s) for suppressed.
_NOTHING_MARKS = re.compile(
    r"#¡?[^\W\d_][\w/]*[!?]|#n/?[vda]|#getting_data|[+-]?1\.#[a-z]+|[+-]?[qs]?nan\(\w*\)|\\n|\([^\W\d_]\)"
)
_NO_DATE = re.compile(
    r"0{8}(?:0{4}|0{6})?|0000[-/]00|00[-/]0000"
    r"|(?:0000([-/.])00\1(?:00|0000)|00([-/.])00\2(?:00){1,2})(?:[ T]00:00(?::00)?)?"
)


def _letters(text: str) -> str:
    """Return the letters and digits of a text alone, which are the same for N.A., "n/a" and [NA]."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKD", text.casefold())))


_NOTHING = frozenset(map(_letters, _NOTHING_WORDS.split("|")))


def is_missing(value: Any, marks: Collection[str] = MISSING) -> bool:
    """Whether ``value`` counts as missing: a gap of any type, or one of the words ``marks``."""
    if isinstance(value, str):
        return seen(value) in marks
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return bool(isinstance(value, (float, np.floating, np.datetime64, np.timedelta64)) and value != value)


def says_nothing(text: str) -> bool:
    """Whether a field of a column of numbers or dates only says that there is none: "-", "TBD", "#DIV/0!", "n.a."."""
    plain = in_ascii(text).casefold()
    is_mark = _NOTHING_MARKS.fullmatch(plain) or _NO_DATE.fullmatch(plain)
    return is_mark is not None or (letters := _letters(text)) in _NOTHING or not letters


def marks_of(column: Column) -> Collection[str]:
    """Return the words that are missing in a column of the schema: its own, or ``MISSING``; no level ever is."""
    marks = column.get("missing") or MISSING
    return marks if column.get("role") != "categorical" else frozenset(marks).difference(column.get("levels", ()))
