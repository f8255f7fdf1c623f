"""The pressure tests at their full sizes: `make soak`, with 1 and with 4 processors, the audit behind each part.

test_pressure.py and test_demos.py have all of them in sizes for every day. Here a part takes minutes, so pytest
collects this file only when it is named. Nothing is left to chance: sizes and seeds are fixed.
"""
import re

import pytest

from conftest import PROCESSORS
from test_demos import numbers
from test_fuzz import fuzz
from test_pressure import pressure

MINUTES = 60


@pytest.mark.parametrize("smp", PROCESSORS)
@pytest.mark.parametrize("memory", ["64M", "32M"])
def test_a_gibibyte_summed_through_one_mapping(lectern, memory, smp):
    """Every page of the file holds a number, so each is written once and read once."""
    text = pressure(lectern, "sum", "1024", "1", memory=memory, smp=smp, timeout=30 * MINUTES)
    assert "sum of 1024 MiB: %d" % (262144 * 262145 // 2) in text


@pytest.mark.parametrize("smp", PROCESSORS)
def test_a_gibibyte_as_the_demonstration_tells_it(lectern, smp):
    result = lectern.check("/demo/bigsum", "--quiet", "--size", "1G", "--random", "20000", smp=smp,
                           options=["--memory", "64M"], timeout=30 * MINUTES)
    d = numbers(result.text)
    assert d["failed"] == [] and d["failed_claims"] == 0 and d["pages"] == 262144
    assert d["peak_kib"] < 64 * 1024 and d["sum_evicted"] >= d["pages"] * 9 / 10
    assert "out of memory" not in result.log


@pytest.mark.parametrize("smp", PROCESSORS)
def test_ten_processes_with_swap_all_finish(lectern, smp):
    """160 MiB of private memory in a machine of 64 MiB, and then as much that they share."""
    pressure(lectern, "crowd", "10", "16", "--", "shared", "10", "16", memory="64M", smp=smp, more=["--swap", "256M"],
             timeout=30 * MINUTES)


@pytest.mark.parametrize("smp", PROCESSORS)
def test_a_hundred_processes_forking(lectern, smp):
    pressure(lectern, "forks", "100", "12", memory="64M", smp=smp, more=["--swap", "256M"], timeout=30 * MINUTES)


@pytest.mark.parametrize("smp", PROCESSORS)
def test_ten_thousand_files(lectern, smp):
    pressure(lectern, "files", "10000", memory="64M", smp=smp, timeout=30 * MINUTES)


@pytest.mark.parametrize("smp", PROCESSORS)
def test_a_sort_of_256_mib_in_a_file_mapping(lectern, smp):
    pressure(lectern, "sort", "256", memory="48M", smp=smp, timeout=60 * MINUTES)


@pytest.mark.parametrize("smp", PROCESSORS)
def test_all_at_once(lectern, smp):
    """The parts side by side, so that each reclaims what the others use."""
    script = ("for part in 'sum 256 4' 'crowd 4 12' 'forks 20 8' 'sort 32'; do "
              "(/tests/pressure -n $part || echo part failed) & done; wait; cat /proc/audit")
    result = lectern.check("/bin/sh", "-c", script, smp=smp, options=["--memory", "48M", "--swap", "256M"],
                           timeout=30 * MINUTES)
    assert "part failed" not in result.text and len(re.findall(r"^ok$", result.text, re.M)) == 4, result.text
    assert "audit: clean" in result.text and "out of memory" not in result.log


@pytest.mark.parametrize("smp", PROCESSORS)
def test_killed_only_when_memory_and_swap_are_gone(lectern, smp):
    """Up to what there is nobody is killed; beyond it the largest, with the sums that say why."""
    script = "/tests/pressure eat 144 && /tests/pressure eat 240; cat /proc/audit; grep ^oom_kill /proc/vmstat"
    result = lectern.check("/bin/sh", "-c", script, smp=smp, options=["--memory", "64M", "--swap", "128M"],
                           timeout=30 * MINUTES)
    assert "144 MiB eaten" in result.text and "240 MiB eaten" not in result.text
    assert "audit: clean" in result.text and "oom_kill 1" in result.text
    sums = re.search(r"out of memory: (\d+) of (\d+) KiB of RAM and (\d+) of (\d+) KiB of swap are free", result.log)
    ram_free, ram, swap_free, swap = (int(word) for word in sums.groups())
    assert ram_free < ram / 16 and swap_free < swap / 16, result.log


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_random_mapping_calls_in_little_memory(lectern, seed):
    fuzz(lectern, "--seed", str(seed), "--steps", "20000", "--smp", "4", "--memory", "32M", "--swap", "64M",
         timeout=30 * MINUTES)
