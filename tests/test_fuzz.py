"""Random programs of mapping calls, on this Linux and in Lectern: tools/fuzz."""
import pathlib
import subprocess
import sys

import pytest

TOOL = pathlib.Path(__file__).resolve().parent.parent / "tools" / "fuzz"


def fuzz(lectern, *options):
    done = subprocess.run([sys.executable, str(TOOL), "--build", str(lectern.build), *options],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=600)
    print(done.stdout.decode())
    if done.returncode:
        pytest.fail(done.stdout.decode(), pytrace=False)


def test_programs_of_fixed_seeds(lectern):
    fuzz(lectern, "--seed", "1", "--steps", "12000", "--smp", "1")


def test_programs_of_fresh_seeds(lectern):
    fuzz(lectern, "--steps", "8000", "--smp", "4")
