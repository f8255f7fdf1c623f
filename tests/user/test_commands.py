"""The commands on the host: each line is run with ours and with the host's, and must print the same."""
import os
import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get("LECTERN_BUILD", ROOT / "build")).resolve()
NOT_OURS = {"sh", "init"}

# Standard output and the exit status must be equal. `env` keeps bash from using its builtins.
SAME = """
cat text
cat -n text
cat text nosuch numbers
cat < text
cat text - numbers < words
ls
ls -a
ls -A
ls -1 dir
ls -ln
ls -ld .
ls -lh big text
ls -R
ls -d dir text
ls -t timed
ls -tr timed
ls -S sized
ls -F -1
ls -i text > /dev/null
ls nosuch
ls dir nosuch text
env echo a b  c
env echo -n x
env echo -e 'a\\tb\\\\c'
wc text
wc -l text
wc -w text numbers
wc -c < text
wc -lw text words numbers
wc < text
cat text | wc
grep fox text
grep -n o text
grep -c e text
grep -v e text
grep -i THE text
grep -in THE text numbers
grep '^t' text
grep 'g$' text
grep 'o.*o' text
grep '[aeiou][aeiou]' words
grep '[^a-z]' words
grep -E 'fox|dog' text
grep -E '(ab)+c?' words
grep -E '^(a|b|c){2,3}$' words
grep 'ab*c' words
grep 'a\\{2\\}' words
grep -w the text
grep -o '[0-9]*' numbers
grep -o 'o' text
grep -l fox text words numbers
grep -L fox text words numbers
grep -q fox text
grep -q nothing text
grep -F 'a.c' words
grep 'a\\.c' words
grep -x fox text words
grep -r needle dir
grep -rl needle dir | sort
grep -h fox text text
grep -H fox text
grep -s x nosuch
grep -e fox -e dog text
grep -c '' text
grep '[[:digit:]]' words
grep '*' words
grep -v '' text
head text
head -n 2 text
head -2 text numbers
head -c 10 text
head -n 0 text
head -c 1K big | wc -c
tail text
tail -n 2 text
tail -n +2 text
tail -c 5 text
tail -c +5 text
tail -2 text
tail -n 1 nonl
tail -n 3 text numbers
seq 100 | tail -n 3
seq 1000 | head -n 3
hexdump -C text
hexdump text
hexdump -C big
hexdump -n 20 -s 3 -C text
hexdump -v -n 64 big
hexdump -C nonl
hexdump empty
sort words
sort -r words
sort -n numbers
sort -nr numbers
sort -u words words
sort -nu numbers numbers
sort -f words
sort -k 2 text
sort -t : -k 2 -n table
sort -o out words; cat out
sort words numbers | uniq -c
uniq repeated
uniq -c repeated
uniq -d repeated
uniq -u repeated
seq 5
seq 2 5
seq 1 2 9
seq 5 -2 1
seq -s , 3
seq -w 8 11
seq 3 1
tee out < text; cat out
tee -a text < numbers > /dev/null; cat text
cmp text text
cmp text numbers
cmp -s text numbers
cmp -l nonl nonl2
env test a = a
env test -f text -a -d dir
env test 3 -gt 4
env test -s empty
env printf '%s %d %x\\n' a 10 255 b 20 16
env printf '%5.2s|%-6d|%06d\\n' abc 42 42
env printf '\\101\\n'
basename /usr/lib/x.so .so
basename /usr/lib/
basename /
basename x
basename .so .so
dirname /usr/lib/x
dirname x
dirname /x
dirname /
dirname a/b/
dirname //a//b//
yes | head -n 3
yes no way | head -n 2
true
false
env pwd
uname -s
uname -m
id -u
id -g
date -u -d @86400
date -u -d @1700000000 '+%Y-%m-%d %H:%M:%S %j %a %b'
touch new; ls new
touch -d @1000 new; stat -t new | cut -d' ' -f 13
touch -c never; ls never
mkdir a/b
mkdir -p a/b/c; ls -R a
mkdir -m 700 secret; ls -ldn secret | cut -c 1-10
mkdir dir
mkdir -p dir
rmdir dir
mkdir -p a/b; rmdir -p a/b; ls
rmdir nosuch
rm nosuch
rm -f nosuch
rm dir
rm -r dir; ls
rm text words; ls
rm -rf dir nosuch text; ls
cp text copy; cat copy
cp text dir; ls dir
cp dir dir2
cp -r dir dir2; ls -R dir2
cp -r dir text numbers sized; ls -R sized
cp -p timed/old kept; stat -t kept | cut -d' ' -f 13
cp text text
cp nosuch x
cp -r dir dir/inside
cp -a links links2; ls links2
mv text moved; ls; cat moved
mv text words dir; ls dir
mv dir dir3; ls dir3
mv nosuch x
ln text hard; stat -t hard | cut -d' ' -f 9
ln -s text soft; cat soft
ln -s a/b soft; readlink soft
ln -sf words links/to; readlink links/to
ln text words
chmod 600 text; ls -ln text | cut -c 1-10
chmod u+x,go-r text; ls -ln text | cut -c 1-10
chmod a=r text; ls -ln text | cut -c 1-10
chmod -R go-rwx dir; ls -lnR dir | cut -c 1-10
chmod +x nosuch
chmod 999 text
truncate -s 10 text; wc -c text
truncate -s +1K empty; wc -c empty
truncate -s -5 text; wc -c text
truncate -s 1M sparse; du sparse
du dir
du -s .
du -sh big
du -a dir | sort
env -i A=1 B=2 env
A=1 env | grep '^A='
env X=5 sh -c 'echo $X'
env nosuchcommand
kill -l 9
kill -l TERM
env kill -0 1 nonsense
sleep 0
sleep 0.01
sleep x
which cat nosuch > /dev/null
sync
time true 2> /dev/null
time sh -c 'exit 3' 2> /dev/null
""".strip().splitlines()


@pytest.fixture(scope="session", name="programs")
def fixture_programs(tmp_path_factory):
    """A directory with our commands, to be put in front of the path."""
    directory = tmp_path_factory.mktemp("bin")
    for program in (BUILD / "user").iterdir():
        if program.is_file() and os.access(program, os.X_OK) and program.name not in NOT_OURS:
            (directory / program.name).symlink_to(program)
    return directory


def fill(directory):
    """The files that the lines above speak of, the same each time."""
    def write(name, content):
        path = directory / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (1_600_000_000, 1_600_000_000))

    write("text", b"the quick brown fox\njumps over\nthe lazy dog\n\nThe End of the tale\nfox\n")
    write("words", b"abc\nac\nabbbc\na.c\nabab\naab\nbanana\nBee\ncab\nq9\n*star\nfox\n")
    write("numbers", b"10\n9\n-3\n100\n2.5\n2.25\n007\n0\n-30\n")
    write("repeated", b"a\na\nb\nc\nc\nc\na\n")
    write("table", b"x:10\ny:9\nz:100\n")
    write("nonl", b"no newline")
    write("nonl2", b"no nEwlinE")
    write("empty", b"")
    write("big", b"0123456789abcdef" * 400 + b"tail")
    write("dir/one", b"a needle here\n")
    write("dir/two", b"nothing\n")
    write("dir/sub", b"needle\nneedle\n")
    write("links/file", b"linked\n")
    (directory / "links/to").symlink_to("file")
    for index, name in enumerate(("old", "middle", "young")):
        write(f"timed/{name}", b"x")
        os.utime(directory / "timed" / name, (1_500_000_000 + index, 1_500_000_000 + index))
        write(f"sized/{name}", b"x" * (index + 1) * 10)
    (directory / "tool").write_bytes(b"#!/bin/sh\n")
    (directory / "tool").chmod(0o755)
    for path in [directory, *(path for path in directory.iterdir() if path.is_dir()), directory / "tool"]:
        os.utime(path, (1_600_000_000, 1_600_000_000))
    os.utime(directory / "links/to", (1_600_000_000, 1_600_000_000), follow_symlinks=False)


def run(line, path, directory):
    """The line in a fresh directory; its output and status."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    fill(directory)
    environment = {"PATH": path, "LC_ALL": "C", "TZ": "UTC0", "HOME": "/root"}
    done = subprocess.run(["bash", "-c", f"enable -n kill test printf echo pwd true false; {line}"], env=environment,
                          cwd=directory, stdin=subprocess.DEVNULL, capture_output=True, timeout=20, check=False)
    return done


@pytest.mark.parametrize("line", SAME)
def test_same_as_host(line, programs, tmp_path):
    """Equal output and equal success."""
    host_path = "/usr/local/bin:/usr/bin:/bin"
    first = line.split()[0]
    if not shutil.which(first, path=host_path):
        pytest.skip(f"the host has no {first}")
    ours = run(line, f"{programs}:{host_path}", tmp_path / "place")
    host = run(line, host_path, tmp_path / "place")
    assert ours.stdout.decode() == host.stdout.decode(), ours.stderr.decode()
    assert bool(ours.returncode) == bool(host.returncode), ours.stderr.decode()
    assert bool(ours.stderr) == bool(host.stderr), ours.stderr.decode() + host.stderr.decode()


@pytest.mark.parametrize("line, message", [
    ("cat nosuch", "cat: nosuch: No such file or directory\n"),
    ("rm dir", "rm: cannot remove 'dir': Is a directory\n"),
    ("wc dir", "wc: dir: Is a directory\n"),
    ("kill -NOPE 1", "kill: NOPE: no such signal\n"),
    ("grep '[' text", "grep: [: unmatched [\n"),
    ("mv nosuch x", "mv: cannot move 'nosuch' to 'x': No such file or directory\n"),
])
def test_messages(line, message, programs, tmp_path):
    """Program, file, reason: on standard error, with a status that says so."""
    done = run(line, f"{programs}:/usr/bin:/bin", tmp_path / "place")
    assert done.stderr.decode() == message
    assert done.returncode != 0


@pytest.mark.parametrize("name", ["touch4", "cow", "pingpong", "eof", "coherent", "huge"])
def test_demonstration(name, tmp_path):
    """Its claims hold on the host's Linux, and it speaks in lines of name and value."""
    done = subprocess.run([BUILD / "user" / "demo" / name, "--quiet", "--file", str(tmp_path / "file")],
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    for line in done.stdout.splitlines():
        assert len(line.split()) == 2, line


@pytest.mark.parametrize("line", ["ps", "ps -l", "free -m", "uptime", "df -h", "df .", "mount", "vmmap", "stat text",
                                  "dmesg", "uname -a", "id", "date", "clear", "ls -l /dev /proc/self"])
def test_runs(line, programs, tmp_path):
    """Programs whose output is the system's own: they print something and end well."""
    done = run(line, f"{programs}:/usr/bin:/bin", tmp_path / "place")
    if line == "dmesg" and b"not permitted" in done.stderr:
        pytest.skip("this host hides its log")
    assert done.stdout
    assert line.startswith("ls") or (done.returncode == 0 and not done.stderr)
