"""The pages and reports in a real browser, Debian's Chromium without a window, while runs go on: clicked through, and
never a word in its console. Where there is no Chromium, ``test_pages`` alone looks at the page.

Screenshots of every view are kept in ``$BOARD_SCREENSHOTS``, if that is set.
"""

import os
import shutil
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from automl import registry
from automl.cli import main
from automl.leaderboard.store import Store
from tests.board import made
from tests.board.test_pages import BASE, HOSTILE
from tests.commands import AUTOML
from tests.contest.test_host import handed_in
from tests.contest.test_host import made as contest_of

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="apt-get install chromium chromium-driver")

VIEWS = {
    "home": "/",
    "leaderboard": BASE,
    "progress": f"{BASE}/progress",
    "parameters": f"{BASE}/parameters",
    "about": f"{BASE}/about",
    "trial": f"{BASE}/trials/0",
    "failed": f"{BASE}/trials/6",
    "compare": "/compare?run=0.1&run=1.1",
}


class Page:
    """A browser at one server's page."""

    def __init__(self, browser: webdriver.Chrome, address: str) -> None:
        self.browser, self.address = browser, address

    def open(self, path: str) -> None:
        self.browser.get(self.address + path if path.startswith("/") else path)

    def all(self, selector: str) -> list[WebElement]:
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def click(self, selector: str) -> None:
        self.browser.find_element(By.CSS_SELECTOR, selector).click()

    def until(self, holds: Callable[[], Any], what: str) -> None:
        WebDriverWait(self.browser, 20, 0.1, ignored_exceptions=[Exception]).until(lambda _: holds(), what)

    def script(self, code: str, *arguments: Any) -> Any:
        return self.browser.execute_script(code, *arguments)

    def ids(self) -> list[str]:
        return self.script("return [...document.querySelectorAll('table.trials tbody td a')].map(a => a.textContent)")

    def figures_are_drawn(self) -> bool:
        # What is out of sight is drawn when it comes into view.
        return self.script(
            "const left = document.querySelector('[data-figure]:not(.js-plotly-plot)');"
            "left?.scrollIntoView(); return !left"
        )

    def keep(self, name: str) -> None:
        """Keep a screenshot of the whole page where they are asked for."""
        if folder := os.environ.get("BOARD_SCREENSHOTS"):
            height = self.script("return document.documentElement.scrollHeight")
            self.browser.set_window_size(1400, min(6000, max(700, height + 150)))
            self.script("window.scrollTo(0, 0)")
            time.sleep(0.3)
            self.browser.save_screenshot(str(Path(folder) / f"{name}.png"))
            self.browser.set_window_size(1400, 1000)

    def said(self) -> list[str]:
        return [entry["message"] for entry in self.browser.get_log("browser")]


@pytest.fixture(scope="module")
def browser() -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1400,1000"):
        options.add_argument(argument)
    options.binary_location = str(CHROMIUM)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    opened = webdriver.Chrome(options=options, service=webdriver.ChromeService(str(DRIVER)))
    yield opened
    opened.quit()


@contextmanager
def served(*arguments: str) -> Iterator[str]:
    """A page of the command line in its own process; its address, with the token."""
    command = [*AUTOML, *arguments, "--no-browser", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield next(line for line in process.stdout if line.startswith("http://")).strip()
        finally:
            process.terminate()
    assert process.returncode == 0


@pytest.fixture(scope="module")
def leaderboards(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    usual, other, hostile = (tmp_path_factory.mktemp(name) for name in ("usual", "other", "hostile"))
    made.leaderboard(usual, 120, goals=("score", "bytes"))
    made.leaderboard(other, 20, name="other")
    made.leaderboard(hostile, 60, name=HOSTILE[0], families=HOSTILE[:15], classes=HOSTILE[15:28], notes=HOSTILE)
    return [usual, other, hostile]


@pytest.fixture(scope="module")
def address(leaderboards: list[Path]) -> Iterator[str]:
    with served("board", *map(str, leaderboards)) as opened:
        yield opened


@pytest.fixture
def page(browser: webdriver.Chrome, address: str) -> Iterator[Page]:
    opened = Page(browser, address.partition("/?")[0])
    yield opened
    assert opened.said() == []


@pytest.mark.parametrize("name", VIEWS)
def test_every_view_opens(page: Page, name: str) -> None:
    page.open(VIEWS[name])
    page.until(page.figures_are_drawn, "figures are drawn")
    assert page.all("main section")
    page.keep(name)


@pytest.mark.parametrize("view", ["", "/progress", "/parameters", "/about", "/trials/0", "/trials/6"])
def test_hostile_names_run_nothing(page: Page, view: str) -> None:
    page.open(f"/2/runs/1{view}")
    page.until(page.figures_are_drawn, "figures are drawn")
    assert HOSTILE[0] in page.browser.title
    assert not page.script("return [...document.querySelectorAll('svg a, main b b, main script')].length")


def test_sorted_paged_filtered_and_back(page: Page) -> None:
    page.open(BASE)
    first = page.ids()
    page.click(".pages a:last-child")
    page.until(lambda: len(page.ids()) == 20, "the last page has 20 trials")
    assert "page=3" in page.browser.current_url
    page.browser.back()
    page.until(lambda: page.ids() == first, "back is the first page")
    page.click("th a[href*='sort=seconds']")
    page.until(lambda: page.ids() != first and "sort=seconds" in page.browser.current_url, "sorted")
    assert page.browser.current_url.endswith("?sort=seconds&order=up")
    page.open(BASE)
    page.browser.find_element(By.ID, "find").send_keys("#17")
    page.until(lambda: page.ids() == ["#17"], "found")
    page.browser.find_element(By.ID, "find").send_keys(Keys.BACKSPACE * 3)
    page.until(lambda: len(page.ids()) == 50, "all again")
    page.click("#pick-family summary")
    page.click("#pick-family input[value=net]")
    page.until(lambda: "family=net" in page.browser.current_url, "of one family")
    exported = "return document.querySelector('#exports a').getAttribute('href')"
    page.until(lambda: page.script(exported).endswith("/export.csv?family=net"), "exports are of what is shown")
    assert page.browser.find_element(By.ID, "pick-family").get_attribute("open")
    page.click(".clear")
    page.until(lambda: "family" not in page.browser.current_url, "cleared")


def test_a_point_leads_to_its_trial(page: Page) -> None:
    page.open(f"{BASE}/progress")
    page.until(page.figures_are_drawn, "figures are drawn")
    page.script("document.querySelector('[data-figure$=scores]').emit('plotly_click', {points: [{customdata: '17'}]})")
    page.until(lambda: page.browser.current_url.endswith(f"{BASE}/trials/17"), "the trial's page")


@pytest.mark.parametrize("blocked", [[], ["*/events"]], ids=["events", "polled"])
def test_a_run_that_goes_on_is_followed(browser: webdriver.Chrome, tmp_path: Path, blocked: list[str]) -> None:
    url, run = made.leaderboard(tmp_path, 10, end=False)
    trials = made.trials(14, made.FAMILIES, time.time())
    browser.execute_cdp_cmd("Network.enable", {})
    browser.execute_cdp_cmd("Network.setBlockedURLs", {"urls": blocked})
    with Store(url) as store, served("board", str(tmp_path)) as address:
        store.resume_run(run)
        page = Page(browser, address.partition("/?")[0])
        page.open(BASE)
        page.until(lambda: page.all("#live:not([hidden])"), "it says that it follows")
        page.script("window.stays = true")
        for trial in trials[10:13]:
            store.add_trial(run, trial)
        page.until(lambda: len(page.ids()) == 13, "the new trials are there")
        assert page.script("return window.stays")
        page.open(f"{BASE}/progress")
        page.until(lambda: page.all("#live:not([hidden])"), "it says that it follows")
        page.script("window.stays = true")
        store.add_trial(run, trials[13])
        page.until(lambda: "14" in page.browser.find_element(By.ID, "summary").text, "the new trial is counted")
        assert page.script("return window.stays")
        store.finish_run(run)
        page.until(lambda: page.all(".fact .status.finished"), "its end is seen")
        page.open("about:blank")
    browser.execute_cdp_cmd("Network.setBlockedURLs", {"urls": []})
    assert [line for line in page.said() if "ERR_BLOCKED_BY_CLIENT" not in line] == []


def test_a_real_search_is_clicked_through_while_it_goes_on(browser: webdriver.Chrome, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x = pd.DataFrame({"a": rng.normal(size=400), "b": rng.normal(size=400)})
    x.assign(target=x["a"] + x["b"] ** 2).to_csv(tmp_path / "x.csv", index=False)
    given = [f"data.train={tmp_path / 'x.csv'}", f"run.dir={tmp_path / 'runs' / 'live'}", "budget.seconds=600"]
    quick = ["space.tables=[lightgbm,decision_tree,linear]", "runner=processes", "quiet=true"]
    with subprocess.Popen(
        [*AUTOML, "search", *given, *quick], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as search:
        try:
            while search.poll() is None and not (tmp_path / "runs" / "leaderboard.db").exists():
                time.sleep(0.1)
            with served("board", str(tmp_path / "runs")) as address:
                page = Page(browser, address.partition("/?")[0])
                page.open(BASE)
                page.until(lambda: len(page.ids()) >= 5, "trials come")
                for view in ("/progress", "/parameters", "/about", "/trials/0", ""):
                    page.open(BASE + view)
                    page.until(page.figures_are_drawn, "figures are drawn")
                page.click("th a[href*='sort=seconds']")
                page.until(lambda: "sort=seconds" in page.browser.current_url, "sorted")
                page.browser.find_element(By.ID, "find").send_keys("#1")
                page.until(lambda: page.ids() == ["#1"], "found")
                # A trial that ends meanwhile puts another table in the place of this one.
                link = "document.querySelector('table.trials tbody td a').click(); return true"
                page.until(lambda: page.script(link), "clicked")
                page.until(lambda: page.browser.current_url.endswith(f"{BASE}/trials/1"), "the trial's page")
                page.open(BASE)
                assert search.poll() is None
                search.send_signal(signal.SIGINT)
                page.until(lambda: page.all(".fact .status.interrupted"), "its end is seen")
                page.open("about:blank")
            assert search.wait(60) == 0
        finally:
            search.kill()
    assert page.said() == []


def test_the_exported_page_stands_alone(page: Page, tmp_path: Path, address: str) -> None:
    for db in (0, 2):
        file = tmp_path / f"{db}.html"
        with urllib.request.urlopen(f"{page.address}/{db}/runs/1/export.html") as answer:
            file.write_bytes(answer.read())
        page.open(file.as_uri())
        page.until(lambda: len(page.all(".js-plotly-plot")) >= 4, "figures are drawn")
        assert not page.all(".figure:not(.js-plotly-plot)")
        fetched = page.script("return performance.getEntriesByType('resource').map(e => e.name)")
        assert fetched == []


def test_standings_are_followed_and_private_scores_come_with_the_end(browser: webdriver.Chrome, tmp_path: Path) -> None:
    contests = [contest_of(tmp_path, name=name) for name in ("first", "second")]
    for contest in contests:
        for team, right in (("ours", 0.9), ("theirs", 0.4), (HOSTILE[1].replace("/", "-"), 0.2)):
            handed_in(contest, team, right)
    with served("host", "page", *(str(contest.folder) for contest in contests)) as address:
        page = Page(browser, address.partition("/?")[0])
        page.open("/")
        assert page.all("h2")[0].text == "All rounds"
        assert "private" not in page.browser.find_element(By.TAG_NAME, "main").text
        page.keep("contest")
        page.script("window.stays = true")
        handed_in(contests[1], "late", 1.0)
        contests[0].close()
        page.script("htmx.trigger(document.body, 'changed')")
        page.until(lambda: "late" in page.browser.find_element(By.TAG_NAME, "main").text, "the new team is there")
        heads = [[cell.text for cell in table.find_elements(By.TAG_NAME, "th")] for table in page.all("table")]
        assert ["public" in head for head in heads] == [False, True, False]  # beside what decides now
        assert page.script("return window.stays")
        page.keep("contest_closed")
        page.open("about:blank")
    assert page.said() == []


def test_the_report_of_a_run_opens_from_disk(browser: webdriver.Chrome, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x = pd.DataFrame({"a": rng.normal(size=150), "b": rng.normal(size=150), "c": rng.choice(["x", "y"], 150)})
    x.assign(price=x["a"] + 0.1 * x["b"], kind=np.where(x["b"] > 0, "<b>", "no")).to_csv(
        tmp_path / "x.csv", index=False
    )
    only = [f"space.tables.{name}=off" for name in registry.available("tables") if name != "decision_tree"]
    given = [f"data.train={tmp_path / 'x.csv'}", "data.target=[price,kind]", f"run.dir={tmp_path / 'run'}", *only]
    main(["search", *given, "budget.seconds=null", "budget.trials=4", "data.folds=2", "runner=inline", "quiet=true"])
    main(["report", str(tmp_path / "run")])
    page = Page(browser, "")
    page.open((tmp_path / "run" / "report.html").as_uri())
    assert [h1.text for h1 in page.all("h1")] == ["run/price: price", "run/kind: kind"]
    for link in page.all("p a"):
        assert page.script("return !!document.querySelector(arguments[0].getAttribute('href'))", link)
    assert page.script("return performance.getEntriesByType('resource').map(e => e.name)") == []
    # Nothing is wider than the page.
    assert page.script("return document.documentElement.scrollWidth <= window.innerWidth")
    page.keep("report")
    assert page.said() == []


def answer_to_more(page: Page) -> str:
    """Ask for ten more minutes, again as long as a page that comes up has not taken it in, and return the answer."""
    page.script("document.querySelector('[hx-post$=\"seconds=600\"]').click()")
    return page.browser.find_element(By.ID, "said").text


def test_actions_take_the_token(page: Page, address: str) -> None:
    page.open(BASE)
    page.click("#act summary")
    assert "token" in page.browser.find_element(By.ID, "act").text
    assert not page.all("[hx-post]")
    page.open(address)
    assert "token" not in page.browser.current_url
    page.open(BASE)
    page.until(lambda: "run.json" in answer_to_more(page), "the run's folder is none")
    assert all("409" in line for line in page.said())
