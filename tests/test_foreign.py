"""Programs that nobody here wrote: Debian's own binaries, unmodified, from its packages.

tools/packages.py resolves, fetches and unpacks them once (BUILD/packages); the scripts of tests/foreign run in
Lectern, and on this host's Linux with the same files as the root directory; both must say the same.  One boot for
each number of processors runs all the scripts that were chosen.  `-m "not big"` leaves out those that take long,
`-m big` runs only them.
"""
import os
import pathlib
import pty
import re
import select
import shutil
import subprocess
import sys
import termios
import time

import pytest

TESTS = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(TESTS.parent / "tools"))
import machine       # noqa: E402
import packages      # noqa: E402

WANTED = ("dash bash coreutils grep sed findutils diffutils sqlite3 python3 gcc make libc6-dev "
          "lmdb-utils liblmdb-dev busybox-static musl musl-dev musl-tools procps")
SCRIPTS = ["musl", "busybox", "lmdb", "bash", "coreutils", "procps", "sqlite", "python"]
BIG = ["gcc"]
LIMIT = 300             # seconds for one boot
# What a system may say of itself: the table of differences that are no faults.
SAME = [(r"Lectern", "Linux")]

BUILD_OWN = """set -e; cd /foreign
musl-gcc -O2 -static -o built/musl_static musl_program.c
musl-gcc -O2 -fPIE -pie -o built/musl_dynamic musl_program.c
musl-gcc -O2 -fPIE -pie -o built/frames frames.c
gcc -O2 -Wall -o built/lmdb_own lmdb_own.c -llmdb
"""
# A file system of its own for the commands' mounts; without root's rights, as a user who is root inside.
ENTER = """set -e
mount --make-rprivate /
mount -t tmpfs tmpfs "$1/tmp"; mount -t tmpfs tmpfs "$1/root"
mount --rbind /proc "$1/proc"; mount --rbind /dev "$1/dev"; mount --bind "$2" "$1/foreign"
tree=$1; shift 2; exec chroot "$tree" "$@"
"""


class Foreign:
    """The packages' tree, the same as a root directory for this host, and the image."""

    def __init__(self, build):
        self.build = build
        self.place = build / "foreign"
        self.image, self.host, self.files = (self.place / name for name in ("lectern.img", "host", "files"))
        self.passed = {}        # script: with how many processors

    def make(self):
        self.place.mkdir(exist_ok=True)
        stamp = self.place / "packages"
        if not stamp.exists() or stamp.read_text() != WANTED or not self.host.exists():
            tree = packages.tree_of(WANTED.split(), self.build / "packages")
            shutil.rmtree(self.host, ignore_errors=True)
            shutil.copytree(tree, self.host, symlinks=True, copy_function=link)
            for name in ("foreign", "tmp", "root", "proc", "dev"):
                (self.host / name).mkdir(exist_ok=True)
            self.image.unlink(missing_ok=True)
            stamp.write_text(WANTED)
        newest = max((self.build / "lectern.img").stat().st_mtime,
                     (TESTS.parent / "tools" / "image").stat().st_mtime)
        if not self.image.exists() or self.image.stat().st_mtime < newest:
            subprocess.run([sys.executable, str(TESTS.parent / "tools" / "image"), "--build", str(self.build),
                            "--packages", WANTED, str(self.image)], check=True)
        shutil.rmtree(self.files, ignore_errors=True)
        shutil.copytree(TESTS / "foreign", self.files)
        (self.files / "built").mkdir()
        for name in ("passwd", "group"):        # whoever asks who owns a file
            text = machine.debugfs(self.image, ["cat /etc/" + name])[1]
            target = self.host / "etc" / name
            target.unlink(missing_ok=True)
            target.write_text("\n".join(text) + "\n")

    def enter(self):
        """The command before a command that runs it with the tree as its root directory."""
        unshare = ["unshare", "-m"] if os.getuid() == 0 else ["unshare", "-r", "-m"]
        return unshare + ["sh", "-c", ENTER, "sh", str(self.host), str(self.files)]

    def on_host(self, *job, **how):
        # The make that runs these tests must not speak to the make that is one of them.
        outside = {name: value for name, value in os.environ.items()
                   if name not in ("MAKEFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "MFLAGS")}
        return subprocess.run(self.enter() + list(job), timeout=LIMIT, env=outside, **how)

    def disk(self, scratch):
        """A fresh copy of the image, with the scripts and our programs in it."""
        disk = scratch / "disk.img"
        machine.copy_sparse(self.image, disk)
        return ["--disk", str(disk), "--memory", "512M", "--add", "%s:/foreign" % self.files]


def link(source, target):
    os.link(source, target, follow_symlinks=False)


@pytest.fixture(scope="module")
def foreign(lectern):
    foreign = Foreign(lectern.build)
    try:
        foreign.make()
    except packages.PackageError as error:
        pytest.skip("Debian's packages cannot be had: " + str(error).strip().splitlines()[-1])
    try:
        done = foreign.on_host("/usr/bin/bash", "-c", BUILD_OWN, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    except FileNotFoundError:
        pytest.skip("the same run on Linux needs unshare and chroot")
    said = done.stdout.decode(errors="replace")
    if "unshare:" in said or "mount:" in said:
        pytest.skip("the same run on Linux needs a mount namespace: " + said.strip())
    assert done.returncode == 0, said
    return foreign


def sections(text):
    """What each script said, with its status as the last line."""
    found = re.findall(r"^==== (\w+)\n(.*?^==== status \d+)$", text, re.M | re.S)
    return dict(found)


def chosen(request):
    return [name for name in SCRIPTS + BIG
            if any(item.callspec.params.get("script") == name for item in request.session.items
                   if item.path == request.path and hasattr(item, "callspec"))]


@pytest.fixture(scope="module")
def on_linux(foreign, request):
    done = foreign.on_host("/usr/bin/busybox", "sh", "/foreign/all", *chosen(request), stdin=subprocess.DEVNULL,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return sections(done.stdout.decode(errors="replace"))


@pytest.fixture(scope="module", params=[1, 4], ids=["smp1", "smp4"])
def in_lectern(foreign, request, lectern, tmp_path_factory):
    scratch = tmp_path_factory.mktemp("foreign")
    result = lectern.run("/usr/bin/busybox", "sh", "/foreign/all", *chosen(request), smp=request.param,
                         timeout=LIMIT, options=foreign.disk(scratch))
    shutil.rmtree(scratch)
    return sections(result.text), result


@pytest.mark.parametrize("script", SCRIPTS + [pytest.param(name, marks=pytest.mark.big) for name in BIG])
def test_says_what_it_says_on_linux(script, foreign, in_lectern, on_linux):
    seen, result = in_lectern
    assert on_linux.get(script, "").endswith("status 0"), "on Linux: " + on_linux.get(script, "no end")
    if script not in seen:
        pytest.fail("%s did not end in Lectern (status %d)\n%s\n%s\n%s" %
                    (script, result.status, result.text[-2000:], result.said, result.last_words()), pytrace=False)
    expected, got = on_linux[script].splitlines(), seen[script].splitlines()
    if plain(expected) != plain(got):
        pytest.fail(difference(expected, got) + "\n" + result.last_words(5), pytrace=False)
    foreign.passed.setdefault(script, set()).add(processors(result))


def processors(result):
    return int(re.search(r"--smp (\d+)", result.command)[1])


def test_table_in_the_readme(foreign):
    """The README's table of foreign programs is what this run saw; it stands between two marks there."""
    if any(foreign.passed.get(name) != {1, 4} for name in SCRIPTS + BIG):
        pytest.skip("the table wants every script, with 1 and 4 processors")
    lines = ["| Debian's | what is compared with Linux | 1 CPU | 4 CPUs |", "|---|---|---|---|"]
    for name in SCRIPTS + BIG:
        head = (TESTS / "foreign" / (name + ".sh")).read_text().splitlines()[0]
        program, _, what = head.removeprefix("# ").rstrip(".").partition(": ")
        lines.append("| %s | %s | the same | the same |" % (program, what))
    table = "\n".join(lines)
    (foreign.place / "table.md").write_text(table + "\n")
    assert table in (TESTS.parent / "README.md").read_text(), "README.md lacks this table:\n" + table


def plain(lines):
    text = "\n".join(lines)
    for seen, same in SAME:
        text = re.sub(seen, same, text)
    return text


def difference(expected, got):
    import difflib
    return "\n".join(difflib.unified_diff(expected, got, "Linux", "Lectern", lineterm="", n=1))


def test_ten_processes_share_one_copy_of_libc(foreign, lectern, tmp_path):
    """The frames under three pages of libc's code, told by pagemap, counted by kpagecount."""
    result = lectern.check("/usr/bin/env", "SHOW_FRAMES=1", "/foreign/built/frames", smp=4,
                           options=foreign.disk(tmp_path))
    assert len(re.findall(r"libc: 0 of 10 processes have another frame", result.text)) == 3, result.text
    found = re.findall(r"frame (\d+) mapped (\d+) times", result.text)
    assert len(found) == 3, result.text
    for frame, times in found:
        assert int(frame) > 0 and int(times) >= 10, result.text


# Keys, and what is on the screen before they are typed: vi takes keys right behind Escape for one key's code.
VI = [(rb"text 1/1 100%", b"ione two\rthree\x1b"), (rb"- \S+text \[Modified\] 2/2", b"kyyp:%s/o/0/g\rGoend\x1b"),
      (rb"- \S+text \[Modified\] 4/4", b":wq\r")]


def test_vi_on_the_terminal(foreign, tmp_path):
    """Keys typed into busybox's vi leave the file that they leave on Linux."""
    (foreign.files / "text").unlink(missing_ok=True)
    type_into(foreign.enter() + ["/usr/bin/env", "TERM=vt100", "/usr/bin/busybox", "vi", "/foreign/text"], VI)
    wanted = (foreign.files / "text").read_text()
    (foreign.files / "text").unlink()
    run = [sys.executable, str(TESTS.parent / "tools" / "run"), "--build", str(foreign.build), "--debug"]
    seen = type_into(run + foreign.disk(tmp_path),
                     [(rb"# $", b"TERM=vt100 busybox vi /tmp/text\r")] + VI +
                     [(rb"# $", b"busybox cat /tmp/text; exit\r")])
    shown = seen.replace(b"\r", b"").decode(errors="replace")
    assert wanted.count("\n") == 4 and "exit\n" + wanted in shown, \
        "expected:\n%s\nseen:\n%s" % (wanted, shown[-2000:])


BASH = [(rb"# $", b"exec bash --norc\r"),
        (rb"bash-\S+# $", b"sh -c 'echo beg''un; sleep 100; :'\r"), (rb"begun\r\n", b"\x1a"),
        (rb"Stopped.*\n.*# $", b"bg\r"), (rb" &\r\n.*# $", b"fg\r"), (rb"fg\r\n.*\r\n", b"\x03"),
        (rb"# $", b"ec\t status $?; stty size; exit\r")]


def test_bash_on_the_terminal(foreign, tmp_path):
    """Line editing, ^Z, bg, fg and ^C; 130 is the status of what ^C ended."""
    run = [sys.executable, str(TESTS.parent / "tools" / "run"), "--build", str(foreign.build), "--debug"]
    seen = type_into(run + foreign.disk(tmp_path), BASH).replace(b"\r", b"").decode(errors="replace")
    assert re.search(r"\^C\n.*# echo  status \$\?; stty size; exit\nstatus 130\n24 80\nexit\n", seen), seen


def type_into(command, steps):
    """Runs a command on a terminal and types the keys of each step when its words are there; all that it said."""
    master, slave = pty.openpty()
    termios.tcsetwinsize(slave, (24, 80))       # or vi asks the terminal, and takes our keys for its answer
    process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    said, at, end = b"", 0, time.monotonic() + 60
    steps = list(steps)
    while time.monotonic() < end:
        if select.select([master], [], [], 0.1)[0]:
            try:
                said += os.read(master, 65536)
            except OSError:                     # the other side is closed
                break
        elif process.poll() is not None:
            break
        if steps and re.search(steps[0][0], said[at:]):
            os.write(master, steps.pop(0)[1])
            at = len(said)
    process.kill()
    process.wait()
    os.close(master)
    return said
