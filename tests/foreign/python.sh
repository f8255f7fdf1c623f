exec python3 /foreign/program.py
