"""What counts as missing."""

import re
from collections.abc import Collection
from typing import Any

import numpy as np

from automl.runtime.schema import Column

_MISSING_WORDS = "? NA N/A n/a NaN nan -NaN -nan NaT NULL null None <NA> #N/A #NA"
MISSING = frozenset(("", "#N/A N/A", *_MISSING_WORDS.split()))
# In a column of numbers or dates these say that there is none, in any case; a sign alone ("-", "?") does so too.
_NOTHING_WORDS = (
    "missing|unknown|unk|undefined|unavailable|not available|not applicable|not known|not reported|not recorded|"
    "no data|none|null|nil|nan|nat|na|n/a|n.a.|n.a|n/d|n.d.|nd|n.k.|k.a.|s/d|tbd|tba|t.b.d.|tbc|pending|blank|"
    "(blank)|empty|(null)|\\n|#n/a|#na|<na>|#div/0!|#value!|#ref!|#name?|#num!|#null!|"
    "1.#ind|-1.#ind|1.#qnan|-1.#qnan|1.#inf|-1.#inf|err|error|invalid|"
    "not stated|not provided|not given|not specified|unspecified|not asked|not tested|not done|not measured|"
    "not collected|not determined|not found|not yet known|no value|no answer|no response|no reading|no info|"
    "no information|none given|refused|don't know|don’t know|do not know|dk|prefer not to say|prefer not to answer|"
    "withheld|redacted|suppressed|confidential|absent|withdrawn|void|n/r|n.r.|nr|n/m|n.m.|n/k|nk|n/v|see note|"
    "see notes|to be determined|to be announced|to be confirmed|#nv|#n/v|#n/d|#wert!|#bezug!|#zahl!|#valeur!|#nombre!|"
    "#nom?|#¡div/0!|#¡valor!|#¡ref!|#valore!|#rif!|#núm!|"
    "keine angabe|unbekannt|fehlt|n.v.|onbekend|geen|n.v.t.|nvt|inconnu|nc|n.c.|non renseigné|sin dato|sin datos|"
    "desconocido|s.d.|sconosciuto|non disponibile|desconhecido|não informado|sem dados|brak|brak danych|b.d.|"
    "нет данных|неизвестно|нет|н/д|нд|不明|未知|无|無|暂无|なし|없음"
)
_NOTHING = frozenset(_NOTHING_WORDS.split("|"))
_NO_DATE = re.compile(
    r"0{8}(?:0{4}|0{6})?|0000[-/]00|00[-/]0000"
    r"|(?:0000([-/.])00\1(?:00|0000)|00([-/.])00\2(?:00){1,2})(?:[ T]00:00(?::00)?)?"
)


def is_missing(value: Any, marks: Collection[str] = MISSING) -> bool:
    """Whether ``value`` counts as missing: a gap of any type, or one of the words ``marks``."""
    if isinstance(value, str):
        return value.strip() in marks
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return bool(isinstance(value, (float, np.floating, np.datetime64, np.timedelta64)) and value != value)


def says_nothing(text: str) -> bool:
    """Whether a field of a column of numbers or dates only says that there is none: "-", "TBD", "#DIV/0!", "n.a."."""
    plain = text.strip().casefold()
    bare = plain.strip("'\"()[]{}<> ")
    return not any(map(str.isalnum, text)) or not _NOTHING.isdisjoint((plain, bare)) or bool(_NO_DATE.fullmatch(plain))


def marks_of(column: Column) -> Collection[str]:
    """Return the words that are missing in a column of the schema: its own, or ``MISSING``; no level ever is."""
    marks = column.get("missing") or MISSING
    return marks if column.get("role") != "categorical" else frozenset(marks).difference(column.get("levels", ()))
