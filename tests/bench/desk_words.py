"""The words that the desk's data set is made of: openings, adjectives, things and endings of titles, in several languages.

Some are in every tenth title, some in every thousandth. What is unique to a blog is made by `desk_data`.
"""

from __future__ import annotations

LANGUAGES = ("en", "de", "es", "fr", "he", "ja", "ru", "th")

_ENGLISH = {
    "opening": "How to choose|How to care for|Ten reasons to love|The complete guide to|Why we make|Gifts for lovers of|"
    "A short history of|What nobody tells you about",
    "adjective": "wool|merino|organic|handmade|vintage|recycled|ceramic|walnut|linen|leather|copper|bamboo|cashmere|brushed steel|"
    "cotton|enamelled|hand-thrown|double-walled|lightweight|waterproof|foldable|scented|unbleached|oiled oak",
    "thing": "mug|scarf|teapot|rucksack|socks|candle|notebook|lamp|cutting board|blanket|jumper|bowl|coffee grinder|kettle|wallet|"
    "apron|vase|cushion|sandals|watering can|bicycle bell|penknife|hammock|chessboard|fountain pen|raincoat",
    "ending": "for the winter|for beginners|at home|in small kitchens|on a budget|that lasts|for the garden|as a gift",
}
_GERMAN = {
    "opening": "So pflegen Sie|Zehn Gründe für|Der große Ratgeber:|Warum wir sie lieben:|Geschenkideen rund um|Alles über",
    "adjective": "handgemachte|nachhaltige|gewalkte|weiche|robuste|zeitlose|wasserdichte|nordische|gefütterte|schlichte",
    "thing": "Wollsocken|Teekannen|Rucksäcke|Kerzen|Schneidebretter|Decken|Übertöpfe|Kaffeemühlen|Geldbörsen|Gießkannen",
    "ending": "für den Winter|für Einsteiger|zu Hause|in kleinen Küchen|als Geschenk|im Garten",
}
_SPANISH = {
    "opening": "Cómo elegir|Diez razones para querer|La guía completa de|Por qué hacemos|Ideas de regalo:",
    "adjective": "artesanales|orgánicas|de lana|de cerámica|de cuero|recicladas|ligeras|impermeables",
    "thing": "tazas|bufandas|teteras|mochilas|velas|lámparas|mantas|carteras|sandalias|hamacas",
    "ending": "para el invierno|para principiantes|en casa|en cocinas pequeñas|como regalo",
}
_FRENCH = {
    "opening": "Comment choisir|Dix raisons d'aimer|Le guide complet :|Pourquoi nous fabriquons|Idées cadeaux :",
    "adjective": "artisanales|biologiques|en laine|en céramique|en cuir|recyclées|légères|étanches",
    "thing": "tasses|écharpes|théières|bougies|lampes|couvertures|sandales|planches à découper",
    "ending": "pour l'hiver|pour débuter|à la maison|dans une petite cuisine|en cadeau",
}
_HEBREW = {
    "opening": "איך לבחור|עשר סיבות לאהוב|המדריך המלא:|רעיונות למתנה:",
    "adjective": "מצמר|בעבודת יד|מקרמיקה|מעור|ממוחזרים|קלים",
    "thing": "ספלים|צעיפים|קומקומים|תרמילים|נרות|שמיכות|סנדלים",
    "ending": "לחורף|למתחילים|בבית|במתנה",
}
_JAPANESE = {
    "opening": "選び方と使い方：|初めての|長く使える|贈り物に最適な|職人が作る",
    "adjective": "手作りの|有機栽培の|ウールの|陶器の|革の|軽い|防水の|竹の",
    "thing": "マグカップ|マフラー|急須|リュック|靴下|ろうそく|手帳|毛布|財布|じょうろ",
    "ending": "冬の暮らし|初心者向け|小さな台所で|お手入れ方法",
}
_RUSSIAN = {
    "opening": "Как выбрать|Десять причин полюбить|Полный путеводитель:|Почему мы делаем|Идеи подарков:",
    "adjective": "шерстяные|керамические|кожаные|лёгкие|непромокаемые|переработанные|винтажные",
    "thing": "кружки|шарфы|чайники|рюкзаки|свечи|пледы|кошельки|сандалии",
    "ending": "для зимы|для начинающих|дома|на маленькой кухне|в подарок",
}
_THAI = {
    "opening": "วิธีเลือก|สิบเหตุผลที่รัก|คู่มือฉบับสมบูรณ์|ไอเดียของขวัญ",
    "adjective": "ทำมือ|ออร์แกนิก|ขนสัตว์|เซรามิก|หนังแท้|กันน้ำ",
    "thing": "แก้วกาแฟ|ผ้าพันคอ|กาน้ำชา|เป้|เทียนหอม|ผ้าห่ม",
    "ending": "สำหรับฤดูหนาว|สำหรับมือใหม่|ที่บ้าน",
}
_OF = dict(zip(LANGUAGES, (_ENGLISH, _GERMAN, _SPANISH, _FRENCH, _HEBREW, _JAPANESE, _RUSSIAN, _THAI), strict=True))

SHOPS = (
    "Harbour|Northern|Old Mill|Blue Door|Marrow & Sons|Café Müller|Little Fox|Stone Bridge|Green Lane|"
    "Atelier|Casa|Maison|木の家|Тепло"
)
TRADES = "Coffee|Wool|Ceramics|Outdoor|Candles|Leather|Tea|Kitchen|Books|Garden"
BRANDS = "Arvo|Bergstrøm|Casalinda|Dunmore|Elmsworth|Fjäll|Granit|Haruka|Ivory Lane|Juniper"


def rows() -> list[tuple[str, str, int, str]]:
    """List them as (language, part, number from 0 on, words)."""
    return [
        (language, part, number, words)
        for language, parts in _OF.items()
        for part, all_words in parts.items()
        for number, words in enumerate(all_words.split("|"))
    ]
