"""What huge pages save, in counts: the demonstration's own numbers (user/demo/huge.c)."""
import pytest


@pytest.mark.parametrize("smp", (1, 4))
def test_512_pages_are_one_fault(lectern, smp):
    text = lectern.check("/demo/huge", "--quiet", smp=smp, options=["--memory", "640M"]).text
    said = dict(line.split() for line in text.splitlines())
    told = {name: int(value) for name, value in said.items()}
    assert told["pieces"] == 128
    assert told["small_faults"] >= 128 * 512 and told["huge_faults"] == 128
    assert told["huge_kib"] == 256 * 1024
    assert told["child_copies"] == 1 and told["split_kib"] == 2048


@pytest.mark.parametrize("smp", (1, 4))
def test_huge_pages_are_split_and_swapped(lectern, smp):
    """Four times the memory, all of it in pieces of 2 MiB: they are split, leave for the swap area, and come back."""
    script = ("echo always > /proc/sys/vm/transparent_hugepage; "
              "/tests/pressure crowd 4 16 -- forks 6 16 && grep -e thp_ -e pswp /proc/vmstat")
    result = lectern.check("/bin/sh", "-c", script, smp=smp, options=["--memory", "48M", "--swap", "128M"])
    counts = dict(line.split() for line in result.text.splitlines() if line.startswith(("thp_", "pswp")))
    assert int(counts["thp_fault_alloc"]) > 0 and int(counts["thp_split_page"]) > 0
    assert int(counts["pswpin"]) > 0
    assert "out of memory" not in result.log
