"""The harness: turns the C tests into pytest's, and boots Lectern for them.

tests/prog/NAME.c   guest programs.  Each TEST() in them becomes three tests:
                    [linux] (the same binary on this machine), [smp1] and [smp4]
                    (in Lectern, with so many processors).  All that were chosen
                    run in one boot for each number of processors; only if the
                    machine stops half-way do the rest get another one.
tests/unit/NAME.c   host programs: one test each.
tests/test_*.py     plain pytest, with the fixture `lectern`.

A failed test prints one block: what was expected, what was seen, the kernel's
last words, and the command that runs only it.
"""
import concurrent.futures
import dataclasses
import os
import pathlib
import re
import shlex
import signal
import subprocess
import sys
import tempfile

import pytest

TESTS = pathlib.Path(__file__).resolve().parent
PROJECT = TESTS.parent
BUILD = (PROJECT / os.environ.get("B", "build")).resolve()
RUN = str(PROJECT / "tools" / "run")
PROCESSORS = (1, 4)
BOOT_LIMIT = 600        # seconds for one boot that runs all test programs
ALONE_LIMIT = 120       # and for one that runs one test
AT_ONCE = 50            # programs in one boot: the kernel's command line is finite
REPEATED = 4            # so many failed tests are tried again alone, for their log


# --- running things ----------------------------------------------------------

@dataclasses.dataclass
class Result:
    status: int
    out: bytes
    said: str           # tools/run's own words: empty unless something is wrong
    log: str            # the kernel's messages
    command: str

    @property
    def text(self):
        return self.out.decode(errors="replace")

    def last_words(self, count=15):
        return "\n".join("  " + line for line in self.log.splitlines()[-count:])


def run_guest(job, smp=1, timeout=ALONE_LIMIT, stdin=b"", options=(), debug=True):
    """Boots, runs the job (a list, or [] for a shell) and gives what came of it."""
    with tempfile.TemporaryDirectory(prefix="lectern-test.") as scratch:
        log = os.path.join(scratch, "log")
        command = [sys.executable, RUN, "--build", str(BUILD), "--smp", str(smp), "--log", log,
                   "--timeout", str(timeout)] + (["--debug"] if debug else []) + list(options)
        command += ["--"] + list(job) if job else []
        done = subprocess.run(command, input=stdin, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=timeout + 60)
        text = ""
        if os.path.exists(log):
            with open(log, errors="replace") as file:
                text = file.read()
    shown = [part for part in command[1:] if part not in ("--log", log)]
    return Result(done.returncode, done.stdout, done.stderr.decode(errors="replace"), text,
                  shlex.join([os.path.relpath(shown[0], PROJECT)] + shown[1:]))


class Lectern:
    """What test_*.py files use: run() and check()."""
    build = BUILD
    project = PROJECT

    @staticmethod
    def run(*job, **how):
        return run_guest(list(job), **how)

    @staticmethod
    def check(*job, status=0, **how):
        """As run(), and the job must end with this status."""
        result = run_guest(list(job), **how)
        if result.status != status:
            pytest.fail("expected: exit status %d\nseen:     exit status %d\n%s%s\n%s\nrerun:    %s" %
                        (status, result.status, result.text, result.said, result.last_words(),
                         result.command), pytrace=False)
        return result


@pytest.fixture(scope="session")
def lectern():
    return Lectern()


def e2fs(tool, *args, **how):
    """e2fsck or debugfs, which Debian keeps outside a user's path."""
    environment = dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin:/sbin")
    return subprocess.run([tool] + [str(a) for a in args], env=environment,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **how)


def check_ext2(image):
    """What e2fsck has to say against an image: nothing, or its words."""
    done = e2fs("e2fsck", "-fn", image)
    text = done.stdout.decode(errors="replace")
    wrong = done.returncode or re.search(r"(?i)fix\?|not cleanly|WARNING|errors", text)
    return text if wrong else ""


@pytest.fixture(scope="session")
def check_disk():
    """Fails unless e2fsck finds nothing to say about an image."""
    def check(image):
        text = check_ext2(image)
        if text:
            pytest.fail("expected: e2fsck -fn finds nothing\nseen:     " + text, pytrace=False)
    return check


@pytest.fixture(scope="session")
def disks_of_the_boots(request):
    """What e2fsck said of the disks of the boots that ran the guest programs."""
    def words(smp):
        all_boots = boots(request.session)
        if not any(item.smp == smp for item in all_boots.items):
            pytest.skip("no guest program was chosen")
        all_boots.get(smp)
        return all_boots.disks[smp]
    return words


@pytest.fixture(scope="session")
def disk_file():
    """The bytes of one file in an image, as debugfs reads them."""
    def read(image, path):
        with tempfile.TemporaryDirectory() as scratch:
            out = os.path.join(scratch, "out")
            done = e2fs("debugfs", "-R", 'dump "%s" "%s"' % (path, out), image)
            if not os.path.exists(out):
                pytest.fail("debugfs: " + done.stdout.decode(errors="replace"), pytrace=False)
            with open(out, "rb") as file:
                return file.read()
    return read


# --- what a test program printed ---------------------------------------------

@dataclasses.dataclass
class Tap:
    """One program's run: its tests' lines, each with the remarks above it."""
    results: dict = dataclasses.field(default_factory=dict)     # name -> (ok, skip, remarks)
    exit: int = None
    audit: str = None
    rest: list = dataclasses.field(default_factory=list)

    def take(self, line):
        match = re.match(r"(not )?ok \d+(?: -)? (\S+)(?:.*# SKIP(.*))?", line)
        if match:
            self.results[match[2]] = (not match[1], match[3], self.rest)
            self.rest = []
        elif not re.match(r"1\.\.\d+$", line):
            self.rest.append(line)


def parse_guest(text):
    """runtests' output: {program: Tap}; a program without an exit was cut off."""
    found, current = {}, None
    for line in text.replace("\r", "").splitlines():
        match = re.match(r"== (\S+)(?: exit (\d+)| audit: (.*))?$", line)
        if match:
            current = found.setdefault(match[1], Tap())
            if match[2]:
                current.exit = int(match[2])
            elif match[3]:
                current.audit, current.rest = match[3], []
        elif current:
            current.take(line)
    return found


class Boots:
    """The boots that run the chosen test programs; made when first asked for."""

    def __init__(self, items):
        self.items, self.futures = items, None
        self.tried = 0
        self.disks = {n: [] for n in PROCESSORS}        # what e2fsck said behind each boot

    def get(self, smp):
        if self.futures is None:
            pool = concurrent.futures.ThreadPoolExecutor(len(PROCESSORS))
            self.futures = {n: pool.submit(self.run_all, n) for n in PROCESSORS
                            if any(item.smp == n for item in self.items)}
        return self.futures[smp].result()

    def run_all(self, smp):
        """{program: (Tap, Result)}.  After a crash the programs behind it get a new boot."""
        chosen = {}
        for item in self.items:
            if item.smp == smp:
                chosen.setdefault(item.program, []).append(item.test)
        done = {}
        few = [p for p in chosen if len(chosen[p]) == 1 and chosen[p][0] not in (None, "audit")]
        for program in few:
            result = run_guest(["/tests/runtests", "-t", chosen[program][0], program], smp,
                               ALONE_LIMIT)
            done[program] = parse_guest(result.text).get(program, Tap()), result
        left = [program for program in chosen if program not in few]
        while left:
            result = self.run_and_check_disk(left[:AT_ONCE], smp)
            seen = parse_guest(result.text)
            ran = [p for p in left if p in seen] or left[:1]
            for program in ran:
                done[program] = seen.get(program, Tap()), result
            left = [p for p in left if p not in ran]
        return done

    def run_and_check_disk(self, programs, smp):
        with tempfile.TemporaryDirectory(prefix="lectern-disk.") as scratch:
            image = os.path.join(scratch, "disk.img")
            result = run_guest(["/tests/runtests"] + programs, smp, BOOT_LIMIT,
                               options=["--save-disk", image])
            if result.status < 124:                     # it did power off in order
                self.disks[smp].append(check_ext2(image))
        return result

    def alone(self, item):
        """Tries a failed test again by itself, for a log that tells of it only."""
        if self.tried >= REPEATED:
            return None
        self.tried += 1
        return run_guest(["/tests/runtests", "-t", item.test, item.program], item.smp)


# --- collecting C files --------------------------------------------------------

def pytest_collect_file(file_path, parent):
    if file_path.suffix != ".c":
        return None
    if file_path.parent in (TESTS / "prog", TESTS / "prog" / "musl"):
        if test_names(file_path):
            return ProgramFile.from_parent(parent, path=file_path)
    if file_path.parent == TESTS / "unit" and file_path.name.endswith("_test.c"):
        return UnitFile.from_parent(parent, path=file_path)
    return None


def test_names(path):
    return re.findall(r"^TEST\((\w+)\)", path.read_text(), re.M)


def option(path, word):
    """`// WORD: value` in a program's head, such as `// LECTERN ONLY: why`."""
    match = re.search(r"^(?://| \*) %s: *(.*)$" % word, path.read_text(), re.M)
    return match[1].strip() if match else None


class ProgramFile(pytest.File):
    def collect(self):
        musl = self.path.parent.name == "musl"
        program = "/tests/musl/" + self.path.stem if musl else self.path.stem
        binary = BUILD / self.path.relative_to(PROJECT).with_suffix("")
        if musl and not binary.exists():
            return                              # no musl-gcc here
        names = test_names(self.path)
        if option(self.path, "LECTERN ONLY") is None:
            for name in names:
                yield HostTest.from_parent(self, name=name + "[linux]", test=name, binary=binary)
        for smp in PROCESSORS:
            for name in names + ["audit"]:
                yield GuestTest.from_parent(self, name="%s[smp%d]" % (name, smp), test=name,
                                            program=program, smp=smp)


class UnitFile(pytest.File):
    def collect(self):
        yield UnitTest.from_parent(self, name=self.path.stem,
                                   binary=BUILD / "tests" / "unit" / self.path.stem)


class Failed(Exception):
    pass


class Block(pytest.Item):
    """A test whose failure is one block of text, not a Python trace."""

    def rerun(self):
        words = re.sub(r"[\[\]]", " and ", self.name).strip().removesuffix("and").strip()
        return "make test T='%s and %s'" % (self.path.stem, words) if words != self.path.stem \
            else "make test T=" + words

    def repr_failure(self, excinfo, style=None):
        if excinfo.errisinstance(Failed):
            return "%s\nrerun:    %s" % (excinfo.value, self.rerun())
        return super().repr_failure(excinfo, style)

    def reportinfo(self):
        return self.path, None, self.nodeid

    def judge(self, tap, more=""):
        """Passes, skips or fails as the program's own line says."""
        if self.test not in tap.results:
            raise Failed("expected: a line `ok - %s`\nseen:     none; the program ended with "
                         "status %s%s\n%s" % (self.test, tap.exit, more, "\n".join(tap.rest[-20:])))
        ok, skip, remarks = tap.results[self.test]
        if skip is not None:
            pytest.skip(skip.strip() or "by the program")
        if not ok:
            raise Failed("\n".join(remarks) + more)


def outcome(status):
    if status is not None and status < 0:
        return 128 - status
    return status


class HostTest(Block):
    cache = {}

    def __init__(self, *, test, binary, **rest):
        super().__init__(**rest)
        self.test, self.binary, self.program, self.smp = test, binary, None, None

    def runtest(self):
        if sys.platform != "linux":
            pytest.skip("the oracle is Linux")
        if self.binary not in self.cache:
            self.cache[self.binary] = self.run_program()
        self.judge(self.cache[self.binary])

    def run_program(self):
        wanted = [i.test for i in self.session.items
                  if isinstance(i, HostTest) and i.binary == self.binary]
        with tempfile.TemporaryDirectory(prefix="lectern-host.") as folder:
            done = subprocess.run([str(self.binary)] + wanted, cwd=folder, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  env=dict(os.environ, TESTDIR=folder), timeout=BOOT_LIMIT)
        tap = Tap(exit=outcome(done.returncode))
        for line in done.stdout.decode(errors="replace").splitlines():
            tap.take(line)
        return tap


class GuestTest(Block):
    def __init__(self, *, test, program, smp, **rest):
        super().__init__(**rest)
        self.test, self.program, self.smp = test, program, smp

    def runtest(self):
        tap, result = boots(self.session).get(self.smp)[self.program]
        if self.test == "audit":
            return self.judge_audit(tap, result)
        if self.test not in tap.results and tap.exit is None:
            raise Failed("expected: %s to run to its end\nseen:     the machine stopped, after:\n%s\n%s"
                         % (self.program, "\n".join(tap.rest[-10:]), result.said or result.status))
        self.judge(tap, Later(self))
        return None

    def judge_audit(self, tap, result):
        if tap.audit is None and tap.exit is None:
            raise Failed("expected: the audit behind %s\nseen:     the machine stopped\n%s" %
                         (self.program, result.said))
        if tap.audit not in (None, "clean"):
            raise Failed("expected: audit: clean\nseen:     audit: %s\n%s" %
                         (tap.audit, "\n".join(tap.rest[:20])))
        if tap.audit is None:
            pytest.skip("this kernel has no /proc/audit")


class Later:
    """The kernel's last words in a run of the failed test alone: made when shown."""

    def __init__(self, item):
        self.item = item

    def __radd__(self, text):
        return text + str(self)

    def __str__(self):
        result = boots(self.item.session).alone(self.item)
        if result is None:
            return ""
        again = "it passes" if result.status == 0 else "it fails again"
        return "\nalone:    %s; the kernel's last words there:\n%s\n%s" % (
            again, result.last_words(), result.said)


def boots(session):
    if not hasattr(session, "lectern_boots"):
        session.lectern_boots = Boots([i for i in session.items if isinstance(i, GuestTest)])
    return session.lectern_boots


class UnitTest(Block):
    def __init__(self, *, binary, **rest):
        super().__init__(**rest)
        self.test, self.binary, self.program, self.smp = None, binary, None, None

    def runtest(self):
        if not self.binary.exists():
            raise Failed("expected: %s\nseen:     it is not built; see `make units`" % self.binary)
        with tempfile.TemporaryDirectory(prefix="lectern-unit.") as folder:
            done = subprocess.run([str(self.binary)], cwd=folder, stdout=subprocess.PIPE,
                                  stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT, timeout=300)
        text = done.stdout.decode(errors="replace")
        if done.returncode or re.search(r"^not ok", text, re.M):
            status = outcome(done.returncode)
            if status > 128:
                status = "%d (%s)" % (status, signal.Signals(status - 128).name)
            shown = [line for line in text.splitlines() if not line.startswith("ok ")]
            raise Failed("expected: exit status 0\nseen:     exit status %s\n%s" %
                         (status, "\n".join(shown[-40:])))


def pytest_report_header(config):
    return "build: %s; guest programs run on Linux, then in Lectern with %s processors" % (
        BUILD, " and ".join(str(n) for n in PROCESSORS))
