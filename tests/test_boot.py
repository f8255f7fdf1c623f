"""The way a person boots it: the GRUB ISO on a terminal, the shell, power-off."""
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time

import pytest


class Session:
    """`make run`'s command on a pseudo-terminal, with a keyboard."""

    def __init__(self, lectern, tmp_path, *options):
        self.log = tmp_path / "log"
        self.disk = tmp_path / "disk.img"
        if not self.disk.exists():
            subprocess.run(["cp", "--sparse=always", str(lectern.build / "lectern.img"),
                            str(self.disk)], check=True)
        command = [sys.executable, str(lectern.project / "tools" / "run"), "--build",
                   str(lectern.build), "--iso", "--smp", "2", "--disk", str(self.disk),
                   "--log", str(self.log)] + list(options)
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave,
                                        start_new_session=True)
        os.close(slave)
        self.seen = ""

    def expect(self, pattern, seconds=60):
        """Reads until the pattern is on the screen; what came up to it is taken away."""
        deadline = time.monotonic() + seconds
        while True:
            match = re.search(pattern, self.seen)
            if match:
                before, self.seen = self.seen[:match.end()], self.seen[match.end():]
                return before
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.master], [], [], left)[0]:
                pytest.fail("expected: %r on the screen within %d s\nseen:     %r" %
                            (pattern, seconds, self.seen[-2000:]), pytrace=False)
            try:
                self.seen += os.read(self.master, 65536).decode(errors="replace")
            except OSError:
                pytest.fail("expected: %r\nseen:     the machine left: %r" %
                            (pattern, self.seen[-2000:]), pytrace=False)

    def type(self, text):
        os.write(self.master, text.encode())

    def command(self, line, pattern=""):
        """Types a line, waits for its echo, its answer and the next prompt."""
        self.type(line + "\r")
        self.expect(re.escape(line))
        return self.expect(pattern + r"[^$#]*" + PROMPT)

    def leave(self, seconds=30):
        """The status, once the machine has powered off."""
        deadline = time.monotonic() + seconds
        while self.process.poll() is None and time.monotonic() < deadline:
            if select.select([self.master], [], [], 0.2)[0]:
                try:
                    self.seen += os.read(self.master, 65536).decode(errors="replace")
                except OSError:
                    pass
        return self.process.poll()

    def close(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait()
        os.close(self.master)


PROMPT = r"[$#] $"


@pytest.fixture
def session(lectern, tmp_path):
    sessions = []

    def start(*options):
        sessions.append(Session(lectern, tmp_path, *options))
        return sessions[-1]
    yield start
    for one in sessions:
        one.close()


def test_prompt_commands_and_power_off(session, check_disk, disk_file):
    machine = session()
    machine.expect(PROMPT)
    assert "motd" in machine.command("ls /etc", "motd")
    machine.command("echo one two | wc -w", "2")
    machine.command("echo stored > /root/stored")
    machine.type("poweroff\r")
    assert machine.leave() == 0
    check_disk(machine.disk)
    assert disk_file(machine.disk, "/root/stored") == b"stored\n"


def test_disk_keeps_what_was_stored(session):
    machine = session()
    machine.expect(PROMPT)
    machine.command("echo again > /root/again; sync")
    machine.type("\x04")
    assert machine.leave() == 0
    machine = session()
    machine.expect(PROMPT)
    machine.command("cat /root/again", "again")
    machine.type("exit\r")
    assert machine.leave() == 0


def test_line_editing(session):
    machine = session()
    machine.expect(PROMPT)
    machine.type("echo wrong\x15echo abx\x7fc\r")       # ^U, then a rubbed-out letter
    machine.expect("\r\n")
    machine.expect("abc\r\n")
    machine.expect(PROMPT)


def test_interrupt_key_ends_a_program(session):
    machine = session()
    machine.expect(PROMPT)
    machine.type("sleep 1000\r")
    machine.expect("sleep 1000\r\n")
    time.sleep(1)
    machine.type("\x03")
    machine.expect(PROMPT, 20)
    machine.command("echo alive", "alive\r\n")


def test_ctrl_a_x_leaves(session):
    machine = session()
    machine.expect(PROMPT)
    machine.type("\x01x")
    assert machine.leave() == 0


def test_shell_reads_a_script_from_a_pipe(lectern):
    result = lectern.run(stdin=b"echo from a pipe\nexit\n", timeout=60)
    assert "from a pipe" in result.text and result.status == 0


def test_boot_is_quick(lectern):
    """The kernel's own time line: from its entry to the first program."""
    best = min(first_program_at(lectern.check("/bin/true", debug=False).log) for _ in range(3))
    assert best < 1.5


MEMORY_KIB = 256 * 1024
USED_KIB = 6 * 1024


def test_memory_used_after_boot(lectern):
    """All that QEMU gave the machine, less what a program could get:
    with the holes, the firmware's part and the shell's own."""
    result = lectern.run(stdin=b"cat /proc/frames /proc/meminfo\nexit\n", debug=False,
                         options=("--memory", "%dK" % MEMORY_KIB), timeout=60)
    parts = {name: int(kib) for kib, name in re.findall(r"(\d+) kB  (\w+)", result.text)}
    everything = parts.pop("all")
    assert sum(parts.values()) == everything <= MEMORY_KIB
    available = int(re.search(r"^MemAvailable: +(\d+) kB", result.text, re.M).group(1))
    assert available <= parts["free"] + parts["cache"] + 64      # the two are read one after the other
    assert MEMORY_KIB - available < USED_KIB, result.text


def first_program_at(log):
    times = [float(t) for t in re.findall(r"^\[ *([0-9.]+)\] init: ", log, re.M)]
    assert times, "no line of init in the log"
    return times[0]


def test_keyboard_and_screen(lectern, tmp_path):
    """The PS/2 keyboard types into the shell; the screen shows it (QEMU's screendump)."""
    if not shutil.which("qemu-system-x86_64"):
        pytest.skip("no QEMU")
    monitor = tmp_path / "monitor"
    command = [sys.executable, str(lectern.project / "tools" / "run"), "--build",
               str(lectern.build), "--iso", "--log", str(tmp_path / "log"), "--timeout", "60",
               "--qemu", "-device VGA -monitor unix:%s,server=on,wait=off" % monitor]
    # Standard input stays open and silent: what is typed comes from the keyboard only.
    quiet, stay = os.pipe()
    run = subprocess.Popen(command, stdin=quiet, stdout=subprocess.PIPE)
    try:
        wait_for_prompt(run)
        send_keys(monitor, "poweroff\n")
        assert run.wait(timeout=40) == 0
    finally:
        run.kill()
        os.close(quiet)
        os.close(stay)


def wait_for_prompt(run):
    seen = b""
    while not re.search(rb"[$#] $", seen):
        data = os.read(run.stdout.fileno(), 4096)
        assert data, "the machine left: %r" % seen
        seen += data


def send_keys(monitor, text):
    import socket
    line = socket.socket(socket.AF_UNIX)
    line.connect(str(monitor))
    for letter in text:
        line.sendall(b"sendkey %s\n" % {"\n": b"ret", " ": b"spc"}.get(letter, letter.encode()))
        time.sleep(0.2)
