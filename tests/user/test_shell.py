"""The shell on the host: scripts in sh_cases/ must print what dash printed (the .out beside them)."""
import os
import pathlib
import pty
import select
import signal
import subprocess
import time

import pytest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BUILD = pathlib.Path(os.environ.get("LECTERN_BUILD", ROOT / "build")).resolve()
SHELL = BUILD / "user" / "sh"
CASES = sorted((HERE / "sh_cases").glob("*.sh"))


def run(arguments, directory, standard_input=b""):
    """Run our shell with itself as `sh`, and our `kill`, on the path; returns the finished process."""
    programs = directory / "bin"
    programs.mkdir(exist_ok=True)
    for name in ("sh", "kill"):             # kill is no builtin of ours, and a bare host has none
        link = programs / name
        if not link.is_symlink():
            link.symlink_to(BUILD / "user" / name)
    scratch = directory / "scratch"
    scratch.mkdir(exist_ok=True)
    environment = {
        "PATH": f"{programs}:/usr/local/bin:/usr/bin:/bin",
        "HOME": "/root", "LC_ALL": "C", "TMP": str(scratch),
    }
    return subprocess.run([SHELL, *arguments], input=standard_input, env=environment, cwd=HERE / "sh_cases",
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=20, check=False)


@pytest.mark.parametrize("case", CASES, ids=[case.stem for case in CASES])
def test_case(case, tmp_path):
    """Same standard output as dash."""
    done = run([case.name], tmp_path)
    assert done.stdout.decode() == case.with_suffix(".out").read_text(), done.stderr.decode()


def test_reads_its_input_by_line(tmp_path):
    """What a script on standard input reads is the line behind the command, not the end of the file."""
    done = run([], tmp_path, b'read x\nthe line\necho "[$x]"\ncat\nrest\n')
    assert done.stdout == b"[the line]\nrest\n"


def test_message_names_script_and_line(tmp_path):
    """A missing command is reported with where it stands."""
    script = tmp_path / "s.sh"
    script.write_text("echo a\n\nnosuchcommand\n")
    done = run([str(script)], tmp_path)
    assert done.returncode == 127
    assert done.stderr.decode() == f"{script}: 3: nosuchcommand: not found\n"


def test_endless_recursion_is_an_error(tmp_path):
    """A function that only calls itself ends with a message, not a crash."""
    done = run(["-c", "f() { f; }; f"], tmp_path)
    assert done.returncode == 2
    assert b"functions call each other" in done.stderr


def test_deep_nesting_and_long_lines(tmp_path):
    """No fixed limit on words, lines and nesting."""
    words = " ".join(str(n) for n in range(5000))
    nested = "$(echo " * 40 + "x" + ")" * 40
    script = f"set -- {words}; echo $#; echo {nested}; x='{'y' * 70000}'; echo ${{#x}}\n"
    done = run(["-c", script], tmp_path)
    assert done.stdout == b"5000\nx\n70000\n"


@pytest.mark.parametrize("source", ["if", "for", "case x in", "(", "{", "echo $(", "echo ${", "a &&", "| b",
                                    "echo ${x!}", "f( {", "'", '"', "`", "$((1", "case x in )", "do", "} ",
                                    ";;", "< ;", "&"])
def test_bad_syntax_is_refused(source, tmp_path):
    """One message, status 2, nothing run."""
    done = run(["-c", source], tmp_path)
    assert done.returncode == 2
    assert b"syntax error" in done.stderr
    assert done.stdout == b""


class Terminal:
    """Our shell on a pseudo-terminal: type at it, wait for what it prints."""

    def __init__(self, directory):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            signal.signal(signal.SIGINT, signal.SIG_DFL)    # ignored behind nohup
            os.chdir(directory)
            os.execve(SHELL, ["sh"], {"PATH": f"{BUILD}/user:/usr/bin:/bin", "PS1": "ready> ", "HOME": "/root"})
        self.seen = b""

    def expect(self, text, seconds=5):
        """Reads until text has come; everything up to it is returned and forgotten."""
        end = time.monotonic() + seconds
        while text not in self.seen:
            ready, _, _ = select.select([self.fd], [], [], max(0, end - time.monotonic()))
            assert ready, f"waited for {text!r}, saw {self.seen!r}"
            try:
                self.seen += os.read(self.fd, 4096)
            except OSError:
                pytest.fail(f"the shell ended; waited for {text!r}, saw {self.seen!r}")
        before, self.seen = self.seen.split(text, 1)
        return before

    def type(self, text):
        """As if at the keyboard."""
        os.write(self.fd, text)

    def end(self):
        """^D, and the status the shell ended with."""
        self.type(b"\x04")
        _, status = os.waitpid(self.pid, 0)
        os.close(self.fd)
        return os.waitstatus_to_exitcode(status)


@pytest.fixture(name="terminal")
def fixture_terminal(tmp_path):
    """A shell that shows its prompt."""
    terminal = Terminal(tmp_path)
    terminal.expect(b"ready> ")
    return terminal


def test_terminal_interrupts_the_job_not_the_shell(terminal):
    """^C kills what runs; the shell shows its prompt again and knows the status."""
    terminal.type(b"sleep 30\n")
    time.sleep(0.2)
    terminal.type(b"\x03")
    terminal.expect(b"ready> ")
    terminal.type(b"echo status $?\n")
    terminal.expect(b"status 130")
    terminal.expect(b"ready> ")
    assert terminal.end() == 0


def test_terminal_interrupts_a_loop_of_builtins(terminal):
    """^C also ends a loop that never forks."""
    terminal.type(b"while :; do :; done\n")
    time.sleep(0.2)
    terminal.type(b"\x03")
    terminal.expect(b"ready> ")
    terminal.type(b"echo al''ive\n")
    terminal.expect(b"alive")
    assert terminal.end() == 0


def test_terminal_interrupts_a_line_being_typed(terminal):
    """^C at the prompt throws the line away, also in the middle of a command of several lines."""
    terminal.type(b"if true; then\n")
    terminal.expect(b"> ")
    terminal.type(b"echo never\x03")
    terminal.expect(b"ready> ")
    terminal.type(b"echo fre''sh\n")
    terminal.expect(b"fresh")
    assert terminal.end() == 0


def test_terminal_stop_and_continue(terminal):
    """^Z stops the job; jobs lists it; fg brings it back."""
    terminal.type(b"sleep 0.6\n")
    time.sleep(0.2)
    terminal.type(b"\x1a")
    terminal.expect(b"Stopped")
    terminal.expect(b"ready> ")
    terminal.type(b"jobs\n")
    terminal.expect(b"[1] Stopped    sleep 0.6")
    terminal.expect(b"ready> ")
    terminal.type(b"fg\n")
    terminal.expect(b"ready> ")
    terminal.type(b"echo sta''tus $?\n")
    terminal.expect(b"status 0")
    assert terminal.end() == 0


def test_terminal_background_job_is_reported(terminal):
    """A job behind does not hold the prompt, and its end is told before a later one."""
    terminal.type(b"sleep 0.2 &\n")
    terminal.expect(b"[1] ")
    terminal.expect(b"ready> ")
    time.sleep(0.4)
    terminal.type(b"\n")
    terminal.expect(b"Done       sleep 0.2")
    assert terminal.end() == 0


def test_terminal_job_reads_it(terminal):
    """A foreground job owns the terminal: it can read what is typed, up to ^D."""
    terminal.type(b"cat | wc -c\n")
    time.sleep(0.2)
    terminal.type(b"typed\n\x04")
    terminal.expect(b"6\r\n")
    terminal.expect(b"ready> ")
    assert terminal.end() == 0


def test_terminal_errors_come_back_to_the_prompt(terminal):
    """What ends a script only ends the line here."""
    for line, wanted in [(b"echo ${nope:?is missing}\n", b"nope: is missing"), (b"fi\n", b"syntax error"),
                         (b"nosuchcommand\n", b"not found"), (b"echo $((1/0))\n", b"division by zero"),
                         (b"cd /nonexistent\n", b"No such file")]:
        terminal.type(line)
        terminal.expect(wanted)
        terminal.expect(b"ready> ")
    terminal.type(b"exit 7\n")
    _, status = os.waitpid(terminal.pid, 0)
    assert os.waitstatus_to_exitcode(status) == 7
