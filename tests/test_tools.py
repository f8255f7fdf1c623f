"""The project's own checks hold, and its small tools do what they say."""
import os
import re
import subprocess
import sys


def tool(lectern, *command, **how):
    return subprocess.run([str(c) for c in command], cwd=lectern.project, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, **how)


def make(lectern, *words, env=os.environ):
    build = os.path.relpath(lectern.build, lectern.project)
    # Not as a part of the make that may have started us.
    plain = {k: v for k, v in env.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    return tool(lectern, "make", "--no-print-directory", "B=" + build, *words, env=plain)


def test_make_check(lectern):
    done = make(lectern, "check")
    assert done.returncode == 0, done.stdout


def test_make_help_names_every_target(lectern):
    text = make(lectern, "help").stdout
    for target in ("run", "test", "gdb", "iso", "clean", "doctor", "toolchain", "check"):
        assert re.search(r"make %s " % target, text), text


def test_window_opens_on_the_desktops_display(lectern, tmp_path):
    """DISPLAY=1 on make's command line must not hide the desktop's DISPLAY from QEMU."""
    fake = tmp_path / "qemu-system-x86_64"
    fake.write_text('#!/bin/sh\necho "$DISPLAY" > "%s/seen"\nexit 1\n' % tmp_path)
    fake.chmod(0o755)
    path = "%s:%s" % (tmp_path, os.environ["PATH"])
    make(lectern, "run", "DISPLAY=1", env={**os.environ, "PATH": path, "DISPLAY": ":93"})
    assert (tmp_path / "seen").read_text() == ":93\n"


def test_makefile_is_short(lectern):
    assert len((lectern.project / "Makefile").read_text().splitlines()) < 250


def test_doctor_is_content(lectern):
    done = tool(lectern, "sh", "tools/doctor")
    assert done.returncode == 0, done.stdout


def test_doctor_names_what_is_missing(lectern, tmp_path):
    """With an empty path nothing is there, and each line tells how to get it."""
    for name in ("sh", "cut", "grep", "sort", "head", "dirname", "printf"):
        os.symlink("/bin/" + name, tmp_path / name)
    done = tool(lectern, "/bin/sh", "tools/doctor", env={"PATH": str(tmp_path)})
    assert done.returncode == 1
    for word in ("MISSING nasm", "apt-get install nasm", "brew install nasm", "pacman -S nasm"):
        assert word in done.stdout, done.stdout


def test_symbol_table_is_sorted_and_of_code(lectern):
    for name in ("lectern", "lectern-debug"):
        table = (lectern.build / ("kernel" + name[7:]) / "ksyms.o.tab").read_text().split("\n")[:-1]
        addresses = [int(line.split()[0], 16) for line in table]
        assert addresses == sorted(addresses) and len(set(addresses)) == len(addresses)
        assert any(line.endswith(" kernel_main") for line in table)


def test_kernel_sections_are_write_xor_execute(lectern):
    done = tool(lectern, "readelf", "-lW", lectern.build / "lectern.elf")
    # The boot page below 4 GiB is gone before the first program runs.
    loads = re.findall(r"LOAD +0x\w+ 0xffffffff8\w+ .* ([RWE ]{3}) 0x", done.stdout)
    assert loads and not any("W" in flags and "E" in flags for flags in loads), done.stdout


def test_image_tool_makes_a_small_disk(lectern, tmp_path, check_disk, disk_file):
    tree = tmp_path / "tree" / "inner"
    tree.mkdir(parents=True)
    (tree / "file").write_bytes(b"content")
    image = tmp_path / "small.img"
    done = tool(lectern, sys.executable, "tools/image", "--size", "16M", "--tree",
                tmp_path / "tree", "--add", "%s:/added/" % (tree / "file"), image)
    assert done.returncode == 0, done.stdout
    check_disk(image)
    assert disk_file(image, "/inner/file") == disk_file(image, "/added/file") == b"content"
