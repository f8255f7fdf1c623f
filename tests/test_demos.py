"""The demonstrations: each claim of theirs holds, and the counts are those that the arithmetic gives."""
import re
import subprocess
import sys

import pytest

# Small enough for the debug kernel; the arithmetic below knows these numbers.
EASY = {
    "touch4": "--step 4000", "coherent": "", "cow": "", "eof": "", "pingpong": "--rounds 500",
    "family": "--adds 2000", "tera": "", "small": "--files 100 --rounds 2", "logscan": "--size 2M",
    "btree": "--keys 100000 --lookups 1000", "dict": "--size 4M", "scan": "--size 8M",
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


def test_scan_reads_ahead(told):
    """Few requests and fewer waits from front to back, no page too many at random."""
    d = told["scan"]
    assert d["normal_touched"] == d["sequential_touched"] == 2048
    assert d["normal_reads"] * 20 <= 2048 and 2048 <= d["normal_pages"] <= 2048 + 16
    assert d["sequential_reads"] <= d["normal_reads"] + 2
    assert d["random_touched"] == 128 and d["random_pages"] <= 128 * 1.1 + 8


def test_btree_lookups(told):
    d = told["btree"]
    assert d["levels"] == 3 and d["mmap_warm_calls"] == 0 and d["mmap_warm_minor"] == 0
    assert d["read_warm_calls"] == d["read_cold_calls"] == 3000 and d["read_warm_minor"] == 0
    assert d["read_warm_reads"] == d["mmap_warm_reads"] == 0 < d["mmap_cold_reads"]
    # O_DIRECT keeps nothing: a call and a request for each level of each lookup, whatever was read before.
    assert d["direct_cold_calls"] == d["direct_warm_calls"] == d["direct_warm_reads"] == 3000
    assert 3000 <= d["direct_cold_reads"] <= 3004


def test_dict_is_in_memory_once(told):
    d = told["dict"]
    once, each = d["mmap_used_kib"], d["read_used_kib"]
    assert 4096 <= once < 4096 * 1.05 + 600 and 11 * 4096 <= each < 11 * 4096 * 1.05 + 600
    assert d["mmap_share_kib"] < 4096 / 10 + 100 and d["read_share_kib"] >= 4096


def test_dict_that_does_not_fit_is_swapped(lectern):
    """Mapped, one copy fits and nothing leaves; read by each, eleven copies do not fit into 32 MiB."""
    d = numbers(lectern.check("/demo/dict", "--quiet", "--size", "4M", smp=4,
                              options=["--memory", "32M", "--swap", "64M"], timeout=400).text)
    assert d["failed"] == [] and d["mmap_swapped"] == 0 < d["read_swapped"], d


def test_read_of_small_files_is_faster_in_counted_instructions(lectern):
    d = numbers(lectern.check("/demo/small", "--quiet", "--files", "100", debug=False, options=["--icount"]).text)
    assert d["failed"] == [] and d["read_ns"] * 1.2 < d["map_ns"]


def test_btree_in_a_quarter_of_the_memory(lectern):
    """The file is larger than memory: every lookup is right, and pages had to leave."""
    result = lectern.check("/demo/btree", "--quiet", "--io", "cached", "--keys", "4000000", "--lookups", "20000",
                           options=["--memory", "32M"], timeout=400)
    d = numbers(result.text)
    assert d["failed"] == [] and d["mmap_warm_evictions"] > 0 and d["read_warm_evictions"] > 0, result.text


@pytest.mark.parametrize("smp", [1, 4])
def test_delay_writes_a_page_when_it_is_old(lectern, smp):
    d = numbers(lectern.check("/demo/delay", "--quiet", "--age", "60", smp=smp).text)
    assert d["failed"] == [] and d["written_at_once"] == 0
    assert d["written_thousand"] <= d["written_one"] <= 4 and d["first_ms"] >= 540


def first_bytes_after(lectern, tmp_path, line, *words):
    """Kills the machine when the demonstration has said this; what has the disk then?"""
    image = tmp_path / "disk.img"
    subprocess.run(["cp", "--sparse=always", str(lectern.build / "lectern.img"), str(image)], check=True)
    run = subprocess.Popen([sys.executable, str(lectern.project / "tools/run"), "--build", str(lectern.build),
                            "--disk", str(image), "--", "/demo/delay"] + list(words), text=True,
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    try:
        seen = []
        for text in run.stdout:
            seen.append(text)
            if line in text:
                break
        else:
            pytest.fail("expected: %s\nseen:     %s" % (line, "".join(seen)))
    finally:
        run.kill()              # and QEMU with it
        run.wait()
        run.stdout.close()
    return image


def test_delay_seen_from_the_host(lectern, tmp_path, disk_file):
    """The old byte is on the disk until the flusher has written the new one."""
    before = first_bytes_after(lectern, tmp_path, "1 store;")
    assert disk_file(before, "/tmp/delay.dat")[:2] == b".."
    after = first_bytes_after(lectern, tmp_path, "the flusher wrote", "--age", "60")
    assert disk_file(after, "/tmp/delay.dat")[:2] == b"A."


def test_hotcold_by_policy(lectern):
    d = numbers(lectern.check("/demo/hotcold", "--quiet", options=["--memory", "32M"], timeout=400).text)
    assert d["failed"] == []
    assert d["hits_two_list"] >= 90 and d["hits_fifo"] <= 60 and d["hits_fifo"] <= d["hits_clock"], d


@pytest.mark.parametrize("smp", [1, 4])
def test_bigsum_of_twice_the_memory(lectern, smp):
    d = numbers(lectern.check("/demo/bigsum", "--quiet", "--random", "1500", smp=smp,
                              options=["--memory", "32M"], timeout=400).text)
    assert d["failed"] == [] and d["failed_claims"] == 0
    assert d["pages"] * 4 > 2 * 25000 and d["peak_kib"] < 32 * 1024
    # Back after as many others as do not fit into memory, or fewer.
    assert d["random_refaults"] > 0 and 0 < d["random_distance"] <= d["pages"], d
    assert d["fill_written"] >= d["pages"] / 2 and d["sum_evicted"] >= d["pages"] / 3 and d["random_major"] > 300


# --- what looks at the same counts: vmstat, iostat, fincore, free ----------------------------------

def test_vmstat_and_iostat_and_free(lectern):
    text = lectern.check("/bin/sh", "-c", "vmstat 1 2; iostat 1 2; free; free -h").text
    lines = text.splitlines()
    assert lines[0].split()[:5] == ["r", "swap", "free", "cache", "dirty"]
    for line in lines[1:3]:
        word = line.replace("|", " ").replace("%", "").split()
        assert len(word) == 14 and int(word[0]) >= 1 and 100000 < int(word[2]) < 262144 and int(word[13]) <= 100
    assert len(re.findall(r"^vda +[\d.]+ +[\d.]+ +[\d.]+ \| +[\d.]+", text, re.M)) == 2
    memory = [int(word) for word in re.search(r"^Mem: +(.*)", text, re.M)[1].split()]
    assert memory[0] > memory[2] > 200000 and memory[1] + memory[2] <= memory[0]


def test_diskstats_counts_requests(lectern):
    script = "cat /proc/diskstats; cat /share/sources.txt > /dev/null; cat /proc/diskstats"
    before, after = (line.split() for line in lectern.check("/bin/sh", "-c", script).text.splitlines())
    assert before[2] == after[2] == "vda" and len(before) == len(after) == 20
    assert int(after[3]) > int(before[3]) and int(after[5]) - int(before[5]) > 1000


def test_fincore_shows_what_is_in_memory_and_dirty(lectern):
    script = ("cd /tmp; cp /share/sources.txt f; sync; echo 1 > /proc/sys/vm/drop_caches; fincore f; "
              "head -c 20000 f > /dev/null; fincore f; echo x >> f; fincore f; sync; fincore f; fincore none")
    result = lectern.run("/bin/sh", "-c", script)
    found = re.findall(r"^f: (\d+) of (\d+) pages in memory, (\d+) dirty\n(\[.*\])", result.text, re.M)
    assert len(found) == 4 and result.status == 1, result.text
    (cold, pages, _, bar), (warm, _, none, _), (_, _, dirty, dirty_bar), (_, _, clean, _) = found
    assert int(cold) == 0 and set(bar) == set("[.]") and 5 <= int(warm) <= int(pages)
    assert (none, clean) == ("0", "0") and 1 <= int(dirty) <= 2 and dirty_bar.rstrip("]")[-1] == "D"
