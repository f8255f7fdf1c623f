"""Random programs of mapping calls, on this Linux and in Lectern: tools/fuzz."""
import os
import pathlib
import re
import subprocess
import sys

import pytest

TOOL = pathlib.Path(__file__).resolve().parent.parent / "tools" / "fuzz"


def fuzz(lectern, *options, timeout=600):
    done = subprocess.run([sys.executable, str(TOOL), "--build", str(lectern.build), *options],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=timeout)
    print(done.stdout.decode())
    if done.returncode:
        pytest.fail(done.stdout.decode(), pytrace=False)


def test_programs_of_fixed_seeds(lectern):
    fuzz(lectern, "--seed", "1", "--steps", "60000", "--smp", "1")


def test_programs_of_fresh_seeds(lectern):
    fuzz(lectern, "--steps", "40000", "--smp", "4")


def test_a_campaign_in_small(lectern):
    """Each part of tools/campaign once: what it prints tells what ran, and how to run it again."""
    sizes = {"CAMPAIGN_SECONDS": "1", "CAMPAIGN_STEPS": "2000", "CAMPAIGN_CALLS": "3000",
             "CAMPAIGN_OPERATIONS": "10000"}
    done = subprocess.run([sys.executable, str(TOOL.with_name("campaign")), "--build", str(lectern.build)],
                          stdout=subprocess.PIPE, env={**os.environ, **sizes}, timeout=600)
    text = done.stdout.decode()
    assert done.returncode == 0, text
    for part in ("race", "fuzz", "hostile", "fsx"):
        assert re.search(r"^%s +\d+ of \d+ .* clean  tools/" % part, text, re.M), text
