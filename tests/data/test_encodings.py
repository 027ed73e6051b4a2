"""Tables that are not UTF-8, in many languages: read as they were written, in training and in prediction alike."""

import csv
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from automl.commands import predict
from automl.data import load
from automl.data.files import read_features
from automl.errors import DataError, UnknownNameError
from automl.export.graph import ML, Graph
from automl.runtime.detect import detect
from automl.runtime.main import main
from automl.runtime.text_file import codec, read_text
from automl.task import Schema, Task
from tests.runtime.folders import write_folder

# Of each language: its encodings, the names of a number, a category and the target, levels, and classes.
LANGUAGES = {
    "Chinese": ("gb18030 gbk gb2312", ["价格", "城市", "结果"], ["北京", "上海市", "广州"], ["合格", "不合格"]),
    "traditional Chinese": ("cp950 big5", ["價格", "城市", "結果"], ["臺北市", "高雄", "桃園"], ["合格", "不合格"]),
    "Japanese": (
        "cp932 shift_jis euc_jp",
        ["価格", "都市", "結果"],
        ["東京", "おおさか", "サッポロ"],
        ["良い", "悪い"],
    ),
    "Korean": ("cp949 euc_kr", ["가격", "도시", "결과"], ["서울", "부산", "대구광역시"], ["합격", "불합격"]),
    "Russian": ("cp1251 koi8_r cp866 iso8859_5", ["Цена", "Город", "Итог"], ["Москва", "Тверь", "Омск"], ["да", "нет"]),
    "Ukrainian": ("cp1251 koi8_u", ["Ціна", "Місто", "Підсумок"], ["Київ", "Львів", "Чернігів"], ["так", "ні"]),
    "Greek": ("cp1253 iso8859_7", ["Τιμή", "Πόλη", "Έκβαση"], ["Αθήνα", "Πάτρα", "Βόλος"], ["ναι", "όχι"]),
    "Hebrew": ("cp1255", ["מחיר", "עיר", "תוצאה"], ["ירושלים", "חיפה", "אילת"], ["כן", "לא"]),
    "Arabic": ("cp1256", ["السعر", "المدينة", "النتيجة"], ["القاهرة", "بيروت", "دمشق"], ["نعم", "لا"]),
    "Thai": ("cp874", ["ราคา", "เมือง", "ผล"], ["กรุงเทพ", "เชียงใหม่", "ภูเก็ต"], ["ใช่", "ไม่"]),
    "Polish": (
        "cp1250 iso8859_2 cp852",
        ["Wartość", "Miasto", "Jakość"],
        ["Łódź", "Kraków", "Poznań"],
        ["zła", "wyższa"],
    ),
    "Czech": ("cp1250 iso8859_2 cp852", ["Počet", "Město", "Závěr"], ["Plzeň", "Třebíč", "Děčín"], ["špatný", "dobrý"]),
    "Hungarian": ("cp1250 iso8859_2", ["Érték", "Város", "Minőség"], ["Győr", "Szűcsi", "Pécs"], ["jó", "szörnyű"]),
    "Turkish": ("cp1254", ["Değer", "Şehir", "Sonuç"], ["İstanbul", "Iğdır", "Muğla"], ["kötü", "iyi değil"]),
    "Latvian": ("cp1257", ["Vērtība", "Pilsēta", "Iznākums"], ["Rīga", "Jūrmala", "Cēsis"], ["jā", "nē"]),
    "French": (
        "cp1252 latin-1 mac_roman cp850",
        ["Coût", "Région", "État"],
        ["Orléans", "Nîmes", "Béziers"],
        ["né", "âgé"],
    ),
    "German": (
        "cp1252 latin-1 mac_roman cp850",
        ["Größe", "Straße", "Güte"],
        ["Köln", "München", "Mölln"],
        ["schön", "übel"],
    ),
    "Spanish": ("cp1252 latin-1", ["Tamaño", "Región", "Años"], ["León", "Cádiz", "La Coruña"], ["sí", "después"]),
    "Danish": ("cp1252", ["Størrelse", "Område", "År"], ["Århus", "Helsingør", "Næstved"], ["nøjagtig", "grå"]),
    "Portuguese": ("cp1252", ["Preço", "Região", "Situação"], ["São Paulo", "Goiânia", "Belém"], ["não", "atenção"]),
}
EACH = [(name, encoding) for name, (encodings, *_) in LANGUAGES.items() for encoding in encodings.split()]


def table_of(names: Sequence[str], levels: Sequence[str], classes: Sequence[str], n_rows: int = 40) -> str:
    rows = [f"{i % 7}.5,{levels[i % 5 % 3]},{classes[i % 3 % 2]}" for i in range(n_rows)]
    return "\r\n".join([",".join(names), *rows, ""])


def folder_of(schema: Schema, folder: Path) -> Path:
    """A model of a number and a category: the first of two classes where the category is its first level."""
    g = Graph()
    number, c = g.input("numeric", np.float32, [1]), g.input("categories", str, [1])
    level = schema.columns[1].levels[0]
    first = g.op("LabelEncoder", c, domain=ML, keys_strings=[level], values_floats=[1.0], default_float=0.0)
    first = g.op("Add", first, g.op("Mul", number, g.constant(np.zeros(1, np.float32))))
    both = g.concat([first, g.op("Sub", g.constant(np.ones(1, np.float32)), first)])
    return write_folder(folder, schema.to_dict(), g.model({"prediction": both}))


@pytest.mark.parametrize(("language", "encoding"), EACH, ids=map(" ".join, EACH))
def test_a_model_reads_what_it_was_trained_on_and_new_data_alike(tmp_path: Path, language: str, encoding: str) -> None:
    _, names, levels, classes = LANGUAGES[language]
    train, data = tmp_path / "train.csv", tmp_path / "data.csv"
    train.write_bytes(table_of(names, levels, classes).encode(encoding))
    task = load(train, names[2])
    assert [column.name for column in task.schema.columns] == names[:2]
    assert task.schema.columns[1].levels == tuple(sorted(levels))
    assert task.schema.classes == tuple(sorted(classes))
    assert any("not UTF-8; it was read as" in note for note in task.notes)
    model = folder_of(task.schema, tmp_path / "model")
    asked = table_of(names[:2], levels, ["", ""], 1).replace(",\r\n", "\r\n")  # too few letters to tell
    for written in (encoding, "utf-8", "utf-16"):
        data.write_bytes(asked.encode(written))
        assert read_features(data, task.schema.to_dict())[0][names[1]].tolist() == levels[:1]
        predict(str(model), str(data), str(tmp_path / "one.csv"))
        assert main([str(data), "-o", str(tmp_path / "other.csv"), "--model", str(model)]) == 0
        assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "other.csv").read_bytes()
        answer = next(csv.DictReader((tmp_path / "one.csv").open(encoding="utf-8")))
        assert answer["prediction"] == sorted(classes)[levels[0] != sorted(levels)[0]]


@pytest.mark.parametrize(("language", "encoding"), [("Chinese", "gbk"), ("Russian", "koi8_r"), ("Polish", "cp1250")])
def test_the_shipped_file_alone_reads_it(tmp_path: Path, language: str, encoding: str) -> None:
    _, names, levels, classes = LANGUAGES[language]
    (tmp_path / "data.csv").write_bytes(table_of(names, levels, classes).encode(encoding))
    model = folder_of(load(tmp_path / "data.csv", names[2]).schema, tmp_path / "model")
    command = [sys.executable, "-I", str(model / "predict.py"), "data.csv", "--threads", "1"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True)
    assert len(done.stdout.decode().splitlines()) == 41
    assert b"not UTF-8" in done.stderr


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_an_encoding_may_be_said(tmp_path: Path, ending: str) -> None:
    rows = [{"n": i, "w": ("þ", "ð")[i % 2], "y": i % 3} for i in range(40)]
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    text = (
        "\n".join(lines) if ending == "jsonl" else "\n".join(["n,w,y", *(f"{r['n']},{r['w']},{r['y']}" for r in rows)])
    )
    (tmp_path / f"d.{ending}").write_bytes(text.encode("cp1252"))
    task = load(tmp_path / f"d.{ending}", "y", encoding="Windows-1254", roles={"w": "categorical"})
    assert task.schema.encoding == "cp1254"
    assert task.schema.columns[1].levels == ("ğ", "ş")
    x = read_features(tmp_path / f"d.{ending}", task.schema.to_dict())[0]
    assert set(x["w"]) == {"ğ", "ş"}


def test_unicode_is_read_as_such_whatever_is_said(tmp_path: Path) -> None:
    text = table_of(*LANGUAGES["Russian"][1:])
    tasks = []
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "cp1251"):
        (tmp_path / "d.csv").write_bytes(text.encode(encoding))
        tasks.append(load(tmp_path / "d.csv", "Итог", encoding="cp1251"))
    assert len({task.schema for task in tasks}) == 1
    assert "encoding" not in load_as_utf8(tmp_path, text).schema.to_dict()
    assert load_as_utf8(tmp_path, text).fingerprint == tasks[3].fingerprint


def load_as_utf8(folder: Path, text: str) -> Task:
    (folder / "d.csv").write_text(text, encoding="utf-8")
    return load(folder / "d.csv", "Итог")


@pytest.mark.parametrize("name", ["cp1215", "base64", "", "windows-1251\0"])
def test_an_unknown_encoding_is_named(tmp_path: Path, name: str) -> None:
    assert not codec(name)
    (tmp_path / "d.csv").write_text("a,target\n1,2\n")
    with pytest.raises(UnknownNameError, match=r"Unknown encoding .*cp1251"):
        load(tmp_path / "d.csv", encoding=name)


def test_a_text_that_is_not_in_what_is_said_is_refused_with_what_it_may_be(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_bytes(table_of(*LANGUAGES["Chinese"][1:]).encode("gb18030"))
    with pytest.raises(DataError, match=r"neither UTF-8 nor ASCII .* It may be GB18030 \(GBK\)\. .*data\.encoding"):
        load(tmp_path / "d.csv", "结果", encoding="ascii")


def test_other_files_of_a_search_are_read_as_the_first(tmp_path: Path) -> None:
    _, names, levels, classes = LANGUAGES["Polish"]
    (tmp_path / "train.csv").write_bytes(table_of(names, levels, classes).encode("cp1250"))
    (tmp_path / "test.csv").write_bytes(table_of(names, ["Kraków"] * 3, ["wyższa"] * 2, 2).encode("cp1250"))
    assert load(tmp_path / "train.csv", names[2], test=tmp_path / "test.csv").n_test == 2


def test_what_may_be_two_encodings_is_said(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_bytes("a,target\nþ,1\nx,2\n".encode("cp1252"))
    text = read_text(tmp_path / "d.csv")
    other = detect("þ".encode("cp1252"))[1]
    assert other
    assert f"(data.encoding={other})" in text.notes[0]


@pytest.mark.parametrize("encoding", ["iso2022_jp", "utf-16-le", "utf-16-be"])
def test_what_tells_its_encoding_by_its_form(tmp_path: Path, encoding: str) -> None:
    text = table_of(*LANGUAGES["Japanese"][1:])
    (tmp_path / "d.csv").write_bytes(text.encode(encoding))
    assert read_text(tmp_path / "d.csv") == (text, (), "")


@pytest.mark.parametrize(
    "text",
    [
        "price\n5 €\n7 €\n",
        "£20\n£30\n",
        "20°C\n",
        "m²\nm³\n",
        "it’s “good”\n",
        "3½\n",
        "café\n",
        "n° 5\n",
        "naïve – no\n",
    ],
)
def test_english_with_a_sign_or_an_accent_stays_windows_1252(text: str) -> None:
    assert detect(text.encode("cp1252"))[0] == "cp1252"


def test_letters_may_come_late_and_broken_bytes_are_few(tmp_path: Path) -> None:
    late = "a,b\n" + "1,x\n" * 500_000 + "2,Москва\n3,Новосибирск\n"
    (tmp_path / "d.csv").write_bytes(late.encode("cp1251"))
    assert read_text(tmp_path / "d.csv").content == late
    broken = "b\n" + "广州,北京上海合格城市\n" * 20
    (tmp_path / "d.csv").write_bytes(broken.encode("gb18030") + b"\xff\n")
    text = read_text(tmp_path / "d.csv")
    assert text.content == broken + "\ufffd\n"
    assert "but for 1 bytes" in text.notes[1]
