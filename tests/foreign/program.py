"""python3: mmap, subprocess, threads, and what stands around them."""
import fcntl
import hashlib
import mmap
import multiprocessing
import os
import select
import signal
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
