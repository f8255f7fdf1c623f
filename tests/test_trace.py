"""trace and faults: what they say of programs whose calls and faults are known."""
import re

import pytest

JOB = """
trace cat /etc/motd
echo ==== $?
trace sh -c 'echo hi | wc -c > /tmp/count'
echo ==== $?
trace cat /none
echo ==== $?
faults true
echo ==== $?
faults sh -c 'kill -SEGV $$'
echo ==== $?
cat /proc/self/traced
echo ==== -
iotrace sh -c 'echo some > /tmp/some; sync'
"""


@pytest.fixture(scope="module", params=[1, 4], ids=["smp1", "smp4"])
def said(lectern, request):
    """What each of the job's commands printed, its own output and the tracer's together."""
    result = lectern.check("/bin/sh", "-c", JOB, smp=request.param)
    return re.split(r"^==== ", result.text, flags=re.M)


def test_calls_have_names_arguments_and_results(said):
    assert re.search(r'^execve\("/bin/cat", 0x\w+, 0x\w+\) = 0$', said[0], re.M)
    opened = re.search(r'^open\("/etc/motd", O_RDONLY, \w+\) = (\d+)$', said[0], re.M)
    assert opened, said[0]
    assert re.search(r"^read\(%s, 0x\w+, \d+\) = 0$" % opened[1], said[0], re.M)
    assert re.search(r"^exit_group\(0\) = \?$", said[0], re.M)
    assert "Lectern: a file is memory." in said[0]


def test_calls_that_replace_the_registers_have_results(said):
    """execve and rt_sigreturn do not come back the way they went; their records end all the same."""
    assert not re.search(r"^(execve|rt_sigreturn)\(.*\) = \?$", "".join(said), re.M)


def test_children_are_followed_by_number(said):
    assert said[1].startswith("0\n")
    assert re.search(r"^fork\(\) = \d+$", said[1], re.M) or re.search(r"\] fork\(\) = \d+$", said[1], re.M)
    assert re.search(r'^\[\d+\] execve\("/bin/wc", .*\) = 0$', said[1], re.M)


def test_failed_calls_say_why(said):
    assert re.search(r'^open\("/none", .*\) = -1 No such file or directory$', said[2], re.M)
    assert said[3].startswith("1\n")                # cat's own status


def test_faults_have_a_verb_and_sums(said):
    lines = re.findall(r"^(?:load|store|fetch) +0x\w+  by 0x\w+  (\w+) +ok", said[3], re.M)
    sums = {verb: int(nr) for nr, verb in re.findall(r"^ +(\d+) (zero|map|dirty|copy|race) ", said[3], re.M)}
    assert {"zero", "map"} <= set(lines)
    for verb in set(lines):
        assert sums[verb] == lines.count(verb)
    assert ", 0 ended in a signal" in said[3]


def test_a_killed_program_ends_the_tracer_as_the_shell_would(said):
    assert said[5].startswith("139\n")


def test_the_tracer_itself_is_not_traced(said):
    assert said[5].split()[1] == "0"


def test_iotrace_tells_requests_and_their_sum(said):
    lines = said[6].strip().splitlines()[1:]
    assert lines[0].split()[:3] == ["ms", "who", "dsk"]
    kinds = [line.split()[3] for line in lines[1:-1]]
    assert "write" in kinds and kinds[-1] in ("flush", "read")
    total = re.match(r"(\d+) bios in (\d+) requests, (\d+) KiB$", lines[-1])
    assert total and int(total[1]) == len(kinds) and int(total[2]) <= int(total[1])
