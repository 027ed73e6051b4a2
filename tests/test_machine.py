"""Cores and memory, on the machine as it is and in containers that are given less."""

import os
from pathlib import Path

import psutil

from automl import machine
from automl.machine import available_bytes, n_cores, total_bytes


def container(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text + "\n")
    return folder


def test_a_machine_without_limits_is_used_as_it_is(tmp_path: Path) -> None:
    for folder in (tmp_path, container(tmp_path, cpu_max="max 100000", memory_max="max", memory_current="5000")):
        assert n_cores(folder) == len(os.sched_getaffinity(0))
        assert total_bytes(folder) == psutil.virtual_memory().total
        assert 0 < available_bytes(folder) <= total_bytes(folder)


def test_a_container_has_what_it_is_given(tmp_path: Path) -> None:
    folder = container(tmp_path, cpu_max="150000 100000", memory_max="2000000", memory_current="500000")
    assert n_cores(folder) == 1
    assert total_bytes(folder) == 2_000_000
    assert available_bytes(folder) == 1_500_000
    container(folder, memory_stat="anon 200000\nfile 350000\nactive_file 100000\ninactive_file 200000")
    assert available_bytes(folder) == 1_800_000, "what it has read of files is given up for what it needs"
    container(folder, memory_current="2000001", memory_stat="anon 2000001")
    assert available_bytes(folder) == 0


def test_work_takes_at_least_the_time_that_it_takes_alone() -> None:
    assert 1.0 <= machine.slowness(0.01) < 1000
