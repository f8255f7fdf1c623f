"""The demonstrations: each claim of theirs holds, and the counts are those that the arithmetic gives."""
import re

import pytest

# Small enough for the debug kernel; the arithmetic below knows these numbers.
EASY = {
    "touch4": "--step 4000", "coherent": "", "cow": "", "eof": "", "pingpong": "--rounds 500",
    "family": "--adds 2000", "tera": "", "small": "--files 100 --rounds 2", "logscan": "--size 2M",
    "btree": "--keys 100000 --lookups 1000", "dict": "--size 4M",
}


def numbers(text):
    """{name: value} of `--quiet`; a claim that failed is in the list "failed"."""
    found = {"failed": re.findall(r"^failed (.*)", text, re.M)}
    for name, value in re.findall(r"^(\w+) (-?\d+|n/a)$", text, re.M):
        found[name] = None if value == "n/a" else int(value)
    return found


@pytest.fixture(scope="session", params=[1, 4], ids=["smp1", "smp4"])
def told(request, lectern):
    """All in one boot: {demonstration: its numbers}."""
    script = "".join("echo '== %s'; /demo/%s --quiet %s; echo status $?; " % (name, name, options)
                     for name, options in EASY.items())
    result = lectern.check("/bin/sh", "-c", script, smp=request.param, timeout=600)
    parts = re.split(r"^== (\w+)\n", result.text, flags=re.M)[1:]
    return {name: numbers(text) for name, text in zip(parts[::2], parts[1::2])}


@pytest.mark.parametrize("name", EASY)
def test_every_claim_holds(told, name):
    assert told[name]["failed"] == [] and told[name]["status"] == 0 and told[name]["failed_claims"] == 0, told[name]


def test_family_adds_up(told):
    d = told["family"]
    assert d["shared_sum"] == 8 * 2000 and d["private_sum"] == 0
    assert d["private_copies"] - d["shared_copies"] == 8        # the page, for each child


def test_tera_has_the_tables_it_needs(told):
    d = told["tera"]
    assert d["touched"] == 16 and d["resident_kib"] == 64 and d["touch_minor"] == 16
    assert d["tables_wanted"] - 1 <= d["tables"] <= d["tables_wanted"] == 32 + d["tables_upper"]
    assert d["file_blocks"] == d["file_blocks_wanted"]


def test_small_files_are_for_read(told):
    d = told["small"]
    assert (d["read_calls"], d["read_minor"], d["map_calls"], d["map_minor"]) == (300, 0, 400, 100)


def test_logscan_costs(told):
    d = told["logscan"]
    assert d["pages"] == 512
    assert d["mmap_calls"] == 2 and 512 / 16 <= d["mmap_minor"] + d["mmap_major"] <= 512
    assert d["read64k_calls"] == 33 and d["read4k_calls"] == 513
    # The disk does the same for all, give or take the blocks that say where the file lies.
    reads = [d[way + "_reads"] for way in ("mmap", "read64k", "read4k")]
    assert max(reads) <= 514


def test_btree_lookups(told):
    d = told["btree"]
    assert d["levels"] == 3 and d["mmap_warm_calls"] == 0 and d["mmap_warm_minor"] == 0
    assert d["read_warm_calls"] == d["read_cold_calls"] == 3000 and d["read_warm_minor"] == 0
    assert d["read_warm_reads"] == d["mmap_warm_reads"] == 0 < d["mmap_cold_reads"]


def test_dict_is_in_memory_once(told):
    d = told["dict"]
    once, each = d["mmap_used_kib"], d["read_used_kib"]
    assert 4096 <= once < 4096 * 1.05 + 600 and 11 * 4096 <= each < 11 * 4096 * 1.05 + 600
    assert d["mmap_share_kib"] < 4096 / 10 + 100 and d["read_share_kib"] >= 4096


def test_read_of_small_files_is_faster_in_counted_instructions(lectern):
    d = numbers(lectern.check("/demo/small", "--quiet", "--files", "100", debug=False, options=["--icount"]).text)
    assert d["failed"] == [] and d["read_ns"] * 1.2 < d["map_ns"]


def test_btree_in_a_quarter_of_the_memory(lectern):
    """The file is larger than memory: every lookup is right, and pages had to leave."""
    result = lectern.check("/demo/btree", "--quiet", "--keys", "4000000", "--lookups", "20000",
                           options=["--memory", "32M"], timeout=400)
    d = numbers(result.text)
    assert d["failed"] == [] and d["mmap_warm_evictions"] > 0 and d["read_warm_evictions"] > 0, result.text
