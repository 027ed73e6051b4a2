"""Time zones behind a date: names that mean one offset, and regions, whose offset depends on the day."""

import re
from datetime import tzinfo
from zoneinfo import ZoneInfo

_ZONES = {  # that mean one thing
    **dict.fromkeys(("Z", "UTC", "GMT", "WET"), "+00:00"), **dict.fromkeys(("CET", "MEZ", "BST", "WEST"), "+01:00"),
    **dict.fromkeys(("CEST", "MESZ", "EET"), "+02:00"), **dict.fromkeys(("EEST", "MSK"), "+03:00"), "JST": "+09:00",
    "KST": "+09:00", "AEST": "+10:00", "AEDT": "+11:00", "EDT": "-04:00", "EST": "-05:00", "CDT": "-05:00",
    "CST": "-06:00", "MDT": "-06:00", "MST": "-07:00", "PDT": "-07:00", "PST": "-08:00",
}  # fmt: skip
_ZONES = {name: f" {offset}" for name, offset in _ZONES.items()}
_NAMED_ZONE = re.compile(rf"(?<=[\dMm.])\s*(?P<name>{'|'.join(_ZONES)})$|\[[\w/+-]+\]$")
_NOTED_ZONE = re.compile(r"\s*\([^()\d]*\)$|\b(?:GMT|UTC)(?=[+-]\d\d:?\d\d)")  # beside an offset
_REGION = re.compile(r"(?<=[\dMmZ.])\s*(?P<open>\[)?(?P<name>[A-Z][A-Za-z]+(?:/[A-Z][\w+-]+){1,2})(?(open)\])$")
# Sat Jun 18 17:17:00 EST 2016, as date(1) and Twitter write it.
_BEFORE_YEAR = re.compile(rf"(\d\d:\d\d:\d\d(?: [AP]M)?) ({'|'.join(_ZONES)}|[+-]\d\d:?\d\d) (\d{{4}})$")


def zone_apart(text: str) -> tuple[str, str]:
    """Return a date with a known zone as its offset, at its end, and the region that stood behind it, or ""."""
    region = _REGION.search(text)
    text = _NOTED_ZONE.sub("", text if region is None else text[: region.start()])
    text = _NAMED_ZONE.sub(_as_offset, _BEFORE_YEAR.sub(r"\3 \1 \2", text))
    return text, "" if region is None else region["name"]


def _as_offset(zone: re.Match[str]) -> str:
    return _ZONES.get(zone["name"] or "", "")


def zone_of(region: str) -> tzinfo:
    """Return the zone of a region such as Europe/Berlin. Raises ``ValueError`` where this machine knows none."""
    try:
        return ZoneInfo(region)
    except (KeyError, OSError):
        raise ValueError(region) from None
