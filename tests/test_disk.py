"""What the guest stored, as the host's own ext2 tools see it after the power-off."""
import re

import pytest

from conftest import PROCESSORS, e2fs


def apply(data, stores):
    data = bytearray(data)
    for offset, text in stores:
        data[offset:offset + len(text)] = text.encode()
    return bytes(data)


def words(stores):
    return [word for offset, text in stores for word in (str(offset), text)]


@pytest.mark.parametrize("smp", PROCESSORS)
def test_disk_is_clean_behind_all_programs(disks_of_the_boots, smp):
    said = disks_of_the_boots(smp)
    assert not any(said), "\n".join(said)


@pytest.mark.parametrize("leave", ["exit", "munmap", "sync", "async"])
def test_stores_through_a_mapping_reach_the_disk(lectern, tmp_path, check_disk, disk_file, leave):
    """Real text and a real binary, changed at their ends, over a page's edge, in the middle."""
    image = tmp_path / "disk.img"
    plain = lectern.build / "lectern.img"
    expected = {}
    script = []
    for path in ("/share/sources.txt", "/share/libc.a"):
        data = disk_file(plain, path)
        stores = [(0, "first"), (4094, "over"), (len(data) // 2, "middle " * 900),
                  (len(data) - 4, "last")]
        expected[path] = apply(data, stores)
        script.append("/tests/mapstore -l %s %s %s" % (
            leave, path, " ".join("'%s'" % word for word in words(stores))))
    (tmp_path / "script").write_text(" && ".join(script) + "\n")
    lectern.check("/bin/sh", "/root/script", options=[
        "--save-disk", str(image), "--add", "%s:/root/script" % (tmp_path / "script")])
    check_disk(image)
    for path in expected:
        assert disk_file(image, path) == expected[path]


@pytest.mark.parametrize("smp", PROCESSORS)
def test_lost_notifications_and_interrupts_only_cost_time(lectern, smp):
    """As QEMU before 8.1 loses one now and then with one processor: here each third."""
    script = ("cp /share/libc.a /root/x && sync && echo 3 > /proc/sys/vm/drop_caches && "
              "cmp /share/libc.a /root/x && echo same")
    result = lectern.check("/bin/sh", "-c", script, smp=smp, options=["--append", "disk_loses=3"])
    assert result.text == "same\n"


def test_stores_of_a_killed_program_reach_the_disk(lectern, tmp_path, check_disk, disk_file):
    image = tmp_path / "disk.img"
    lectern.check("/bin/sh", "-c", "/tests/mapstore -s 10000 -l kill /root/file 5000 stored; true",
                  options=["--save-disk", str(image)])
    check_disk(image)
    assert disk_file(image, "/root/file") == apply(bytes(10000), [(5000, "stored")])


def test_large_sparse_file_is_touched_at_its_ends(lectern, tmp_path, check_disk, disk_file):
    image = tmp_path / "disk.img"
    size = 256 << 20
    stores = [(0, "A"), (size // 2 + 5, "M"), (size - 1, "Z")]
    lectern.check("/tests/mapstore", "-s", str(size), "/root/big", *words(stores),
                  options=["--save-disk", str(image)])
    check_disk(image)
    stat = e2fs("debugfs", "-R", "stat /root/big", image).stdout.decode()
    assert "Size: %d" % size in stat
    # Three pages, and the blocks that lead to them: not 256 MiB.
    assert int(re.search(r"Blockcount: (\d+)", stat)[1]) <= 10 * 8
    assert disk_file(image, "/root/big") == apply(bytes(size), stores)


def test_a_file_of_the_host_comes_back_changed(lectern, tmp_path, check_disk, disk_file):
    """A file put in by --add, mapped, stored to and appended to in the guest."""
    image = tmp_path / "disk.img"
    data = bytes(n * 7 & 255 for n in range(123457))
    (tmp_path / "data").write_bytes(data)
    lectern.check("/bin/sh", "-c", "/tests/mapstore /root/data 100000 here; echo end >> /root/data",
                  options=["--save-disk", str(image), "--add", "%s:/root/" % (tmp_path / "data")])
    check_disk(image)
    assert disk_file(image, "/root/data") == apply(data, [(100000, "here")]) + b"end\n"


def test_folders_links_and_renames(lectern, tmp_path, check_disk, disk_file):
    image = tmp_path / "disk.img"
    script = """set -e; cd /root; mkdir -p a/b; cp /share/sources.txt a/b/text; ln a/b/text hard
mv a/b/text a/moved; ln -s a/moved soft; rmdir a/b; rm -r /share/src; i=0
while [ $i -lt 300 ]; do echo $i > a/file$i; i=$((i + 1)); done; rm a/file1*"""
    (tmp_path / "script").write_text(script)
    lectern.check("/bin/sh", "/tmp/script", options=[
        "--save-disk", str(image), "--add", "%s:/tmp/script" % (tmp_path / "script")])
    check_disk(image)
    assert disk_file(image, "/root/hard") == disk_file(image, "/share/sources.txt")
    names = e2fs("debugfs", "-R", "ls -p /root/a", image).stdout.decode()
    kept = [n for n in range(300) if not str(n).startswith("1")]
    assert sorted(re.findall(r"/file(\d+)/", names), key=int) == [str(n) for n in kept]


def test_no_space_is_an_error_not_a_loss(lectern, tmp_path, check_disk):
    """A small disk is filled: the writer hears of it, and what is on the disk stays whole."""
    image = tmp_path / "small.img"
    tools = lectern.build
    done = lectern.project / "tools" / "image"
    import subprocess
    import sys
    adds = ["--add", "%s:/sbin/" % (tools / "user/init")]
    for name in ("sh", "cat", "echo", "true"):
        adds += ["--add", "%s:/bin/" % (tools / "user" / name)]
    (tmp_path / "block").write_bytes(b"x" * (1 << 20))
    subprocess.run([sys.executable, str(done), "--size", "16M", "--system"] + adds +
                   ["--add", "%s:/tmp/" % (tmp_path / "block"), str(image)], check=True)
    result = lectern.run("/bin/sh", "-c", "while cat /tmp/block >> /tmp/full; do true; done; echo full",
                         options=["--disk", str(image)])
    assert result.status == 0 and "full" in result.text, result.said
    check_disk(image)


def test_bad_sector_is_an_error_of_the_program(lectern, tmp_path):
    """A sector that cannot be read: the reader gets EIO, the machine goes on."""
    plain = lectern.build / "lectern.img"
    blocks = e2fs("debugfs", "-R", "blocks /share/sources.txt", plain).stdout.decode().split()
    numbers = [int(word) for word in blocks if word.isdigit()]
    result = lectern.run("/bin/sh", "-c", "cat /share/sources.txt > /dev/null; echo status $?",
                         options=["--blkdebug-read-error", str(numbers[5] * 8)])
    assert result.status == 0 and "status 1" in result.text, result.text + result.said


@pytest.mark.parametrize("smp", PROCESSORS)
def test_write_error_hurts_its_own_page_only(lectern, tmp_path, disk_file, smp):
    """One sector of a file takes no write: msync says so, and the pages beside it are on the disk."""
    image = tmp_path / "disk.img"
    plain = lectern.build / "lectern.img"
    blocks = e2fs("debugfs", "-R", "blocks /share/sources.txt", plain).stdout.decode().split()
    numbers = [int(word) for word in blocks if word.isdigit()]
    stores = [(page * 4096, "page %d" % page) for page in range(30)]
    result = lectern.run("/bin/sh", "-c", "/tests/mapstore -l sync /share/sources.txt %s; echo status $?; "
                         "grep ^disk_errors /proc/vmstat" % " ".join("'%s'" % word for word in words(stores)),
                         smp=smp, options=["--save-disk", str(image), "--blkdebug-write-error", str(numbers[5] * 8)])
    assert "status 1" in result.text, result.text + result.said
    expected = apply(disk_file(plain, "/share/sources.txt"), [s for s in stores if s[0] != 5 * 4096])
    assert disk_file(image, "/share/sources.txt") == expected


def test_failed_write_is_kept_or_dropped_as_mounted(lectern):
    """What a page is whose write failed: dirty, or with wberr=clean clean; told once either way."""
    plain = lectern.build / "lectern.img"
    blocks = e2fs("debugfs", "-R", "blocks /share/sources.txt", plain).stdout.decode().split()
    numbers = [int(word) for word in blocks if word.isdigit()]
    seen = {}
    for options in ("", "rootflags=wberr=clean"):
        result = lectern.run(
            "/bin/sh", "-c", "sync; /tests/mapstore -l sync /share/sources.txt 0 first; echo status $?; sync; "
            "grep ^nr_dirty /proc/vmstat; grep ' / ' /proc/mounts",
            options=["--append", options, "--blkdebug-write-error", str(numbers[0] * 8)])
        assert "status 1" in result.text, result.text + result.said
        seen[options] = int(re.search(r"nr_dirty (\d+)", result.text)[1])
        assert ("wberr=clean" in result.text) == bool(options)
    assert seen[""] >= 1 and seen["rootflags=wberr=clean"] == 0, seen


def sectors_of(lectern, path, count):
    """Where the first blocks of a file in the default image are: sector numbers."""
    blocks = e2fs("debugfs", "-R", "blocks " + path, lectern.build / "lectern.img").stdout.decode().split()
    return [str(int(word) * 8) for word in blocks if word.isdigit()][:count]


@pytest.mark.parametrize("smp", PROCESSORS)
def test_failed_write_is_told_once_and_tried_again(lectern, tmp_path, disk_file, smp):
    """Each opener hears of it once, who opens later only if nobody has; and at last the bytes are there."""
    image = tmp_path / "disk.img"
    options = ["--save-disk", str(image), "--blkdebug-once"]
    for sector in sectors_of(lectern, "/share/sources.txt", 3):
        options += ["--blkdebug-write-error", sector]
    lectern.check("/tests/sys_writeback", "--helper", "told_once", "/share/sources.txt", smp=smp, options=options)
    data = disk_file(image, "/share/sources.txt")
    assert [data[at:at + 6] for at in (0, 4096, 8192)] == [b"again\0"] * 3


@pytest.mark.parametrize("smp", PROCESSORS)
def test_writers_are_not_held_by_a_disk_that_fails(lectern, smp):
    """A file whose disk takes nothing takes nothing itself when so much is stuck; others go on."""
    options = []
    for sector in sectors_of(lectern, "/share/sources.txt", 252):
        options += ["--blkdebug-write-error", sector]
    lectern.check("/tests/sys_writeback", "--helper", "held_by_a_bad_disk", "/share/sources.txt",
                  smp=smp, options=options)


@pytest.mark.parametrize("smp", PROCESSORS)
@pytest.mark.parametrize("how", ("write", "store"))
def test_a_slow_disk_slows_the_writer_before_it_stops_him(lectern, how, smp):
    """2 MiB a second: with every pause in proportion the hard limit is not reached."""
    lectern.check("/tests/sys_writeback", "--helper", "slowed_by_a_slow_disk", how,
                  smp=smp, options=["--slow-writes", str(2 << 20)])
