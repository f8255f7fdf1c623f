"""tools/run itself: statuses, streams, files in and out, both ways to boot."""
import os
import signal
import stat
import subprocess
import sys

import pytest


@pytest.mark.parametrize("status", [0, 1, 7, 255])
def test_exit_status_is_the_programs(lectern, status):
    lectern.check("/bin/sh", "-c", "exit %d" % status, status=status)


def test_killed_program_gives_128_and_the_signal(lectern):
    lectern.check("/bin/sh", "-c", "kill -9 $$", status=128 + 9)


def test_missing_program_gives_127(lectern):
    lectern.check("/bin/there-is-no-such-program", status=127)


def test_standard_input_passes_every_byte(lectern):
    data = bytes(range(256)) * 300 + b"no newline at the end"
    assert lectern.check("/bin/cat", stdin=data).out == data


def test_input_that_ends_at_once(lectern):
    assert lectern.check("/bin/cat", stdin=b"").out == b""


def test_output_is_not_changed(lectern):
    """No carriage return is added and no escape is eaten on the way out."""
    data = b"one\ntwo\r\n\x10E\x10\x10 three\x00\xff"
    assert lectern.check("/bin/cat", "/root/data", options=add_bytes(data)).out == data


def add_bytes(data, mode=0o644, to="/root/data"):
    path = os.path.join(os.environ.get("TMPDIR", "/tmp"), "lectern-add.%d" % os.getpid())
    with open(path, "wb") as file:
        file.write(data)
    os.chmod(path, mode)
    return ["--add", path + ":" + to]


ODD = ["two words", 'a "quoted" one', "back\\slash", "", "it's", "--", "$HOME", "tab\there"]


@pytest.mark.parametrize("how", ["--direct", "--iso"])
def test_arguments_arrive_as_given(lectern, how):
    script = 'for word in "$@"; do echo "[$word]"; done'
    result = lectern.check("/bin/sh", "-c", script, "sh", *ODD, options=[how])
    assert result.text.splitlines() == ["[%s]" % word for word in ODD]


@pytest.mark.parametrize("how", ["--direct", "--iso"])
def test_both_kernels_boot_both_ways(lectern, how):
    for debug in (False, True):
        assert lectern.check("/bin/echo", "hello", options=[how], debug=debug).out == b"hello\n"


@pytest.mark.parametrize("smp,memory", [(1, "32M"), (2, "64M"), (16, "512M")])
def test_machines_of_other_sizes(lectern, smp, memory):
    result = lectern.check("/bin/sh", "-c", "grep -c ^processor /proc/cpuinfo", smp=smp,
                           options=["--memory", memory])
    assert result.out == b"%d\n" % smp


def test_more_processors_than_the_kernel_uses(lectern):
    result = lectern.run("/bin/true", smp=17)
    assert result.status == 2 and "1 to 16" in result.said
    result = lectern.check("/bin/grep", "-c", "^processor", "/proc/cpuinfo", options=["--qemu=-smp 18"])
    assert result.out == b"16\n"
    assert result.log.count("stays off: 16 are used at most") == 2


def test_added_file_keeps_its_mode(lectern):
    options = add_bytes(b"#!/bin/sh\necho from a script\n", 0o755, "/new/folder/script")
    assert lectern.check("/new/folder/script", options=options).out == b"from a script\n"


def test_added_folder(lectern, tmp_path):
    (tmp_path / "tree" / "inner").mkdir(parents=True)
    (tmp_path / "tree" / "inner" / "file").write_text("deep")
    (tmp_path / "tree" / "with blank").write_text("x")
    result = lectern.check("/bin/cat", "/tree/inner/file", "/tree/with blank",
                           options=["--add", "%s:/tree" % (tmp_path / "tree")])
    assert result.out == b"deepx"


def test_disk_is_saved_and_clean(lectern, tmp_path, check_disk, disk_file):
    image = tmp_path / "saved.img"
    lectern.check("/bin/sh", "-c", "echo kept > /root/note; mkdir /root/folder",
                  options=["--save-disk", str(image)])
    check_disk(image)
    assert disk_file(image, "/root/note") == b"kept\n"
    # The default image stays as it was: the next run does not see the note.
    lectern.check("/bin/cat", "/root/note", status=1)
    # In place, it does, and changes it for good.
    lectern.check("/bin/sh", "-c", "cat /root/note; echo more >> /root/note",
                  options=["--disk", str(image)])
    check_disk(image)
    assert disk_file(image, "/root/note") == b"kept\nmore\n"


def test_time_out_is_124_and_shows_the_log(lectern):
    result = lectern.run("/bin/sleep", "1000", timeout=15)
    assert result.status == 124
    assert "the kernel's last words" in result.said and "tools/run" in result.said
    assert "cpu 0 at" in result.said


def test_foreign_disk_is_refused_with_a_sentence(lectern, tmp_path):
    """A disk that is no ext2: the machine stops, says why, and 126 or 125 tells of it."""
    image = tmp_path / "foreign.img"
    with open(image, "wb") as file:
        file.write(b"not a file system " * 1000)
        file.truncate(64 << 20)
    result = lectern.run("/bin/true", options=["--disk", str(image)], timeout=60)
    assert result.status in (125, 126)
    assert "ext2" in result.log and "ext2" in result.said


def test_missing_disk_is_125(lectern):
    result = lectern.run("/bin/true", options=["--disk", "/there/is/none"])
    assert result.status == 125 and "/there/is/none" in result.said


def test_machine_that_never_starts_is_125(lectern):
    """QEMU stops before it has opened the serial lines, and says why."""
    result = lectern.run("/bin/true", options=["--qemu=-no-such-option"], timeout=60)
    assert result.status == 125 and "no-such-option" in result.said


def test_kernel_messages_stay_apart(lectern):
    result = lectern.check("/bin/sh", "-c", "echo to the log > /dev/kmsg; echo to the user")
    assert result.out == b"to the user\n"
    assert "to the log" in result.log


def test_icount_boots(lectern):
    assert lectern.check("/bin/echo", "counted", options=["--icount"]).out == b"counted\n"


def test_interrupt_leaves_no_qemu_behind(lectern, tmp_path):
    log = tmp_path / "log"
    command = [sys.executable, str(lectern.project / "tools" / "run"), "--build",
               str(lectern.build), "--log", str(log), "--", "/bin/sleep", "1000"]
    # In the background of a shell the signal would be ignored from the start.
    run = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                           preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    while not log.exists() and run.poll() is None:
        pass
    with open("/proc/%d/task/%d/children" % (run.pid, run.pid)) as file:
        children = file.read().split()
    run.send_signal(2)
    assert run.wait(timeout=20) == 130
    for child in children:
        assert not os.path.exists("/proc/" + child)


def test_image_is_sparse(lectern):
    info = os.stat(lectern.build / "lectern.img")
    assert stat.S_ISREG(info.st_mode) and info.st_size == 2 << 30
    assert info.st_blocks * 512 < 256 << 20
