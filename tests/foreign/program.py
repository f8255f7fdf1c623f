"""python3: mmap, subprocess, threads, and what stands around them."""
import asyncio
import fcntl
import hashlib
import mmap
import multiprocessing
import os
import select
import selectors
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import shared_memory

sys.stdout.reconfigure(line_buffering=True)

with open("m", "wb+") as file:
    file.truncate(10000)
    view = mmap.mmap(file.fileno(), 0)
    view[5000:5005] = b"hello"
    view.flush()
    view.resize(20000)
    view[15000:15003] = b"end"
    print("mmap", len(view), view.find(b"end"), os.stat("m").st_size)
    copy = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    copy[0:4] = b"mine"
    print("private", view[0:4], copy[0:4])
    view.madvise(mmap.MADV_DONTNEED)
    view.close()
    file.seek(5000)
    print("file", file.read(5))

shared = mmap.mmap(-1, 4096)
pid = os.fork()
if pid == 0:
    shared[0:5] = b"child"
    os._exit(3)
print("fork", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shared[0:5])

print("run", subprocess.run(["/usr/bin/echo", "sub"], capture_output=True).stdout)
print("shell", subprocess.check_output("echo $((6 * 7)) | cat", shell=True))
print("input", subprocess.run(["tr", "a-z", "A-Z"], input=b"loud" * 50000, capture_output=True).stdout[-4:])
print("killed", subprocess.run(["sh", "-c", "kill -SEGV $$"]).returncode)
try:
    subprocess.run(["sleep", "5"], timeout=0.2)
except subprocess.TimeoutExpired:
    print("timeout")

number, lock = [0], threading.Lock()


def work():
    for _ in range(1000):
        with lock:
            number[0] += 1


threads = [threading.Thread(target=work) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print("threads", number)
with ThreadPoolExecutor(4) as pool:
    print("pool", sum(pool.map(lambda x: x * x, range(50))))
with multiprocessing.Pool(2) as pool:
    print("processes", pool.map(abs, [-1, -2, 3]))
block = shared_memory.SharedMemory(create=True, size=5000)
block.buf[0] = 7
print("shm", block.buf[0], os.path.exists("/dev/shm/" + block.name))
block.close()
block.unlink()

r, w = os.pipe()
poll = select.poll()
poll.register(r, select.POLLIN)
os.write(w, b"x")
print("poll", len(poll.poll(100)), select.select([r], [], [], 0)[0] == [r])
selector = selectors.DefaultSelector()
selector.register(r, selectors.EVENT_READ, "reader")
selector.register(w, selectors.EVENT_WRITE, "writer")
print("selector", type(selector).__name__, sorted(key.data for key, _ in selector.select()))
os.read(r, 1)
print("drained", [key.data for key, _ in selector.select()])
selector.close()


async def answer(reader, writer):
    while line := await reader.readline():
        writer.write(line.upper())
    writer.close()


async def several():
    """Timers, tasks, streams, a child and a signal in one loop."""
    loop = asyncio.get_running_loop()
    order = []
    await asyncio.gather(*(wait_and_note(order, n) for n in (3, 1, 2)))
    print("timers", order)
    one, other = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=one)
    served = asyncio.create_task(answer(*await asyncio.open_connection(sock=other)))
    writer.write(b"first\nsecond\n")
    writer.write_eof()
    print("stream", await reader.read())
    await served
    writer.close()
    child = await asyncio.create_subprocess_exec("tr", "a-z", "A-Z", stdin=asyncio.subprocess.PIPE,
                                                 stdout=asyncio.subprocess.PIPE)
    print("child", (await child.communicate(b"loud"))[0], child.returncode)
    came = asyncio.Event()
    loop.add_signal_handler(signal.SIGUSR1, came.set)
    os.kill(os.getpid(), signal.SIGUSR1)
    await came.wait()
    print("thread", await asyncio.to_thread(sum, range(100)))
    try:
        await asyncio.wait_for(asyncio.Event().wait(), 0.05)
    except asyncio.TimeoutError:
        print("too late")


async def wait_and_note(order, n):
    await asyncio.sleep(n * 0.1)
    order.append(n)

asyncio.run(several())
signal.signal(signal.SIGALRM, lambda *_: print("alarm"))
signal.setitimer(signal.ITIMER_REAL, 0.05)
time.sleep(0.2)
with tempfile.NamedTemporaryFile() as file:
    file.write(b"x" * 100)
    file.flush()
    print("temporary", os.stat(file.name).st_size)
with open("lock", "w") as file:
    fcntl.flock(file, fcntl.LOCK_EX)
    fcntl.lockf(file, fcntl.LOCK_EX)
    print("locked")
print("memfd", os.stat(os.memfd_create("x")).st_size)
base = sqlite3.connect("py.db")
base.execute("create table t(a)")
base.executemany("insert into t values(?)", [(i,) for i in range(100)])
base.commit()
print("sqlite", base.execute("select sum(a) from t").fetchone())
print("hash", hashlib.sha256(b"a" * 1000000).hexdigest()[:16])
print("walk", sum(len(files) for _, _, files in os.walk("/usr/lib/python3.11/json")))
print("exit", sys.exc_info(), os.getcwd() == os.path.realpath("."))
try:
    open("/nothing/at/all")
except FileNotFoundError as error:
    print(error)
