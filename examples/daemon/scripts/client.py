"""Has a frame rendered by the server whose address is in RENDERER: client.py FRAME"""

import os
import socket
import sys

host, port = os.environ["RENDERER"].split(":")
with socket.create_connection((host, int(port)), timeout=30) as server:
    server.sendall(sys.argv[1].encode() + b"\n")
    answer = server.makefile(encoding="utf-8").readline()
if not answer:
    sys.exit("the server gave no answer")
print(answer, end="")
