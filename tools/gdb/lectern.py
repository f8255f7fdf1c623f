"""gdb's view of Lectern.  `make gdb` loads this; `help user-defined`-like list:

lectern-entry           run to kernel_main
lectern-main FILE       load a program's symbols; run to its main
lectern-log             the kernel's messages so far
lectern-console         what the guest has printed so far
lectern-type TEXT       type a line at the guest's console
lectern-threads         every process: state, space, name, and what each CPU runs
lectern-areas [PID]     the areas of a process (default: the current one)
lectern-page ADDR       the page-table walk for an address, and its struct page
"""
import socket
import struct

import gdb

SCRATCH = globals().get("lectern_scratch", ".")
PAGE = 4096
DIRECT_MAP = 0xffff888000000000


class Command(gdb.Command):
    """A command whose name and help stand in the class."""
    repeat = False

    def __init__(self):
        super().__init__(self.name, gdb.COMMAND_USER)

    def invoke(self, argument, from_tty):
        self.dont_repeat()
        self.run(argument.strip())


# --- getting somewhere ----------------------------------------------------------

class Entry(Command):
    """Runs the machine to kernel_main, the kernel's first C function."""
    name = "lectern-entry"

    def run(self, _):
        # A hardware breakpoint: the kernel's memory is not mapped there yet.
        gdb.execute("thbreak kernel_main", to_string=True)
        gdb.execute("continue")


class Program:
    """One program's file: where its main is, and its code, to know it again by."""

    def __init__(self, path):
        self.path = path
        with open(path, "rb") as file:
            self.bytes = file.read()

    def code_at(self, address, size):
        """The file's bytes that the program has at an address."""
        offset, entry_size, count = struct.unpack_from("<Q14xHH", self.bytes, 32)
        for i in range(count):
            kind, _, at, start, _, in_file = struct.unpack_from("<IIQQQQ", self.bytes,
                                                                offset + i * entry_size)
            if kind == 1 and start <= address < start + in_file:
                first = at + address - start
                return self.bytes[first:first + min(size, start + in_file - address)]
        return b""


class IsProgram(gdb.Function):
    """$lectern_is_program(): does the CPU run the program of lectern-main?  Many
    programs have code at one address; only the right one has these bytes there."""
    program = None

    def __init__(self):
        super().__init__("lectern_is_program")

    def invoke(self):
        pc = int(gdb.parse_and_eval("(unsigned long)$pc"))
        wanted = self.program.code_at(pc, min(256, PAGE - pc % PAGE))
        try:
            seen = bytes(gdb.selected_inferior().read_memory(pc, len(wanted)))
        except gdb.MemoryError:
            return False
        return seen == wanted


class Main(Command):
    """lectern-main FILE: loads the program's symbols and runs to its main."""
    name = "lectern-main"

    def run(self, path):
        IsProgram.program = Program(path)
        gdb.execute("add-symbol-file %s -o 0" % path, to_string=True)
        gdb.execute("thbreak main if $lectern_is_program()")
        gdb.execute("continue")


# --- looking -------------------------------------------------------------------

def show_file(name):
    try:
        with open("%s/%s" % (SCRATCH, name), errors="replace") as file:
            gdb.write(file.read())
    except OSError as error:
        raise gdb.GdbError("no %s: %s" % (name, error))


class Log(Command):
    """The kernel's messages so far."""
    name = "lectern-log"

    def run(self, _):
        show_file("kernel.log")


class Console(Command):
    """What the guest has printed so far."""
    name = "lectern-console"

    def run(self, _):
        show_file("console.log")


class Type(Command):
    """lectern-type TEXT: types a line at the guest's console."""
    name = "lectern-type"
    line = None

    def run(self, text):
        if Type.line is None:
            Type.line = socket.socket(socket.AF_UNIX)
            Type.line.connect(SCRATCH + "/console")
        Type.line.sendall(text.encode() + b"\n")


def read_u64(address):
    return struct.unpack("<Q", bytes(gdb.selected_inferior().read_memory(address, 8)))[0]


def container(pointer, kind, member):
    """The structure that holds the member a pointer points at."""
    whole = gdb.lookup_type(kind)
    offset = next(f.bitpos // 8 for f in whole.fields() if f.name == member)
    return gdb.Value(int(pointer) - offset).cast(whole.pointer())


def list_entries(head, kind, member):
    node = head["next"]
    while int(node) != int(head.address):
        yield container(node, kind, member)
        node = node["next"]


def processes():
    head = gdb.parse_and_eval("all_processes")
    return list(list_entries(head, "struct process", "all_link"))


def text(value):
    return value.string("utf-8", "replace")


STATES = ("runnable", "sleeping", "waiting", "stopped", "dead")


class Threads(Command):
    """Every process and thread, and what each CPU runs."""
    name = "lectern-threads"

    def run(self, _):
        cpus = gdb.parse_and_eval("cpus")
        for n in range(int(gdb.parse_and_eval("nr_cpus"))):
            now = cpus[n]["running"]
            gdb.write("cpu %d: %s\n" % (n, text(now["name"]) if int(now) else "-"))
        for process in processes():
            for thread in list_entries(process["threads"], "struct thread", "process_link"):
                state = int(thread["state"])
                gdb.write("pid %-5d tid %-5d %-9s cpu %-2d %s\n" % (
                    int(process["pid"]), int(thread["tid"]), STATES[state], int(thread["cpu"]),
                    text(thread["name"])))


def selected_cpu():
    """QEMU shows each CPU as a thread, from 1."""
    thread = gdb.selected_thread()
    return thread.num - 1 if thread else 0


def space_of(argument):
    if argument:
        for process in processes():
            if int(process["pid"]) == int(argument, 0):
                return process["space"]
        raise gdb.GdbError("no process " + argument)
    space = gdb.parse_and_eval("cpus[%d].running->space" % selected_cpu())
    if not int(space):
        raise gdb.GdbError("a kernel thread runs here: it has no areas; name a process")
    return space


class Areas(Command):
    """lectern-areas [PID]: the areas of a process (default: what this CPU runs)."""
    name = "lectern-areas"

    def run(self, argument):
        self.show(space_of(argument)["areas"]["root"])

    def show(self, node):
        if not int(node):
            return
        self.show(node["left"])
        area = container(node, "struct area", "node")
        flags = int(area["flags"])
        letters = "".join(c if flags & bit else "-" for c, bit in zip("rwx", (1, 2, 4)))
        gdb.write("%012x-%012x %s%s page %-8x cache %#x\n" % (
            int(area["start"]), int(area["end"]), letters, "s" if flags & 0x100 else "p",
            ((int(area["start"]) >> 12) + int(area["bias"])) & (1 << 64) - 1, int(area["cache"])))
        self.show(node["right"])


class Page(Command):
    """lectern-page ADDR: the page-table walk for an address, and its struct page."""
    name = "lectern-page"

    def run(self, argument):
        address = int(gdb.parse_and_eval(argument).cast(gdb.lookup_type("unsigned long")))
        address &= (1 << 64) - 1
        table = int(gdb.parse_and_eval("cpus[%d].active_root" % selected_cpu())) & ~0xfff
        for level, shift in (("PML4", 39), ("PDPT", 30), ("PD", 21), ("PT", 12)):
            index = address >> shift & 511
            entry = read_u64(DIRECT_MAP + table + 8 * index)
            gdb.write("%-4s[%3d] = %016x  %s\n" % (level, index, entry, self.bits(entry)))
            if not entry & 1:
                return
            table = entry & 0x000ffffffffff000
            if entry & 0x80 and shift > 12:
                table += address & (1 << shift) - 1 & ~0xfff
                break
        gdb.execute("print page_array[%d]" % (table // PAGE))

    @staticmethod
    def bits(entry):
        names = ("present", "writable", "user", "write-through", "uncached", "accessed", "dirty",
                 "large", "global")
        words = [name for n, name in enumerate(names) if entry >> n & 1]
        return " ".join(words + (["no-execute"] if entry >> 63 else []))


for command in (Entry, IsProgram, Main, Log, Console, Type, Threads, Areas, Page):
    command()
