"""make gdb, in batch: the kernel's entry, and a user program's main."""
import re
import subprocess
import sys

import pytest


def gdb(lectern, *options, commands=()):
    command = [sys.executable, str(lectern.project / "tools" / "gdb" / "start"), "--build",
               str(lectern.build)] + list(options) + ["--", "-batch"]
    for text in commands:
        command += ["-ex", text]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=120)
    text = done.stdout.decode(errors="replace")
    assert "packet" not in text, text
    return text


def test_stops_at_the_kernels_entry(lectern):
    text = gdb(lectern, commands=["bt 1", "info registers rip", "print nr_page_records"])
    assert re.search(r"#0 .*kernel_main", text), text
    assert re.search(r"rip +0xffffffff8", text), text


@pytest.mark.parametrize("smp", ["1", "2"])
def test_stops_at_a_programs_main(lectern, smp):
    text = gdb(lectern, "--program", "echo", "--arguments", "one two", "--smp", smp,
               commands=["bt 1", "print argc", "print argv[1]", "lectern-log", "lectern-threads",
                         "lectern-areas", "lectern-page $rip"])
    assert re.search(r"#0 +main ", text) and "echo" in text, text
    assert "$1 = 3" in text and '"one"' in text, text
    assert re.search(r"pid 1 .*init", text), text
    assert re.search(r"^[0-9a-f]{12}-[0-9a-f]{12} r-xp", text, re.M), text
    assert re.search(r"PT +\[.*present user", text), text


def test_kernel_breakpoint_and_the_way_back_to_user_code(lectern):
    text = gdb(lectern, "--program", "true", commands=["hbreak fault_resolve", "continue", "bt 3",
                                                       "delete", "finish"])
    assert "fault_resolve" in text, text
