"""Reading and writing of the PNG files of this example: 8-bit RGB, no filter, no interlace."""

import struct
import zlib

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunk(kind, data):
    """One PNG chunk: length, kind, data, checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def header(width, height):
    """The IHDR chunk of an 8-bit RGB picture."""
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))


def write(path, width, height, rows):
    """Writes rows of RGB bytes, each 3 * width long."""
    pixels = zlib.compress(b"".join(b"\x00" + row for row in rows), 9)
    with open(path, "wb") as f:
        f.write(SIGNATURE + header(width, height) + chunk(b"IDAT", pixels) + chunk(b"IEND", b""))


def read(path):
    """Gives width, height and the compressed pixels of a file that write() made."""
    with open(path, "rb") as f:
        data = f.read()
    if not data.startswith(SIGNATURE):
        raise ValueError(f"{path} is not a PNG file")
    at, pixels, width, height = len(SIGNATURE), b"", 0, 0
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        if kind == b"IHDR":
            width, height = struct.unpack(">II", body[:8])
        elif kind == b"IDAT":
            pixels += body
        at += 12 + length
    return width, height, pixels
