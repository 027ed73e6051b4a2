"""The page without a browser: every address, sorting and paging, exports, hostile names, who may ask for what."""

import csv
import io
import json
import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from starlette.testclient import TestClient

from automl.board.app import make_app
from automl.board.source import OpenLeaderboard
from automl.explain.mistakes import MOST
from automl.leaderboard import report
from automl.leaderboard.records import StoredMetric
from automl.leaderboard.store import Store
from automl.types import Candidate, Trial
from tests.board import made

TOKEN = "a-token-for-tests"
BASE = "/0/runs/1"
FIGURES = ("scores", "front", "front?cost=bytes", "timeline", "curves", "importance", "parallel?family=net")

HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "' onmouseover='alert(1)",
    "</script><script>alert(1)</script>",
    "<!--",
    "]]>",
    "{{ 7 * 7 }}",
    "{% raw %}",
    "${7*7}",
    "javascript:alert(1)",
    "%{customdata}",
    "<b>bold</b><br>",
    '<a href="javascript:alert(1)">x</a>',
    "&lt;i&gt;&#60;",
    '=HYPERLINK("http://x")',
    "@SUM(1)",
    "+1+1",
    "-2+3|cmd",
    "a/../../b?c#d",
    "100% & more; x=y",
    "tab\tnew\nline",
    "\x1b[31mred\x1b[0m",
    "bell\x07and\x9bcontrol",
    "\u202eright to left",
    "zero\u200bwidth",
    "ünï çødé 漢字 🙂",
    "'; DROP TABLE trial; --",
    "\\u003cscript\\u003e",
    "x" * 300,
)


def client(url: Path, **options: Any) -> TestClient:
    return TestClient(
        make_app([OpenLeaderboard(url)], TOKEN, **options), base_url="http://localhost", follow_redirects=False
    )


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    url, _ = made.leaderboard(tmp_path_factory.mktemp("board"), 120)
    with client(url) as opened:
        yield opened


def ids(page: str) -> list[str]:
    """The trials that a leaderboard shows, in its order."""
    return re.findall(rf'href="{BASE}/trials/(\d+)">#', page.partition("<tbody>")[2])


@pytest.mark.parametrize("path", ["/", BASE, f"{BASE}/progress", f"{BASE}/parameters", f"{BASE}/about", "/compare"])
def test_every_view_opens(board: TestClient, path: str) -> None:
    answer = board.get(path)
    assert answer.status_code == 200
    assert "<main>" in answer.text


def test_a_page_has_the_trials_of_its_place(board: TestClient) -> None:
    pages = [ids(board.get(f"{BASE}?page={i}").text) for i in (1, 2, 3)]
    assert list(map(len, pages)) == [50, 50, 20]
    assert len({id for page in pages for id in page}) == 120
    assert ids(board.get(f"{BASE}?page=99").text) == pages[2]


def test_the_order_is_that_of_the_command_line(board: TestClient, tmp_path: Path) -> None:
    url, run = made.leaderboard(tmp_path, 40)
    with Store(url, read_only=True) as store:
        found = store.board(run)
        expected = [row["id"] for row in report.table(found.trials, found.run.metric)]
    with client(url) as opened:
        assert ids(opened.get(BASE).text) == expected


SORTED: list[tuple[str, Callable[[dict[str, Any]], Any]]] = [
    ("seconds", lambda row: float(row["seconds"])),
    ("id", lambda row: int(row["id"])),
    ("family", lambda row: row["family"]),
    ("value:row_ms", lambda row: float(row["latency_ms"] or "inf")),
]


@pytest.mark.parametrize(("sort", "key"), SORTED, ids=[name for name, _ in SORTED])
@pytest.mark.parametrize("order", ["up", "down"])
def test_sorting(board: TestClient, sort: str, key: Callable[[dict[str, Any]], Any], order: str) -> None:
    rows = {row["id"]: row for row in csv.DictReader(io.StringIO(board.get(f"{BASE}/export.csv").text))}
    shown = [id for i in (1, 2, 3) for id in ids(board.get(f"{BASE}?sort={sort}&order={order}&page={i}").text)]
    measured = [rows[id] for id in shown if sort != "value:row_ms" or rows[id]["latency_ms"]]
    # The one that was shipped alone shows what it measures as shipped, and is sorted by its fold.
    values = [key(row) for row in measured if row["id"] != "0"]
    assert values == sorted(values, reverse=order == "down")
    assert len(shown) == 120


def test_folds_are_told_with_how_many_there_are(board: TestClient) -> None:
    shown = board.get(f"{BASE}?show=&show=folds&status=stopped").text.partition("<tbody>")[2]
    assert set(re.findall(r'<td class="n dim">(\d+/?\d*)</td>', shown)) - set(map(str, range(1, 121))) == {"1/3"}


def test_several_goals_are_named(board: TestClient, tmp_path: Path) -> None:
    url, _ = made.leaderboard(tmp_path, 5, goals=("score", "bytes"))
    with client(url) as opened:
        assert "ranked by score, bytes" in opened.get(BASE).text
    assert "ranked by" not in board.get(BASE).text


def test_filters(board: TestClient) -> None:
    chosen = board.get(f"{BASE}?family=net&status=finished").text
    rows = re.findall(r"<tr class=\"(\w+)[ \w]*\">.*?</svg>(\w+)", chosen, re.S)
    assert rows
    assert set(rows) == {("finished", "net")}
    assert ids(board.get(f"{BASE}?find=%2317").text) == ["17"]
    assert ids(board.get(f"{BASE}?find=NET").text) == ids(board.get(f"{BASE}?family=net").text)
    assert ids(board.get(f"{BASE}?find=%25").text) == []


CHOICES = (
    "",
    "family=net&sort=seconds&order=down",
    "status=finished&find=lines",
    "sort=value:bytes",
    "find=%2317&page=3",
)


@pytest.mark.parametrize("query", CHOICES)
def test_exports_have_what_is_shown_in_its_order(board: TestClient, query: str) -> None:
    shown = [id for i in (1, 2, 3) for id in ids(board.get(f"{BASE}?{query}&page={i}").text)]
    shown = list(dict.fromkeys(shown))  # beyond the last page there is that page
    page = board.get(f"{BASE}?{query}").text
    links = [unescape(link) for link in re.findall(rf'href="({BASE}/export\.[^"]*)" download', page)]
    assert [urlsplit(link).path.rpartition(".")[2] for link in links] == ["csv", "json", "html"]
    table, whole, one_file = (board.get(link).text for link in links)
    rows = list(csv.DictReader(io.StringIO(table)))
    assert [row["id"] for row in rows if row["id"]] == shown
    assert sum(row["family"] == "baseline" for row in rows) == 1
    assert [trial["id"] for trial in json.loads(whole)["trials"]] == shown
    assert re.findall(r'<td class="n">#(\d+)', one_file) == shown
    ranks = {row["id"]: row["rank"] for row in csv.DictReader(io.StringIO(board.get(f"{BASE}/export.csv").text))}
    assert all(row["rank"] == ranks[row["id"]] for row in rows)


def test_the_one_file_holds_what_the_page_does(board: TestClient, tmp_path: Path) -> None:
    page = board.get(f"{BASE}/export.html").text
    for word in ("12 rows lack the target", "data.target", ">compact<", ">test<", "predicting the same for every row"):
        assert word in page
    figures = re.findall(r'<script type="application/json" data-of="(\w+)"', page)
    assert figures == ["scores", "timeline", "front", "curves", "importance", "parallel"]
    url, _ = made.leaderboard(tmp_path, 3)
    with client(url) as opened:
        few = opened.get(f"{BASE}/export.html").text
    assert re.findall(r'<script type="application/json" data-of="(\w+)"', few) == [
        "scores",
        "timeline",
        "front",
        "curves",
    ]
    assert "What decided" not in few


@pytest.mark.parametrize("id", ["0", "6", "9"])
def test_a_trial_is_exported_whole(board: TestClient, id: str) -> None:
    (link,) = re.findall(r'href="([^"]*)" download>JSON</a></dd>', board.get(f"{BASE}/trials/{id}").text)
    answer = board.get(link)
    assert answer.headers["content-disposition"] == f'attachment; filename="adult-trial-{id}.json"'
    found = answer.json()
    expected = made.trials(120, made.FAMILIES, 0.0)[int(id)]
    assert (found["run"]["name"], found["trial"]["id"], found["trial"]["status"]) == ("adult", id, expected.status)
    assert found["trial"]["params"] == dict(expected.candidate.params)
    assert found["trial"]["failure"] == expected.failure
    reports = [(report["progress"], -report["score"]) for report in found["trial"]["reports"]]
    assert reports == [(report.progress, pytest.approx(report.score)) for report in expected.reports]
    assert found["trial"]["fold_scores"] == pytest.approx([-score for score in expected.fold_scores])
    assert board.get(f"{BASE}/trials/x/export.json").status_code == 404


def test_columns(board: TestClient) -> None:
    shown = heads(board.get(f"{BASE}?show=&show=folds").text)
    assert "folds" in shown
    assert "log_loss" not in shown


def heads(page: str) -> list[str]:
    return re.findall(r"<th[^>]*>(?:<a[^>]*>)?([^<]*)", page.partition("<thead>")[2].partition("</thead>")[0])


def test_what_a_network_is_made_of_is_told_where_its_diagram_was_kept(board: TestClient) -> None:
    page = board.get(BASE + "?find=%230").text
    assert heads(page)[-3:] == ["parameters", "multiply_adds", "ended"]
    assert re.findall(r'<td class="n">(\d+)</td>', page)[-2:] == ["10", "8"]


def test_measured_values_are_offered_and_hidden(board: TestClient) -> None:
    usual = board.get(BASE).text
    assert 'name="offer" value="value:parameters"' in usual
    for query in ("hide=value:parameters", "offer=value:parameters&offer=folds&show=folds"):
        page = board.get(f"{BASE}?{query}").text
        assert set(heads(usual)) - set(heads(page)) == {"parameters"}
        assert "hide=value%3Aparameters" in page  # in the links to other pages and orders


def test_columns_that_are_empty_in_the_whole_run_are_not_there(tmp_path: Path) -> None:
    url = tmp_path / "leaderboard.db"
    with Store(url) as store:
        run = store.start_run(name="x", folder=tmp_path, metric=made.METRIC, config={}, task={})
        store.add_trial(run, Trial(Candidate("0", {"family": "a"}), "finished", {"score": 0.5}))
    with client(url) as opened:
        page = opened.get(BASE).text
        assert not {"size", "ms", "weight"} & set(heads(page))
        assert 'value="bytes"' not in page
    with Store(url) as store:
        store.resume_run(run)
        store.add_trial(run, Trial(Candidate("1", {"family": "a"}), "finished", {"score": 0.1, "bytes": 5.0}))
    with client(url) as opened:
        assert {"size", "ms"} & set(heads(opened.get(BASE).text)) == {"size"}


def test_what_was_shipped_and_the_baseline_are_marked(board: TestClient) -> None:
    page = board.get(f"{BASE}?find=%230").text
    assert 'class="badge ship"' in page
    assert "predicting the same for every row" in page


@pytest.mark.parametrize("name", FIGURES)
def test_figures_of_a_run(board: TestClient, name: str) -> None:
    figure = board.get(f"{BASE}/figures/{name}").json()
    assert figure["data"]
    assert all(trace["type"] in ("scatter", "bar") for trace in figure["data"])


@pytest.mark.parametrize("name", ["curve", "confusion", "calibration"])
def test_figures_of_a_trial(board: TestClient, name: str) -> None:
    assert board.get(f"{BASE}/trials/0/figures/{name}").json()["data"]


def test_the_epochs_of_a_network_are_drawn_by_fold(board: TestClient) -> None:
    lines = board.get(f"{BASE}/trials/1/figures/epochs").json()["data"]
    assert [line["name"] for line in lines] == ["fold 1", "fold 2", "fold 3"]
    for line in lines:
        assert line["x"] == [1, 2, 3, 4]
        assert line["y"] == sorted(line["y"], reverse=True)  # log loss as people know it
    assert [">Epochs <" in board.get(f"{BASE}/trials/{id}").text for id in (1, 0)] == [True, False]
    assert "by the epoch" in board.get(f"{BASE}/trials/0/figures/epochs").json()["layout"]["annotations"][0]["text"]


def test_predictions_that_were_not_kept_are_said_to_be_so(board: TestClient) -> None:
    figure = board.get(f"{BASE}/trials/50/figures/confusion").json()
    assert not figure["data"]
    assert "not kept" in figure["layout"]["annotations"][0]["text"]


def test_a_network_is_drawn_where_it_was_kept(board: TestClient) -> None:
    kept, gone = (board.get(f"{BASE}/trials/{id}").text for id in (0, 40))
    assert "Linear 4 → 2" in kept
    assert "10 parameters, 8 multiply-adds" in kept
    assert "multiply-adds" not in gone


def test_a_trial_beside_another(board: TestClient) -> None:
    page = board.get(f"{BASE}/trials/9?to=12").text
    assert "chosen" in page
    assert f'{BASE}/trials/12"' in page
    assert ">default<" in page
    assert "nearest earlier" in page
    assert "ValueError: no such kernel" in board.get(f"{BASE}/trials/6").text
    assert board.get(f"{BASE}/about").text.count("ValueError: no such kernel") == len(made.FAMILIES)


@pytest.mark.parametrize(
    "path", ["/9/runs/1", "/0/runs/77", f"{BASE}/trials/x", f"{BASE}/figures/x", f"{BASE}/export.doc"]
)
def test_what_is_not_there_is_said(board: TestClient, path: str) -> None:
    answer = board.get(path)
    assert answer.status_code == 404
    assert "That is not here" in answer.text


def test_a_trial_that_is_not_there_leads_back_to_its_run(board: TestClient) -> None:
    said = board.get(f"{BASE}/trials/4000").text
    assert "Run 1 has no trial" in said
    assert f'<a href="{BASE}">adult</a>' in said
    assert BASE not in board.get("/0/runs/77/trials/0").text


def test_two_leaderboards_and_their_runs_side_by_side(tmp_path: Path) -> None:
    urls = [made.leaderboard(tmp_path / name, 20, name=name)[0] for name in ("one", "two")]
    app = make_app([OpenLeaderboard(url) for url in urls], TOKEN)
    with TestClient(app, base_url="http://localhost") as opened:
        assert "/1/runs/1" in opened.get("/").text
        page = opened.get("/compare?run=0.1&run=1.1").text
        assert "data.target" in page
        assert len(opened.get("/compare/figure?run=0.1&run=1.1").json()["data"]) == 2


def test_scores_by_other_metrics_or_of_other_data_are_in_other_figures(tmp_path: Path) -> None:
    url = tmp_path / "leaderboard.db"
    with Store(url) as store:
        for name, metric, data in (("a", "r2", "x"), ("b", "rmse", "x"), ("c", "r2", "x"), ("d", "r2", "y")):
            of = StoredMetric(metric, metric == "r2")
            run = store.start_run(name=name, folder=name, metric=of, config={}, task={}, fingerprint=data)
            store.add_trial(run, made.trials(1, ("net",), 0.0)[0])
    with client(url) as opened:
        page = opened.get("/compare?run=0.1&run=0.2&run=0.3&run=0.4").text
        links = [unescape(link) for link in re.findall(r'data-figure="([^"]*)"', page)]
        figures = [opened.get(link).json() for link in links]
        assert opened.get(f"{links[0]}7").json()["data"] == []
    found = [(drawn["layout"]["yaxis"]["title"]["text"], [line["name"] for line in drawn["data"]]) for drawn in figures]
    assert found == [("r2", ["a (1)", "c (3)"]), ("rmse", ["b (2)"]), ("r2", ["d (4)"])]
    assert "only scores in one figure compare" in page


def test_what_others_write_is_seen(tmp_path: Path) -> None:
    url, run = made.leaderboard(tmp_path, 10, end=False)
    with Store(url) as store, client(url) as opened:
        store.resume_run(run)
        before = opened.get(f"{BASE}/version").text
        assert before.startswith("running-10-")
        store.add_trial(run, made.trials(11, made.FAMILIES, 0.0)[10])
        assert opened.get(f"{BASE}/version").text != before
        assert "10" in ids(opened.get(BASE).text)


# ---- hostile names ---------------------------------------------------------------------------------------------------


class Elements(HTMLParser):
    """Collects what a page is made of."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.links: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attributes}
        self.links += [value or "" for name, value in attributes if name in ("href", "src", "action")]

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def elements(page: str) -> Elements:
    found = Elements()
    found.feed(page)
    return found


@pytest.fixture(scope="module", params=range(0, len(HOSTILE), 10))
def hostile(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[TestClient, Any]]:
    names = HOSTILE[request.param : request.param + 10]
    folder = tmp_path_factory.mktemp("hostile")
    url, _ = made.leaderboard(folder, 60, name=names[0], families=names, classes=names, columns=names, notes=names)
    with client(url) as opened:
        yield opened, names


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestClient, Path]]:
    """A leaderboard with a run, its target and its column of each hostile name."""
    folder = tmp_path_factory.mktemp("named")
    for i, name in enumerate(HOSTILE):
        url, _ = made.leaderboard(folder, 3, name=name, at=f"run-{i}")
    with client(url) as opened:
        yield opened, url


VIEWS = ("", "/progress", "/parameters", "/about", "/trials/0", "/trials/0/mistakes", "/trials/6", "/export.html")
NAMES_ALL = ("", "/parameters", "/trials/0/mistakes", "/export.html")


def check_text(page: str, usual: str, names: Sequence[str]) -> None:
    """Check that a page has the elements of the usual one, and the names as text."""
    found = elements(page)
    assert found.tags <= elements(usual).tags | {"dl", "pre", "div", "b", "p", "label", "small"}
    assert not {name for name in found.attributes if name.startswith("on")}
    assert not {link for link in found.links if not link.startswith(("/", "#", "?"))}
    assert not re.search("[\x00\x1b\u202e]", page)
    whole = "".join(found.words)
    assert all(name in whole for name in names if name.isprintable())


@pytest.mark.parametrize("view", VIEWS)
def test_hostile_names_are_text(hostile: tuple[TestClient, Any], board: TestClient, view: str) -> None:
    opened, names = hostile
    answer = opened.get(BASE + view)
    assert answer.status_code == 200
    check_text(answer.text, board.get(BASE + view).text, names if view in NAMES_ALL else names[:1])


@pytest.mark.parametrize("view", ["", "/about", "/trials/0", "/trials/0/mistakes"])
def test_runs_targets_and_columns_of_hostile_names_are_text(
    named: tuple[TestClient, Path], board: TestClient, view: str
) -> None:
    usual = board.get(BASE + view).text
    for i, name in enumerate(HOSTILE, start=1):
        check_text(named[0].get(f"/0/runs/{i}{view}").text, usual, [name])


def test_lists_of_runs_of_hostile_names_are_text(named: tuple[TestClient, Path], board: TestClient) -> None:
    opened, url = named
    check_text(opened.get("/").text, board.get("/").text, HOSTILE)
    for i in range(1, len(HOSTILE), 5):
        chosen = "&".join(f"run=0.{i + j}" for j in range(5))
        page = opened.get(f"/compare?{chosen}").text
        check_text(page, page, HOSTILE[i - 1 : i + 4])
        assert "<script>alert" not in page + opened.get(f"/compare/figure?{chosen}").text
    with Store(url, read_only=True) as store:
        rows = list(csv.reader(io.StringIO(report.runs_to_csv(store.runs()))))
    assert len(rows) == 1 + len(HOSTILE)
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "@", "+1", "-2+"))]


def test_hostile_names_leave_the_tables_as_they_are(named: tuple[TestClient, Path], tmp_path: Path) -> None:
    def tables(url: Path) -> list[tuple[str, ...]]:
        with closing(sqlite3.connect(url)) as opened:
            return opened.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY name").fetchall()

    usual, _ = made.leaderboard(tmp_path, 3)
    assert tables(named[1]) == tables(usual)
    with Store(named[1], read_only=True) as store:
        assert [run.name for run in store.runs()] == list(HOSTILE)
        assert all(len(store.trials(run.id)) == 3 for run in store.runs())


@pytest.mark.parametrize("name", [*FIGURES, "trials/0/figures/confusion"])
def test_hostile_names_are_no_markup_in_figures(hostile: tuple[TestClient, Any], name: str) -> None:
    opened, _ = hostile
    path = name if "/" in name else f"figures/{name}"
    answer = opened.get(f"{BASE}/{path}")
    assert answer.headers["content-type"] == "application/json"

    def texts(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            for key, below in value.items():
                if key != "hovertemplate":
                    yield from texts(below)
        elif isinstance(value, list):
            for below in value:
                yield from texts(below)
        elif isinstance(value, str):
            yield value

    for text in texts(answer.json()):
        assert not re.search("<(?!br>)|[\x00\x1b\u202e]", text), text


def test_hostile_names_in_files(hostile: tuple[TestClient, Any]) -> None:
    opened, names = hostile
    rows = list(csv.reader(io.StringIO(opened.get(f"{BASE}/export.csv").text)))
    assert len(rows) == 62  # with the names of the columns, and the constant prediction
    assert not [cell for row in rows[1:] for cell in row if cell.startswith(("=", "@", "+1", "-2+"))]
    whole = json.loads(opened.get(f"{BASE}/export.json").text)
    assert {trial["family"] for trial in whole["trials"]} == set(names)
    for form in ("csv", "json", "html"):
        given = opened.get(f"{BASE}/export.{form}").headers["content-disposition"]
        assert re.fullmatch(rf'attachment; filename="[\w.-]+\.{form}"', given)


def test_mistakes_are_shown_with_their_values(board: TestClient) -> None:
    shown = board.get(f"{BASE}/trials/0/mistakes").text
    rows = re.findall(r"<tr>(.*?)</tr>", shown.partition("<tbody>")[2], re.S)
    assert 0 < len(rows) <= MOST
    for cells in (re.findall(r"<td[^>]*>(.*?)</td>", row) for row in rows):
        number, true, said, _, value = cells
        assert not said.startswith(f"{true} ")
        assert value == ("adult", "other")[(int(number) - 1) % 2]
    assert "not kept" in board.get(f"{BASE}/trials/40/mistakes").text
    assert board.get(f"{BASE}/trials/4000/mistakes").status_code == 404


# ---- who may ask for what --------------------------------------------------------------------------------------------


def test_nothing_from_elsewhere_may_run(board: TestClient) -> None:
    for path in ("/", BASE, "/static/board.js", f"{BASE}/figures/scores", "/nothing"):
        headers = board.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe-inline" not in headers["content-security-policy"]
        assert "unsafe-eval" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "", "a b", "[::1"]
)
def test_another_host_is_refused(board: TestClient, host: str) -> None:
    assert board.get("/", headers={"host": host}).status_code == 421


@pytest.mark.parametrize("host", ["localhost:8710", "127.0.0.1:1", "LOCALHOST", "[::1]:8710"])
def test_loopbacks_names_are_not(board: TestClient, host: str) -> None:
    assert board.get("/", headers={"host": host}).status_code == 200


def test_beyond_loopback_everything_takes_the_token(tmp_path: Path) -> None:
    url, _ = made.leaderboard(tmp_path, 5)
    app = make_app([OpenLeaderboard(url)], TOKEN, hosts=["box.example"])
    with TestClient(app, base_url="http://box.example", follow_redirects=False) as opened:
        for path in ("/", BASE, "/static/board.js", f"{BASE}/export.json", f"{BASE}/events", "/?token=wrong"):
            assert opened.get(path).status_code == 401
        bearer = {"authorization": f"Bearer {TOKEN}"}
        assert opened.get("/", headers=bearer).status_code == 200
        assert opened.get("/", headers={**bearer, "host": "evil.example"}).status_code == 421
        entered = opened.get(f"{BASE}?sort=id&token={TOKEN}")
        assert (entered.status_code, entered.headers["location"]) == (303, f"{BASE}?sort=id")
        assert {"httponly", "samesite=strict"} <= set(entered.headers["set-cookie"].lower().split("; "))
        assert opened.get(BASE).status_code == 200  # the client keeps the cookie


def test_a_redirect_stays_on_the_page(board: TestClient) -> None:
    entered = board.get(f"http://localhost//evil.example/?token={TOKEN}")
    assert entered.headers["location"] == "/evil.example/"


def test_actions_take_the_token_and_the_page_itself(tmp_path: Path) -> None:
    url, _ = made.leaderboard(tmp_path, 5)
    with client(url) as opened:
        stop, own = f"{BASE}/actions/stop", {"origin": "http://localhost"}
        assert opened.post(stop, headers=own).status_code == 401
        for view in ("", "/progress", "/parameters", "/about", "/trials/0"):
            page = opened.get(BASE + view).text
            assert "hx-post" not in page
            assert "takes the page&#39;s token" in page
        opened.get(f"/?token={TOKEN}")
        assert "hx-post" in opened.get(BASE).text
        for origin in ({}, {"origin": "http://evil.example"}, {"origin": "null"}, {"origin": "https://localhost"}):
            assert opened.post(stop, headers=origin).status_code == 403
        answer = opened.post(stop, headers=own)
        assert answer.status_code == 409
        assert "Only a run that goes on can be stopped" in answer.text
        assert opened.post(f"{BASE}/actions/drop", headers=own).status_code == 404


def test_reading_changes_nothing(tmp_path: Path) -> None:
    url, _ = made.leaderboard(tmp_path, 12)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with client(url) as opened:
        for path in ("/", BASE, f"{BASE}/trials/0", f"{BASE}/figures/importance", f"{BASE}/export.html"):
            opened.get(path)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
