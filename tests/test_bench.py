"""The benchmark runs: every row of its table here, a few of each family in Lectern; its tables tell the truth."""
import importlib.machinery
import importlib.util
import pathlib
import re
import subprocess
import sys

import pytest

# Of each family the cheap ones; the rest differs in the loop only.
SMALL = ("insn1000,null_syscall,clock_gettime,mmap_touch_munmap,mprotect_toggle,sigsegv_mprotect,pread_4k,"
         "fork_exit_wait,fork_exec_wait,pipe_pingpong,area_split_10000")
LARGE = "fault_anon,fault_file_write,fault_private_cow,msync_1024,fork_cow,cold_mmap_rand"


@pytest.fixture
def rows(lectern):
    return str(lectern.build / "tests/bench/rows")


def results(text):
    assert not re.search("^fail", text, re.M), text
    return {word[1]: word for word in (line.split() for line in text.splitlines()) if word[:1] == ["row"]}


def test_rows_run_on_linux(rows, tmp_path):
    done = subprocess.run([rows, "-d", str(tmp_path), "-n", "20", "-r", "1", SMALL, LARGE], text=True,
                          stdout=subprocess.PIPE, timeout=300)
    assert done.returncode == 0, done.stdout
    assert set(results(done.stdout)) == set((SMALL + "," + LARGE).split(","))


def test_rows_run_and_count_instructions(lectern):
    """With the counter of instructions, a row is what it is, to the instruction."""
    text = lectern.check("/tests/bench", "-d", "/tmp", "-n", "200", "-r", "2", SMALL, debug=False,
                         options=["--icount"]).text
    found = results(text)
    assert set(found) == set(SMALL.split(","))
    assert 1000 <= float(found["insn1000"][5]) < 1010
    assert 50 < float(found["null_syscall"][5]) < 400
    rate = [int(word) for when in ("begin", "end")
            for word in re.search(r"# clock %s tsc (\d+) monotonic (\d+)" % when, text).groups()]
    assert abs((rate[2] - rate[0]) / (rate[3] - rate[1]) - 1) < 0.01     # one instruction, one nanosecond


def test_large_rows_run_on_the_debug_kernel(lectern):
    text = lectern.check("/tests/bench", "-d", "/tmp", "-n", "1", "-r", "1", LARGE).text
    found = results(text)
    assert set(found) == set(LARGE.split(","))
    assert found["msync_1024"][4] != "-", "the kernel does not say how long it idled"


@pytest.mark.parametrize("smp", [1, 4])
def test_workers_run(lectern, smp):
    text = lectern.check("/tests/bench", "-d", "/tmp", "-n", "1", "-r", "1", "@scale", smp=smp,
                         options=["--memory", "512M"]).text
    found = results(text)
    assert len(found) == 8
    assert {int(found[kind + "_mmap_munmap"][2]) for kind in ("threads", "processes")} == {8192 * smp}


# --- the tool's own sums ---------------------------------------------------------

@pytest.fixture
def tool(lectern):
    loader = importlib.machinery.SourceFileLoader("bench_tool", str(lectern.project / "tools/bench"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("bench_tool", loader))
    sys.path.insert(0, str(lectern.project / "tools"))
    sys.dont_write_bytecode = True
    loader.exec_module(module)
    return module


def test_every_goal_has_its_row(tool, rows):
    listed = subprocess.run([rows, "-l"], stdout=subprocess.PIPE, text=True).stdout
    for row in tool.read_goals():
        assert re.search(r"^%s +@" % row, listed, re.M), row


def test_idling_is_left_out(tool):
    found = tool.results("row a 10 2000 500 150.00\nrow b 4 400 - 100.00\n# fail\n")
    assert tool.each(found["a"]) == 150 and tool.each(found["a"], busy=False) == 200
    assert tool.each(found["b"]) == 100


def test_a_failed_row_has_no_figure(tool):
    found = tool.results("fail a errno=5 open_data\n")
    assert tool.each(found["a"]) is None
    assert tool.judge("a", 100, tool.each(found["a"]), 50) == "failed"


@pytest.mark.parametrize("goal,ours,linux,word", [
    (100, 90, 300, "reached"), (100, 110, 300, "above goal"), (100, 90, 80, "above Linux"),
    (None, 90, 91, "reached"), (None, 92, 91, "above Linux"), (None, 92, None, "")])
def test_verdicts(tool, goal, ours, linux, word):
    assert tool.judge("a", goal, ours, linux) == word


@pytest.mark.parametrize("linux,ours,word", [(1.5, 1.9, "reached"), (1.9, 1.7, "below 1.8"), (5.0, 1.9, "noise"),
                                             (1.5, 2.6, "noise"), (None, 1.9, "reached"), (1.5, None, "")])
def test_verdicts_of_scale(tool, linux, ours, word):
    assert tool.judge_scale({"linux_2": linux, "lectern_2": ours}) == word


def test_debug_information_is_not_the_program(tool, rows, tmp_path):
    stripped = tmp_path / "rows"
    subprocess.run(["strip", "-o", str(stripped), rows], check=True)
    assert stripped.stat().st_size < pathlib.Path(rows).stat().st_size
    assert tool.loaded_bytes(stripped) == tool.loaded_bytes(pathlib.Path(rows)) != b""


def test_archive_for_linux(tool):
    """newc: a head of 110 digits, name and data on multiples of four."""
    archive = tool.cpio_entry("init", 0o100755, b"12345") + tool.cpio_entry("TRAILER!!!", 0, b"")
    assert len(archive) % 4 == 0 and archive[:6] == b"070701"
    assert archive[110:114] == b"init" and archive[116:121] == b"12345"


def test_bench_refuses_an_unknown_row(lectern):
    done = subprocess.run([str(lectern.project / "tools/bench"), "--build", str(lectern.build), "no_such_row"],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 1 and "no row is or has no_such_row" in done.stdout


def test_bench_of_lectern_alone(lectern, tmp_path):
    """The whole way of one row: disk, boot, table, JSON."""
    out = tmp_path / "out.json"
    done = subprocess.run([str(lectern.project / "tools/bench"), "--build", str(lectern.build), "--only", "lectern",
                           "--json", str(out), "null_syscall"],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=600)
    assert done.returncode == 0, done.stdout
    assert re.search(r"^null_syscall +- +\d+ +- +100 ", done.stdout, re.M), done.stdout
    assert '"row": "null_syscall"' in out.read_text()
