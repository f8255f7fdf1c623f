# python3: mmap, subprocess, threads, asyncio, processes, shared memory, locks, sqlite3 as a module.
exec python3 /foreign/program.py
