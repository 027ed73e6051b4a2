"""A hosted contest: the answers stay sealed, what is handed in is scored as the metric says, and nobody knows more."""

import csv
import io
import itertools
import json
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from starlette.testclient import TestClient

from automl.board.contest_page import make_app
from automl.cli import main
from automl.contest import seal, standings
from automl.contest.book import Contest, Entry
from automl.errors import AutoMLError, DataError, UnknownNameError
from tests.board.test_pages import HOSTILE

N = 200
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
KINDS = {
    "a probability": ("words", "roc_auc"),
    "labels": ("words", "f1"),
    "numbers as labels": ("codes", "quadratic_kappa"),
    "a probability of each": ("classes", "log_loss"),
    "values": ("values", "rmse"),
}


def table(target: str, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x = pd.DataFrame({"a": rng.normal(size=N), "b": rng.random(N), "group": np.arange(N) // 4, "day": np.arange(N)})
    place = np.digitize(x["a"], [-0.5, 0.5])
    y: dict[str, Any] = {
        "words": np.where(x["a"] > 0, "yes", "no"),
        "codes": place,
        "classes": np.array(["lo", "lower", "hi"])[place],
        "values": x["a"] + 0.1 * rng.normal(size=N),
    }
    return x.assign(target=y[target])


def made(folder: Path, target: str = "words", name: str = "contest", **rules: Any) -> Contest:
    data, where = folder / f"{name}.csv", folder / name
    table(target).to_csv(data, index=False)
    where.mkdir()
    seal.seal(str(data), where, seal.Rules(**rules))
    return Contest(where)


def solution(contest: Contest) -> pd.DataFrame:
    return pd.read_csv(contest.folder / "solution.csv", dtype={contest.form.target: str})


def answers(contest: Contest, right: float = 1.0, seed: int = 0) -> pd.DataFrame:
    """A submission in which a share of the rows is answered rightly."""
    truth, form = solution(contest), contest.form
    known = np.random.default_rng(seed).random(len(truth)) < right
    own = truth[form.target].to_numpy()
    if form.answers == "values":
        return pd.DataFrame({form.id: truth[form.id], form.target: np.where(known, own.astype(float), 0.0)})
    if form.answers == "labels":
        return pd.DataFrame({form.id: truth[form.id], form.target: np.where(known, own, str(contest.classes[0]))})
    if form.answers == "probability":
        p = np.where(known, np.where(own == str(contest.classes[1]), 0.9, 0.1), 0.5)
        return pd.DataFrame({form.id: truth[form.id], form.target: p})
    each = {c: np.where(known, np.where(own == c, 0.9, 0.05), 1 / 3) for c in form.columns}
    return pd.DataFrame({form.id: truth[form.id], **each})


def handed_in(contest: Contest, team: str, right: float, when: datetime = NOON, seed: int = 0) -> Entry:
    path = contest.folder / f"{team}.csv"
    answers(contest, right, seed).to_csv(path, index=False)
    return contest.submit(team, path, when)


@pytest.mark.parametrize(("target", "metric"), KINDS.values(), ids=KINDS)
def test_a_contest_is_whole_and_scores_as_its_metric_does(target: str, metric: str, tmp_path: Path) -> None:
    contest = made(tmp_path, target, metric=metric)
    given = {name: pd.read_csv(contest.folder / "public" / f"{name}.csv") for name in ("train", "test")}
    truth = solution(contest)
    assert "target" not in given["test"]
    assert set(given["train"]["id"]).isdisjoint(given["test"]["id"])
    assert list(given["test"]["id"]) == list(truth["id"])
    whole = pd.concat([given["train"].assign(target=lambda x: x["target"].astype(str)), given["test"].merge(truth)])
    known = table(target).set_index("a")["target"]
    if target == "values":
        np.testing.assert_allclose(whole["target"].astype(float), known.loc[whole["a"]].to_numpy(float))
    else:
        assert list(whole["target"]) == [str(one) for one in known.loc[whole["a"]]]
    assert stat.S_IMODE((contest.folder / "solution.csv").stat().st_mode) == 0o600

    best, some = handed_in(contest, "best", 1.0), handed_in(contest, "some", 0.5)
    sample = contest.submit("none", contest.folder / "public" / "sample_submission.csv", NOON)
    sign = 1 if contest.metric.greater_is_better else -1
    y, said = codes(contest, truth["target"]), as_a_model(contest, answers(contest, 0.5))
    for part in ("public", "private"):
        others = max(sign * getattr(entry, part) for entry in (some, sample))
        assert sign * getattr(best, part) > others
        rows = truth["part"] == part
        expected = contest.metric.function(y[rows], said[rows], None)
        assert getattr(some, part) == pytest.approx(expected)


def codes(contest: Contest, values: pd.Series) -> np.ndarray:
    """Labels as their places among the classes, numbers as they are."""
    names = [str(name) for name in contest.classes]
    return np.array([names.index(one) for one in values]) if names else values.to_numpy(float)


def as_a_model(contest: Contest, submission: pd.DataFrame) -> np.ndarray:
    """What the metric's function takes."""
    columns = submission.drop(columns=contest.form.id)
    if contest.form.answers == "probability":
        return np.column_stack([1 - columns["target"], columns["target"]])
    if contest.form.answers == "probabilities":
        return columns[list(contest.classes)].to_numpy()
    return codes(contest, columns["target"].astype(str))


def test_shares_groups_and_order_are_kept(tmp_path: Path) -> None:
    plain = solution(made(tmp_path, name="plain", test_share=0.4, public_share=0.25))
    assert len(plain) == round(0.4 * N)
    assert (plain["part"] == "public").sum() == round(0.25 * 0.4 * N)
    grouped = made(tmp_path, name="grouped", group="group")
    parts = pd.read_csv(grouped.folder / "public" / "test.csv").merge(solution(grouped))
    train = pd.read_csv(grouped.folder / "public" / "train.csv")
    assert set(train["group"]).isdisjoint(parts["group"])
    assert (parts.groupby("group")["part"].nunique() == 1).all()
    ordered = made(tmp_path, name="ordered", order="day")
    parts = pd.read_csv(ordered.folder / "public" / "test.csv").merge(solution(ordered))
    days = [pd.read_csv(ordered.folder / "public" / "train.csv")["day"]]
    days += [parts.loc[parts["part"] == part, "day"] for part in ("public", "private")]
    assert all(earlier.max() < later.min() for earlier, later in itertools.pairwise(days))


def test_an_id_of_the_data_is_kept_and_the_order_of_the_rows_says_nothing(tmp_path: Path) -> None:
    contest = made(tmp_path, id="day")
    days = list(pd.read_csv(contest.folder / "public" / "test.csv")["day"])
    assert days == list(solution(contest)["day"])
    assert days != sorted(days)
    with pytest.raises(DataError, match="An id names one row"):
        made(tmp_path, name="twice", id="group")
    with pytest.raises(UnknownNameError, match="day"):
        made(tmp_path, name="none", id="dayy")


def test_a_team_has_its_quota_on_a_day_and_what_is_refused_costs_nothing(tmp_path: Path) -> None:
    contest = made(tmp_path, quota=2)
    bad = tmp_path / "bad.csv"
    answers(contest).iloc[::-1].to_csv(bad, index=False)
    for _ in range(3):
        with pytest.raises(DataError, match="ids of the sample"):
            contest.submit("one", bad, NOON)
    for right in (0.2, 0.4):
        handed_in(contest, "one", right)
    with pytest.raises(AutoMLError, match=r"2 scored submissions a day.*2026-03-02 00:00 UTC"):
        handed_in(contest, "one", 0.6)
    handed_in(contest, "other", 0.5)
    assert [contest.left("one", NOON), contest.left("other", NOON)] == [0, 1]
    handed_in(contest, "one", 0.6, NOON + timedelta(hours=12))
    log = contest.entries()
    assert [entry.public is None for entry in log] == [True] * 3 + [False] * 2 + [True] + [False] * 2
    assert all(entry.why for entry in log if entry.public is None)
    assert stat.S_IMODE((contest.folder / "log.jsonl").stat().st_mode) == 0o600


def test_the_last_place_of_a_day_is_given_once(tmp_path: Path) -> None:
    contest = made(tmp_path, quota=1)
    path = contest.folder / "public" / "sample_submission.csv"

    def attempt(_: int) -> bool:
        try:
            Contest(contest.folder).submit("team", path, NOON)
        except AutoMLError:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(attempt, range(8))) == 1


def test_ranks_go_by_score_then_time_and_private_scores_decide_in_the_end(tmp_path: Path) -> None:
    contest = made(tmp_path, "words", metric="accuracy", public_share=0.2)
    late, early = NOON + timedelta(hours=2), NOON + timedelta(hours=1)
    handed_in(contest, "late", 0.5, late)
    handed_in(contest, "early", 0.5, early)
    handed_in(contest, "worse", 0.0, NOON)
    truth = solution(contest)
    # Right in public, wrong in private: it leads until the end. A better private score of the same team does not count.
    overfit = answers(contest, 0.0).assign(target=np.where(truth["part"] == "public", truth["target"], "no"))
    overfit.loc[truth["part"] == "private", "target"] = np.where(
        truth.loc[truth["part"] == "private", "target"] == "no", "yes", "no"
    )
    overfit.to_csv(tmp_path / "overfit.csv", index=False)
    contest.submit("overfit", tmp_path / "overfit.csv", NOON)
    handed_in(contest, "overfit", 0.7, NOON + timedelta(minutes=1))
    opened = standings.of(contest)
    assert [place.team for place in opened] == ["overfit", "early", "late", "worse"]
    assert [place.n for place in opened] == [2, 1, 1, 1]
    contest.close()
    closed = standings.of(Contest(contest.folder))
    assert [place.team for place in closed] == ["early", "late", "worse", "overfit"]
    assert closed[-1].score == 0
    assert closed[-1].public == 1
    with pytest.raises(AutoMLError, match="closed"):
        handed_in(contest, "early", 1.0)


def place(rank: int, team: str, time: str = "") -> standings.Place:
    return standings.Place(rank, team, 0.5, 0.5, time, 1, standings.points_of(rank))


def test_points_add_up_over_the_rounds() -> None:
    points = [standings.points_of(rank) for rank in range(1, 50)]
    assert points[0] == standings.FIRST
    assert points == sorted(points, reverse=True)
    first, second = (
        [place(1, "a", "1"), place(2, "b", "5"), place(3, "c", "9")],
        [place(1, "b", "6"), place(2, "a", "7")],
    )
    total = standings.together([first, second])
    assert [(one.team, one.places) for one in total] == [("b", (2, 1)), ("a", (1, 2)), ("c", (3, None))]
    assert total[0].points == pytest.approx(points[0] + points[1])


def test_while_it_goes_on_nothing_tells_a_private_score(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    contest = made(tmp_path, "values")
    entry = handed_in(contest, "team", 0.5)
    client = TestClient(make_app([contest.folder], "token"), base_url="http://localhost")

    def told() -> str:
        for form in ([], ["--csv"], ["--json"]):
            main(["host", "standings", str(contest.folder), *form])
        return capsys.readouterr().out + client.get("/").text + client.get("/0.csv").text

    secret = f"{entry.private:.9f}"[:7]
    assert secret not in told()
    main(["host", "close", str(contest.folder)])
    assert told().count(secret) == 6  # closing tells it too


def test_the_page_shows_any_name_and_answers_its_own_host_alone(tmp_path: Path) -> None:
    contests = [made(tmp_path, name=name) for name in ("one", "two")]
    log = [Entry(NOON.isoformat(), name, "x.csv", "", 0.5 + i / 100, 0.5) for i, name in enumerate(HOSTILE)]
    for contest in contests:
        (contest.folder / "log.jsonl").write_text("".join(json.dumps(vars(entry)) + "\n" for entry in log))
    client = TestClient(make_app([c.folder for c in contests], "token"), base_url="http://localhost")
    page = client.get("/")
    assert page.status_code == 200
    assert "All rounds" in page.text
    assert not any(raw in page.text for raw in ("<script>alert", "<img src=x", "<svg onload", "\x1b", "\x07"))
    teams = [row["team"] for row in csv.DictReader(io.StringIO(client.get("/1.csv").text, newline=""))]
    assert len(teams) == len(HOSTILE)
    assert not any(team.startswith(("=", "@", "+", "-")) for team in teams)
    assert client.get("/2.csv").status_code == 404
    assert client.get("/", headers={"host": "elsewhere.example"}).status_code == 421
    away = TestClient(make_app([c.folder for c in contests], "token", ["box"]), base_url="http://box")
    assert away.get("/").status_code == 401
    assert away.get("/?token=token").status_code == 200


def test_names_and_folders_that_are_none(tmp_path: Path) -> None:
    contest = made(tmp_path)
    for team in ("", " ", "x" * 61, "\x1b[31m"):
        with pytest.raises(AutoMLError, match="A team's name"):
            contest.submit(team, tmp_path / "x.csv")
    with pytest.raises(DataError, match="no file"):
        contest.submit("team", tmp_path / "nosuch.csv")
    with pytest.raises(AutoMLError, match="is no contest"):
        Contest(tmp_path)
    (contest.folder / "solution.csv").chmod(0o644)
    with pytest.raises(AutoMLError, match="chmod 600"):
        Contest(contest.folder)
    (contest.folder / "solution.csv").chmod(0o600)
    record = json.loads((contest.folder / "contest.json").read_text())
    damages: list[dict[str, Any]] = [
        {},
        record | {"form": {}},
        record | {"form": record["form"] | {"answers": "nothing"}},
    ]
    for damaged in damages:
        (contest.folder / "contest.json").write_text(json.dumps(damaged))
        with pytest.raises(AutoMLError, match="is damaged"):
            Contest(contest.folder)


def test_a_label_that_is_no_class_and_answers_without_a_score_are_refused(tmp_path: Path) -> None:
    labels = made(tmp_path, metric="accuracy", name="labels")
    answers(labels).assign(target="maybe").to_csv(tmp_path / "maybe.csv", index=False)
    with pytest.raises(DataError, match="'maybe' is none"):
        labels.submit("team", tmp_path / "maybe.csv")
    values = made(tmp_path, "values", metric="r2", name="values")
    answers(values).assign(target=1e300).to_csv(tmp_path / "huge.csv", index=False)
    with pytest.raises(DataError, match="must have a score"):
        values.submit("team", tmp_path / "huge.csv")


def test_the_commands_of_a_host(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table("words").to_csv(tmp_path / "data.csv", index=False)
    contest = str(tmp_path / "contest")
    main(["host", "make", str(tmp_path / "data.csv"), contest, "--quota", "1"])
    sample = f"{contest}/public/sample_submission.csv"
    main(["host", "submit", contest, "team", sample])
    assert "0 of 1 submissions left today" in capsys.readouterr().out
    for wrong in (
        ["submit", contest, "team", sample],
        ["make", str(tmp_path / "data.csv"), contest],
        ["standings", "x"],
        [],
    ):
        with pytest.raises(SystemExit) as ended:
            main(["host", *wrong])
        assert ended.value.code == 2
    gaps = table("words")
    gaps.loc[3, "target"] = None
    gaps.to_csv(tmp_path / "gaps.csv", index=False)
    with pytest.raises(SystemExit):
        main(["host", "make", str(tmp_path / "gaps.csv"), str(tmp_path / "gaps")])
    assert "1 of 200 rows lack it" in capsys.readouterr().err
    assert not (tmp_path / "gaps").exists()
