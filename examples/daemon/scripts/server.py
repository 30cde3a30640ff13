"""Renders frames for whoever asks on a port of this machine. Writes its address to a file: server.py FILE"""

import os
import socketserver
import sys

rendered = 0


class Request(socketserver.StreamRequestHandler):
    def handle(self):
        global rendered
        frame = int(self.rfile.readline())
        rendered += 1
        print(f"rendered frame {frame}", flush=True)
        self.wfile.write(f"frame {frame} rendered by process {os.getpid()}, its number {rendered}\n".encode())


with socketserver.TCPServer(("127.0.0.1", 0), Request) as server:
    with open(sys.argv[1] + ".new", "w", encoding="utf-8") as file:
        file.write("{}:{}".format(*server.server_address))
    os.rename(sys.argv[1] + ".new", sys.argv[1])
    server.serve_forever()
