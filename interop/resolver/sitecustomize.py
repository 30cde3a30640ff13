"""Makes the names below deadline.test mean this machine, in every Python program that has this directory on its PYTHONPATH: what a DNS
server does for a real farm. Nothing else of the program is changed."""

import socket

_getaddrinfo = socket.getaddrinfo


def getaddrinfo(host, *args, **kwargs):
    if isinstance(host, str) and (host == "deadline.test" or host.endswith(".deadline.test")):
        host = "127.0.0.1"
    return _getaddrinfo(host, *args, **kwargs)


socket.getaddrinfo = getaddrinfo
