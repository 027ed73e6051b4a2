"""Dates in several languages, as what ``datetime.strptime`` reads."""

import re
import unicodedata
from typing import Any

_WORDS_OF_DATES = re.compile(r"(?:\b[dD]')?([^\W\d_]{2,})\.?(?=\W|\d|$)")
_MONTHS = {
    "Jan": "january jan januar januari januaro janvier janv enero ene gennaio gen janeiro jänner jän "
    "ianuarie styczeń stycznia sty leden ledna январь января янв січень січня ocak oca "
    "gener tammikuu tammikuuta tammi ιανουάριος ιανουαρίου ιαν ינואר يناير มกราคม",
    "Feb": "february feb februar februari février fevrier févr fév fevr febrero febbraio fevereiro fev feber "
    "februarie luty lutego lut únor února февраль февраля фев лютий лютого şubat subat şub "
    "febrer febr február helmikuu helmikuuta helmi φεβρουάριος φεβρουαρίου φεβ פברואר فبراير กุมภาพันธ์",
    "Mar": "march mar märz mär mrz mars marzo março marco maart mrt marts "
    "martie marzec marca březen března март марта мар березень березня mart "
    "március márc maret maaliskuu maaliskuuta maalis μάρτιος μαρτίου μαρ מרץ مارس มีนาคม",
    "Apr": "april apr avril avr abril abr aprile "
    "aprilie kwiecień kwietnia kwi duben dubna апрель апреля апр квітень квітня nisan nis "
    "április huhtikuu huhtikuuta huhti απρίλιος απριλίου απρ אפריל أبريل إبريل เมษายน",
    "May": "may mai mayo maggio mag maio mei maj maja květen května май мая травень травня mayıs mayis "
    "maig május máj toukokuu toukokuuta touko μάιος μαΐου μάι מאי مايو พฤษภาคม",
    "Jun": "june jun juni juin junio giugno giu junho "
    "iunie czerwiec czerwca cze červen června июнь июня июн червень червня haziran haz "
    "juny június jún kesäkuu kesäkuuta kesä ιούνιος ιουνίου ιουν יוני يونيو يونيه มิถุนายน",
    "Jul": "july jul juli juillet juil julio luglio lug julho "
    "iulie lipiec lipca lip červenec července июль июля июл липень липня temmuz tem "
    "juliol július júl heinäkuu heinäkuuta heinä ιούλιος ιουλίου ιουλ יולי يوليو يوليه กรกฎาคม",
    "Aug": "august aug août aout agosto ago augustus augusti "
    "sierpień sierpnia sie srpen srpna август августа авг серпень серпня ağustos agustos ağu "
    "agost augusztus agustus agu agt elokuu elokuuta elo αύγουστος αυγούστου αυγ אוגוסט أغسطس สิงหาคม",
    "Sep": "september sept sep septembre septiembre settembre set setembro "
    "septembrie wrzesień września wrz září сентябрь сентября сен сент вересень вересня eylül eylul eyl "
    "setembre szeptember szept syyskuu syyskuuta syys σεπτέμβριος σεπτεμβρίου σεπ ספטמבר سبتمبر กันยายน",
    "Oct": "october oct oktober okt octobre octubre ottobre ott outubro out "
    "octombrie październik października paź říjen října октябрь октября окт жовтень жовтня ekim eki "
    "október lokakuu lokakuuta loka οκτώβριος οκτωβρίου οκτ אוקטובר أكتوبر ตุลาคม",
    "Nov": "november nov novembre noviembre novembro "
    "noiembrie listopad listopada lis listopadu ноябрь ноября ноя листопад листопада kasım kasim kas "
    "marraskuu marraskuuta marras νοέμβριος νοεμβρίου νοε נובמבר نوفمبر พฤศจิกายน",
    "Dec": "december dec dezember dez décembre decembre déc diciembre dic dicembre dezembro "
    "decembrie desember des grudzień grudnia gru prosinec prosince "
    "декабрь декабря дек грудень грудня aralık aralik ara "
    "desembre joulukuu joulukuuta joulu δεκέμβριος δεκεμβρίου δεκ דצמבר ديسمبر ธันวาคม",
}


def _folded(text: str) -> str:
    """Return a text without accents and other marks, as capitals are often written: fevrier, Μαιος."""
    if text.isascii():
        return text
    apart = unicodedata.normalize("NFD", text)
    return unicodedata.normalize("NFC", "".join(c for c in apart if unicodedata.category(c) != "Mn"))


_PLAIN_WORDS = {_folded(name).casefold(): month for month, names in _MONTHS.items() for name in names.split()}
# In Hebrew, "in" is a letter before the month.
_PLAIN_WORDS |= {f"ב{name}": month for name, month in _PLAIN_WORDS.items() if "א" <= name[0] <= "ת"}
_LEFT_OUT = (  # days of the week, and small words
    "monday tuesday wednesday thursday friday saturday sunday mon tue tues wed thu thur thurs fri sat sun "
    "montag dienstag mittwoch donnerstag freitag samstag sonnabend sonntag mo di mi do fr sa so "
    "lundi mardi mercredi jeudi vendredi samedi dimanche lunes martes miércoles miercoles jueves viernes sábado sabado "
    "domingo lunedì martedì mercoledì giovedì venerdì sabato domenica maandag dinsdag woensdag donderdag vrijdag "
    "zaterdag zondag segunda terça quarta quinta sexta feira poniedziałek wtorek środa czwartek piątek sobota "
    "niedziela понедельник вторник среда четверг пятница суббота воскресенье пн вт ср чт пт сб вс "
    "pazartesi salı çarşamba perşembe cuma cumartesi pazar de del of the at um à den uhr года року roku "
    "ngày tháng năm"
)
_PLAIN_WORDS |= dict.fromkeys(map(_folded, _LEFT_OUT.split()), "")
# The last year before each.
_ERAS = {
    "明治": 1867,
    "大正": 1911,
    "昭和": 1925,
    "平成": 1988,
    "令和": 2018,
    "民国": 1911,
    "民國": 1911,
}


def _year_of_era(found: re.Match[str]) -> str:
    return f"{_ERAS[found['era']] + (1 if found['year'] == '元' else int(found['year']))}年"


def _twelve_hours(found: re.Match[str]) -> str:
    return f"{found['clock']} {'am' if found['half'] in '上午 午前 오전' else 'pm'}"


def _plain_word(found: re.Match[str]) -> str:
    return _PLAIN_WORDS.get(found[1].casefold(), found[0])


_PLAIN_DATE = re.compile(r"\d{1,4}([-/.])\d{1,2}\1\d{1,4}(?: \d\d:\d\d(?::\d\d)?)?")
_OF_OTHER_SCRIPTS: tuple[tuple[re.Pattern[str], Any], ...] = (
    (re.compile(r"(?P<half>上午|午前|오전|下午|午後|오후)\s*(?P<clock>\d{1,2}:\d\d(?::\d\d)?)"), _twelve_hours),
    (re.compile(rf"(?P<era>{'|'.join(_ERAS)})\s*(?P<year>元|\d{{1,3}})年"), _year_of_era),
    (re.compile(r"(?<=[ก-ฮ]\s)2[45]\d\d"), lambda year: str(int(year[0]) - 543)),  # since Buddha
    (re.compile("[年년月월](?=\\s*\\d)\\s*"), "-"),
    (re.compile("[年년月월日일]"), ""),
)
_TIDY: tuple[tuple[re.Pattern[str], Any], ...] = (
    (re.compile(r"(?i)(?<=\d)(?:st|nd|rd|th|er|º|°)\b"), ""),
    (re.compile(r"(?i)(?<=\d)\s*([ap])(?:\.?m\.?|(?<=:\d\d[ap])|(?<=:\d\d\s[ap]))(?=\s|$)"), r" \1m"),
    (_WORDS_OF_DATES, _plain_word),
    (re.compile(r"(?<=\d{4})\s(?:г|р|r)\.?$|(?<=\d)\s(?=[/.-]\s\d)|(?<=\d\s[/-])\s|(?<=\d[/-])\s(?=\d)"), ""),
    # The time of the day comes last, after a space.
    (
        re.compile(r"(?i)^(\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?(?: [ap]m)?)[\s,-]+(?=\d{1,4}\D|[^\W\d_]{3})([^:]+)$"),
        r"\2 \1",
    ),
    (re.compile(r"^([^:]*\d)\s*[-_;|@]\s*(?=\d\d:\d\d)"), r"\1 "),
    (
        re.compile(
            r"(?<=\d{4}):(?=\d\d:\d\d)|(?<=\d)T(?=\d\d:\d\d)|[,.]?\s+(?=\d{1,2}:\d\d)|(?<=\d{4})\.\s(?=[A-Z][a-z]{2}\s\d)"
        ),
        " ",
    ),
    (re.compile(r"(?<=\d)_(?=\d)"), "-"),
    (re.compile(r"(?<=\d)\.\s+(?=\d)"), "."),
    (re.compile(r"(?<=\d)h(?=\d\d)"), ":"),
    (
        re.compile(r"(?i)(?<=\d\d\s)(\d\d)\.(\d\d)(?:\.(\d\d))?(?=$|(?:\.\d+)?\s[ap]m$)"),
        lambda clock: ":".join(filter(None, clock.groups())),
    ),
    (re.compile(r"(?<=\.\d{6})\d+"), ""),
    (re.compile(r"(?:(?<=[^\W\d_])|\s)'(?=\d\d(?:$|\s))|\s+"), " "),
    (re.compile(r"^[\s,-]+|[\s,.]+$"), ""),
)


def tidy(text: str) -> str:
    """Return a date without its day of the week, "th" and the like, its month in English: a form of ``strptime``."""
    if _PLAIN_DATE.fullmatch(text):
        return text
    text = _folded(text)
    for pattern, plain in _TIDY if text.isascii() else (*_OF_OTHER_SCRIPTS, *_TIDY):
        text = pattern.sub(plain, text)
    return text
