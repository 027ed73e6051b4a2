"""How frequent the letters of languages are, as far as it takes to tell the encodings of a text apart."""

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cache

# Letters beyond ASCII, the frequent ones first.
_LETTERS = {
    "western": "éäöüáóíèçñàãêåøßôâõæúëîûïòìùýœðšž",
    "French": "éèàêçôîâûùëïœ",
    "German": "üäöß",
    "Spanish": "óíáéñúü",
    "Portuguese": "ãçáéíóêõâúàô",
    "Italian": "àèòìùé",
    "Nordic": "äöåøæéð",
    "Icelandic": "áíðéóöúýþæ",
    "Finnish": "äöåšž",
    "Dutch": "ëéïöèüá",
    "Catalan": "àéèóíòçúïü",
    "Estonian": "äõüöšž",
    "Polish": "ąęłóśżćńź",
    "Czech": "íáéěřčýžšůúóťďň",
    "Slovak": "áíčéýžšúľťôňäďó",
    "Hungarian": "áéöóőüíúű",
    "Romanian": "ăîâşţ",
    "South Slavic": "čšžćđ",
    "Turkish": "ıüşğçöiâî",
    "Lithuanian": "ėšųžįąčūę",
    "Latvian": "āīēšūņļžģčķ",
    "Russian": "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъё",
    "Ukrainian": "оанивіетрслкудмпзябьгчйхцїжєюшщґф",
    "Belarusian": "аніеорктсвдлябмпуызьгцчйўжэхёшюф",
    "Bulgarian": "аеиотнрсвлдкпмзугъщчяжбцйхшюфь",
    "Serbian": "аиоенрсјтуквдмплзбгшчхцжњћљђфџ",
    "Greek": "αοιετσνηυρπκμλςόίάωέγήδύχφθβώξζψϊϋΐΰ",
    "Hebrew": "יוהלאתרבמשנכםדעחקפטסגצזןךףץ",
    "Arabic": "الينمرتوبةعدسفهكقحجشطصخضذثءئىزغظؤأإآ",
    "Persian": "اينرومدتبهسشلكگفزقحخعپجآصطچغضذژظثئ",
    "Thai": "านรกอเงมยลวัด่ทส้ตะปบิคี์หุแำจพู็ชขไโใื์ึผธถซณศฐภษญฟฉฎฝฌฆฑฒฏฮๆ๊",
}
# Some frequent characters, and those of tables.
_CHINESE = (
    "的一是不了在人有我他这中大来上国个到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可她里后小么心多天而能好都然没日于起还发成事只作当想看文无开手十用主"
    "行方又如前所本见经头面公同三已老从动两长知民样现分将外但身些与高意进把法此实回二理美点月明其种声全工己话儿者向情部正名定女问力机给等几很业最间新什打便位因重被走"
    "电四第门相次东政海口使教西再平真听世气信北少关并内加化由却代军产入先山五太水万市男否状态类别级价格数量姓性龄城省份区备注低优良差合型编号期金额"
)
_TRADITIONAL = (
    "的一是不了在人有我他這中大來上國個到說們為子和你地出道也時年得就那要下以生會自著去之過家學對可她裡後小麼心多天而能好都然沒日於起還發成事只作當想看文無開手十用主"
    "行方又如前所本見經頭面公同三已老從動兩長知民樣現分將外但身些與高意進把法此實回二理美點月明其種聲全工己話兒者向情部正名定女問力機給等幾很業最間新什打便位因重被走"
    "電四第門相次東政海口使教西再平真聽世氣信北少關並內加化由卻代軍產入先山五太水萬市男否狀態類別級價格數量姓性齡城縣區備註低優良差合型編號期金額"
)
_HANGUL = (
    "이다는에의가을하고를은한지로기사대도으어시자리일아서인정있나수그들라과전부해제보와장만것주구여성공원상신동스조계유국등금년소세경안우었미교되용무관중화생적선당학"
    "방연비물문회면거할간명내모트오진실치발개강외없양단마위차행건체호말때남법울산천광충청예니높음낮통역별름격량날짜분급태합불"
)
_WIDE = "，。、（）：；！？“”‘’《》「」『』【】·・—…％～／－＋０１２３４５６７８９　"
_HIRAGANA = "".join(map(chr, range(0x3041, 0x3094)))
_KATAKANA = "".join(map(chr, range(0x30A1, 0x30F7))) + "ー"
_DECAY = 3.5  # the last of n letters is so many powers of e rarer than the first


@cache
def letters(language: str) -> Mapping[str, float]:
    """Return the logarithms of the shares that the letters of a language beyond ASCII have among them.

    Of letters that are small and capital, those of the small ones.
    """
    if language in _LETTERS:
        known = _LETTERS[language]
        weights = [math.exp(-_DECAY * rank / len(known)) for rank in range(len(known))]
        return {letter: math.log(weight / sum(weights)) for letter, weight in zip(known, weights, strict=True)}
    found: dict[str, float] = {}
    for share, group in reversed(_groups()[language]):
        found |= dict.fromkeys(group, math.log(share / len(group)))
    return found


@cache
def _groups() -> Mapping[str, Sequence[tuple[float, str]]]:
    """Return groups of about equally frequent letters, and the share of each, of scripts with thousands of letters."""
    trails = range(0xA1, 0xFF)
    level = {  # of the national standards, which list the letters in use before the rare ones
        "simplified": _block("gb2312", range(0xB0, 0xD8), trails),
        "simplified, rare": _block("gb2312", range(0xD8, 0xF8), trails),
        "traditional": _block("big5", range(0xA4, 0xC7), [*range(0x40, 0x7F), *trails]),
        "traditional, rare": _block("big5", range(0xC9, 0xFA), [*range(0x40, 0x7F), *trails]),
        "kanji": _block("euc_jp", range(0xB0, 0xD0), trails),
        "kanji, rare": _block("euc_jp", range(0xD0, 0xF5), trails),
        "hangul": _block("euc_kr", range(0xB0, 0xC9), trails),
        "hanja": _block("euc_kr", range(0xCA, 0xFE), trails),
    }
    return {
        "Chinese": ((0.5, _CHINESE), (0.4, level["simplified"]), (0.05, _WIDE), (0.01, level["simplified, rare"])),
        "traditional Chinese": (
            (0.5, _TRADITIONAL),
            (0.4, level["traditional"]),
            (0.05, _WIDE),
            (0.01, level["traditional, rare"]),
        ),
        "Japanese": (
            (0.25, _HIRAGANA),
            (0.25, _KATAKANA),
            (0.45, level["kanji"]),
            (0.04, _WIDE),
            (0.01, level["kanji, rare"]),
        ),
        "Korean": ((0.6, _HANGUL), (0.35, level["hangul"]), (0.02, _WIDE), (0.005, level["hanja"])),
    }


def _block(standard: str, leads: Iterable[int], trails: Iterable[int]) -> str:
    pairs = bytes(byte for lead in leads for trail in trails for byte in (lead, trail))
    return pairs.decode(standard, "ignore")
