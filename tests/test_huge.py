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
