"""The shell on the host: scripts in sh_cases/ must print what dash printed (the .out beside them)."""
import os
import pathlib
import subprocess

import pytest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BUILD = pathlib.Path(os.environ.get("LECTERN_BUILD", ROOT / "build")).resolve()
SHELL = BUILD / "user" / "sh"
CASES = sorted((HERE / "sh_cases").glob("*.sh"))


def run(arguments, directory, standard_input=b""):
    """Run our shell with itself as `sh` on the path; returns the finished process."""
    programs = directory / "bin"
    programs.mkdir(exist_ok=True)
    link = programs / "sh"
    if not link.is_symlink():
        link.symlink_to(SHELL)
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


def test_deep_nesting_and_long_lines(tmp_path):
    """No fixed limit on words, lines and nesting."""
    words = " ".join(str(n) for n in range(5000))
    nested = "$(echo " * 40 + "x" + ")" * 40
    script = f"set -- {words}; echo $#; echo {nested}; x='{'y' * 70000}'; echo ${{#x}}\n"
    done = run(["-c", script], tmp_path)
    assert done.stdout == b"5000\nx\n70000\n"


@pytest.mark.parametrize("source", ["if", "for", "case x in", "(", "{", "echo $(", "echo ${", "a &&", "| b", "echo ${x!}",
                                    "f( {", "'", '"', "`", "$((1", "case x in )", "do", "} ", ";;", "< ;", "&"])
def test_bad_syntax_is_refused(source, tmp_path):
    """One message, status 2, nothing run."""
    done = run(["-c", source], tmp_path)
    assert done.returncode == 2
    assert b"syntax error" in done.stderr
    assert done.stdout == b""
