"""What every tool that starts Lectern in QEMU shares: the machine's command
line, fresh disks, files put into them, the kernel's command line, symbols."""
import os
import pathlib
import re
import shutil
import subprocess
import sys

PROJECT = pathlib.Path(__file__).resolve().parent.parent


class MachineError(Exception):
    """The machine could not be put together; the text says why."""


def find(tool, *more):
    """A tool's path; Debian keeps the ext2 ones in /sbin, outside a user's path."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    for name in (tool,) + more:
        found = shutil.which(name, path=path)
        if found:
            return found
    raise MachineError("%s is missing; `make doctor` tells how to get it" % tool)


def built(build, name):
    file = pathlib.Path(build) / name
    if not file.exists():
        raise MachineError("%s is not there; type `make` first" % file)
    return str(file)


# --- the kernel's command line ----------------------------------------------

def quote(word):
    """One word as the kernel reads it: "..." and backslash."""
    if word and not re.search(r'[\s"\'\\]', word):
        return word
    return '"' + re.sub(r'(["\\])', r"\\\1", word) + '"'


def command_line(words, job):
    line = " ".join(words)
    if job:
        line += " -- " + " ".join(quote(word) for word in job)
    return line


# --- disks ------------------------------------------------------------------

def copy_sparse(source, target):
    """Copies only what is data: the 2 GiB image holds a few MiB."""
    with open(source, "rb") as src, open(target, "wb") as dst:
        size = os.fstat(src.fileno()).st_size
        dst.truncate(size)
        position = 0
        while position < size:
            start, end = next_data(src, position, size)
            src.seek(start)
            dst.seek(start)
            while start < end:
                block = src.read(min(1 << 20, end - start))
                if not block:
                    break
                dst.write(block)
                start += len(block)
            position = end


def next_data(file, position, size):
    if not hasattr(os, "SEEK_DATA"):
        return position, size
    try:
        start = os.lseek(file.fileno(), position, os.SEEK_DATA)
    except OSError:                 # nothing but a hole up to the end
        return size, size
    return start, os.lseek(file.fileno(), start, os.SEEK_HOLE)


def image_format(image):
    with open(image, "rb") as file:
        return "qcow2" if file.read(4) == b"QFI\xfb" else "raw"


def debugfs(image, commands):
    """Runs debugfs, which exits 0 whatever happened: what it says is the result."""
    done = subprocess.run([find("debugfs"), "-w", "-f", "-", str(image)], input="\n".join(commands),
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    said = [line for line in done.stdout.splitlines()
            if line and not line.startswith(("debugfs:", "debugfs 1", "Allocated inode"))]
    return done.returncode, said


def add_files(image, specs, scratch):
    """Puts host files (HOST:/path) and folders into an ext2 image, modes kept."""
    commands, folders = [], set()
    for spec in specs:
        host, _, path = spec.rpartition(":")
        if not host or not path.startswith("/"):
            raise MachineError("--add wants HOSTFILE:/path, not %r" % spec)
        if path.endswith("/"):
            path += os.path.basename(host.rstrip("/"))
        if not os.path.exists(host):
            raise MachineError("--add: there is no %s" % host)
        if '"' in path or "\n" in path:
            raise MachineError("--add: debugfs cannot name %r" % path)
        parents(commands, folders, os.path.dirname(path))
        add_one(commands, folders, host, path, scratch)
    if not commands:
        return
    status, said = debugfs(image, commands)
    said = [line for line in said if not re.search("directory already exists|^rm: File not found", line)]
    if status or said:
        raise MachineError("debugfs could not add files:\n" + "\n".join(said))


def parents(commands, folders, path):
    made = ""
    for name in path.strip("/").split("/"):
        made += "/" + name
        if name and made not in folders:
            folders.add(made)
            # From the root: debugfs takes the parent "" of /name for the current folder.
            commands += ['cd "/"', 'mkdir "%s"' % made]


def add_one(commands, folders, host, path, scratch):
    mode = os.lstat(host).st_mode if os.path.islink(host) else os.stat(host).st_mode
    if os.path.isdir(host):
        parents(commands, folders, path)
        commands.append('sif "%s" mode 0%o' % (path, mode))
        for name in sorted(os.listdir(host)):
            add_one(commands, folders, os.path.join(host, name), path + "/" + name, scratch)
        return
    # debugfs cannot quote every host name, and its write makes names in the
    # current folder only: give the file a plain name, and go there.
    plain = os.path.join(scratch, "add%d" % len(commands))
    os.symlink(os.path.abspath(host), plain)
    commands.append('cd "%s"' % (os.path.dirname(path) or "/"))
    commands.append('rm "%s"' % path)
    commands.append('write "%s" "%s"' % (plain, os.path.basename(path)))
    commands.append('sif "%s" mode 0%o' % (path, os.stat(host).st_mode))
    commands.append('sif "%s" uid 0' % path)
    commands.append('sif "%s" gid 0' % path)


# --- the machine ------------------------------------------------------------

def drive(image, name, form, read_errors=(), write_errors=(), once=False, slow=None):
    """-blockdev options for one disk; cache=unsafe, since the host survives. slow: the throttle group that it is in."""
    fast = {"direct": False, "no-flush": True}
    nodes = [{"driver": "file", "node-name": name + "-file", "filename": str(image), "cache": fast}]
    top = name + "-file"
    errors = [{"event": "none", "iotype": kind, "errno": 5, "sector": sector, "once": once}
              for kind, sectors in (("read", read_errors), ("write", write_errors)) for sector in sectors]
    if errors:
        nodes.append({"driver": "blkdebug", "node-name": name + "-bad", "image": top, "cache": fast,
                      "inject-error": errors})
        top = name + "-bad"
    if slow:
        nodes.append({"driver": "throttle", "node-name": name + "-slow", "file": top, "throttle-group": slow,
                      "cache": fast})
        top = name + "-slow"
    nodes.append({"driver": form, "node-name": name, "file": top, "cache": fast})
    return nodes


def make_swap(path, size):
    """A swap area as mkswap makes it: the header stands in the first page."""
    units = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
    try:
        nr_bytes = int(size[:-1]) * units[size[-1].upper()]
    except (KeyError, ValueError, IndexError):
        raise MachineError("--swap wants an image or a size such as 128M, not %s" % size)
    header = bytearray(4096)
    header[1024:1032] = (1).to_bytes(4, "little") + (nr_bytes // 4096 - 1).to_bytes(4, "little")
    header[1036:1052] = os.urandom(16)
    header[4086:] = b"SWAPSPACE2"
    with open(path, "wb") as file:
        file.write(header)
        file.truncate(nr_bytes)


def qemu(args, image, cmdline, iso=None):
    """The command that starts the machine, without its serial lines."""
    import json
    cpu = getattr(args, "cpu", None) or ("host" if args.accel == "kvm" else "max,-la57")
    command = [find("qemu-system-x86_64"), "-M", "q35", "-cpu", cpu, "-accel", args.accel,
               "-smp", str(args.smp), "-m", args.memory, "-nodefaults", "-no-user-config",
               "-no-reboot", "-device", "isa-debug-exit,iobase=0xf4,iosize=4"]
    slow = getattr(args, "slow_writes", None)
    if slow:
        command += ["-object", "throttle-group,id=slow,x-bps-write=%d" % slow]
    for node in drive(image, "d0", image_format(image), args.blkdebug_read_error or (), args.blkdebug_write_error or (),
                      getattr(args, "blkdebug_once", False), "slow" if slow else None):
        command += ["-blockdev", json.dumps(node)]
    command += ["-device", "virtio-blk-pci,drive=d0,disable-legacy=on,rerror=report,werror=report"]
    if args.swap:
        for node in drive(args.swap, "swap0", "raw", getattr(args, "blkdebug_swap_error", ())):
            command += ["-blockdev", json.dumps(node)]
        command += ["-device", "virtio-blk-pci,drive=swap0,disable-legacy=on,rerror=report,werror=report"]
    if args.icount:
        command += ["-icount", "shift=0,align=off,sleep=on", "-seed", "1",
                    "-global", "virtio-blk-pci.ioeventfd=off"]
    if iso:
        command += ["-cdrom", iso, "-boot", "d"]
    else:
        command += ["-kernel", args.kernel, "-append", cmdline]
    command += ["-device", "VGA"] if args.display else ["-display", "none"]
    return command


# --- symbols ----------------------------------------------------------------

ADDRESS = re.compile(r"\b(?:0x)?(ffffffff[89a-f][0-9a-f]{7})\b")


def short(place):
    """The part of a file:line that names a file of the project (NASM repeats folders)."""
    file, _, line = place.rpartition(":")
    parts = file.split("/")
    for i in range(len(parts)):
        if (PROJECT / "/".join(parts[i:])).is_file() and parts[i]:
            return "/".join(parts[i:]) + ":" + line
    return place


def symbolise(lines, kernel):
    """Gives each line with an address of kernel code its file:line behind it."""
    wanted = sorted({m for line in lines for m in ADDRESS.findall(line)})
    if not wanted:
        return lines
    try:
        tool = find("addr2line", "x86_64-linux-gnu-addr2line", "x86_64-elf-addr2line",
                    "llvm-addr2line")
    except MachineError:
        return lines
    # A return address points behind the call: one byte back is the call's line.
    asked = ["0x%x" % (int(a, 16) - 1) for a in wanted]
    done = subprocess.run([tool, "-e", kernel] + asked, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True)
    where = {}
    for address, place in zip(wanted, done.stdout.splitlines()):
        place = place.split(" (")[0]
        if not place.startswith("??") and not place.endswith(("?", ":0")):
            where[address] = short(place)
    out = []
    for line in lines:
        places = [where[a] for a in ADDRESS.findall(line) if a in where]
        out.append(line + ("   <- " + ", ".join(places) if places else ""))
    return out


def warn(text):
    print(text, file=sys.stderr, flush=True)
