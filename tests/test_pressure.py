"""Work that does not fit into memory: right results, nobody killed, a clean audit (tests/prog/pressure.c)."""
import re

import pytest

PROCESSORS = (1, 4)


def pressure(lectern, *words, memory, smp, append="", more=()):
    options = ["--memory", memory, *more]
    if append:
        options += ["--append", append]
    result = lectern.check("/tests/pressure", *words, smp=smp, options=options)
    assert result.text.splitlines()[-1] == "ok"
    assert "out of memory" not in result.log
    return result.text


@pytest.mark.parametrize("smp", PROCESSORS)
def test_a_file_of_many_times_the_memory(lectern, smp):
    pressure(lectern, "sum", "256", memory="32M", smp=smp)


@pytest.mark.parametrize("smp", PROCESSORS)
def test_many_files_and_a_sort_in_a_mapping(lectern, smp):
    pressure(lectern, "files", "2000", "--", "sort", "32", memory="32M", smp=smp)


def hot_set_misses(lectern, policy):
    text = pressure(lectern, "hot", "4", "96", "8", memory="32M", smp=1, append="reclaim=" + policy)
    lost, looks = re.search(r"hot set: (\d+) of (\d+)", text).groups()
    return int(lost) / int(looks)


def test_two_lists_keep_a_hot_set_and_fifo_does_not(lectern):
    kept, washed_out = hot_set_misses(lectern, "two-list"), hot_set_misses(lectern, "fifo")
    assert kept < 0.08 and washed_out > 2 * kept, (kept, washed_out)
