"""One driver writes into a run: who holds its lease, who may take it over, and who is told."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import create_engine, select, text, update

from automl.errors import AutoMLError
from automl.leaderboard import lease
from automl.leaderboard.process import Process, current
from automl.leaderboard.records import StoredMetric
from automl.leaderboard.store import Store
from automl.leaderboard.tables import RunRow
from tests.trials import candidate, trial

DRIVER = """
import sys
from automl.errors import AutoMLError
from automl.leaderboard.records import StoredMetric
from automl.leaderboard.store import Store
from tests.trials import trial

store = Store(sys.argv[1])
run = store.start_run(name="driven", folder="driven", metric=StoredMetric("r2"), config={}, task={})
print("started", flush=True)
input()
try:
    store.add_trial(run, trial(score=1.0))
    print("written")
except AutoMLError as error:
    print(error)
# Neither closed nor finished: that must not keep the process.
"""
ELSEWHERE = str(replace(current(), host="elsewhere", machine="another"))


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leases that are renewed and believed lost soon."""
    monkeypatch.setattr(lease, "RENEW_SECONDS", 0.1)
    monkeypatch.setattr(lease, "LEASE_SECONDS", 3.0)
    monkeypatch.setattr(lease, "_WATCH_EVERY", 0.05)


def start(store: Store) -> int:
    return store.start_run(name="a", folder="a", metric=StoredMetric("r2"), config={}, task={})


def change(store: Store, **values: Any) -> None:
    """Change the row of the run behind its driver's back."""
    with store._database.write() as session:
        session.execute(update(RunRow).values(**values))


def renewed_at(store: Store) -> Any:
    with store._database.read() as session:
        return session.scalars(select(RunRow.renewed_at)).one()


def die(store: Store) -> None:
    """Do what a driver's end without a word does: its lease is renewed no more."""
    for held in store._leases.values():
        held.release()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "never came true"
        time.sleep(0.02)


def is_lost(store: Store, run: Any) -> bool:
    try:
        store.check_lease(run)
    except AutoMLError as error:
        return "took run" in str(error)
    return False


def driver(url: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", DRIVER, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def test_a_driver_that_lives_is_left_alone_and_named(url: str, quick: None) -> None:
    with Store(url) as first, Store(url) as second:
        run = start(first)
        me = current()
        for process in (str(me), ELSEWHERE):
            change(first, process=process)
            named = Process.parse(process)
            match = rf"driven for 0:0\d by process {named.pid} on host '{named.host}', which is alive"
            with pytest.raises(AutoMLError, match=match):
                second.resume_run(run)
        with pytest.raises(AutoMLError, match="by the process that started or resumed it; run 1 is another's"):
            second.add_trial(run, trial(score=1.0))
        first.add_trial(run, trial(score=1.0))


def test_clocks_that_are_set_take_no_run_from_its_driver(url: str, quick: None) -> None:
    with Store(url) as first, Store(url) as second:
        run = start(first)
        for wrong in (-1e6, 1e6):
            change(first, process=ELSEWHERE, renewed_at=time.time() + wrong)
            with pytest.raises(AutoMLError, match="which is alive"):
                second.resume_run(run)


@pytest.mark.parametrize("clock", [0.0, -1e6, 1e6])
def test_a_run_whose_driver_died_elsewhere_is_taken_over(url: str, quick: None, clock: float) -> None:
    with Store(url) as first, Store(url) as second:
        run = start(first)
        die(first)
        change(first, process=ELSEWHERE, renewed_at=time.time() + clock)
        assert second.resume_run(run).status == "running"
        second.add_trial(run, trial(score=2.0))
        with pytest.raises(AutoMLError, match=rf"process {current().pid} on host '.*' took run 1 \('a'\) over"):
            first.add_trial(run, trial(score=1.0))
        assert [t.score for t in second.trials(run)] == [2.0]


def test_a_dead_driver_on_this_machine_is_seen_at_once(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    process = driver(url)
    assert process.stdout.readline() == "started\n"
    process.kill()
    process.wait()
    with Store(url) as store:
        assert store.run().status == "interrupted"
        assert store.runs()[0].status == "interrupted"
        monkeypatch.setattr(lease.time, "sleep", pytest.fail)
        assert store.resume_run(1).status == "running"


def test_a_dead_driver_elsewhere_is_shown_so_when_its_lease_is_over(url: str) -> None:
    with Store(url) as store:
        start(store)
        die(store)
        for silent, status in ((0, "running"), (20, "running"), (29, "interrupted"), (-1e6, "interrupted")):
            change(store, process=ELSEWHERE, renewed_at=time.time() - silent)
            assert store.run().status == store.runs()[0].status == status
    assert lease.LEASE_SECONDS < 30


def test_a_suspended_driver_that_wakes_up_writes_nothing_more(url: str, quick: None) -> None:
    process = driver(url)
    assert process.stdout.readline() == "started\n"
    process.send_signal(signal.SIGSTOP)
    with Store(url) as store:
        store.resume_run(1)
        process.send_signal(signal.SIGCONT)
        said, _ = process.communicate("\n", timeout=60)
        assert "took run 1 ('driven') over. Nothing more of this process is written" in said
        assert store.trials(1) == []


def test_the_loss_is_noticed_at_the_next_renewal(url: str, quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with Store(url) as first, Store(url) as second:
        run = start(first)
        first.check_lease(run)
        monkeypatch.setattr(Process, "is_gone", lambda self: True)
        second.resume_run(run)
        until(lambda: is_lost(first, run))
        second.check_lease(run)
        second.finish_run(run)
        with pytest.raises(AutoMLError, match="took run"):
            first.finish_run(run, "failed")
        assert second.run(run).status == "finished"


def test_renewals_outlive_a_busy_database_and_a_lost_connection(url: str, quick: None) -> None:
    with Store(url) as store:
        run = start(store)
        engine = create_engine(url)
        with engine.connect() as other:
            if url.startswith("sqlite"):
                other.exec_driver_sql("BEGIN IMMEDIATE")
                time.sleep(0.5)
                other.commit()
            else:
                ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                other.execute(text(f"{ended} AND datname = current_database()"))
        engine.dispose()
        before = renewed_at(store)
        until(lambda: renewed_at(store) > before)
        store.check_lease(run)


def test_a_lease_ends_with_its_run_and_with_its_store(url: str, quick: None) -> None:
    before = set(threading.enumerate())
    with Store(url) as store:
        first, second = start(store), start(store)
        assert len(set(threading.enumerate()) - before) == 2
        store.finish_run(first)
        assert len(set(threading.enumerate()) - before) == 1
        with pytest.raises(AutoMLError, match="is another's"):
            store.add_trial(first, trial())
    assert set(threading.enumerate()) == before
    with Store(url) as store:
        assert [run.status for run in store.runs()] == ["finished", "interrupted"]
        store.resume_run(second)
        store.add_trial(second, trial(candidate("1"), 1.0))


def test_an_open_store_keeps_no_process(url: str) -> None:
    process = driver(url)
    said, _ = process.communicate("\n", timeout=60)
    assert said == "started\nwritten\n"
    assert process.returncode == 0


def test_a_process_is_known_by_more_than_its_number() -> None:
    me = current()
    assert Process.parse(str(me)) == me
    assert not me.is_gone()
    assert replace(me, birth="1").is_gone()
    assert replace(me, pid=2**22 + 1).is_gone()
    assert not replace(me, machine="another", pid=2**22 + 1).is_gone()
