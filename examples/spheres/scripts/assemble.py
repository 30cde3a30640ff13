"""Joins the rendered frames into one animated PNG."""

import argparse
import os
import struct

import png

FRAMES_PER_SECOND = 12


def numbers(expression):
    """The frames of an integer range such as 1-10,20-40:5, ascending."""
    found = set()
    for part in expression.split(","):
        span, _, step = part.strip().partition(":")
        first, _, last = span.partition("-")
        found.update(range(int(first), int(last or first) + 1, int(step or 1)))
    return sorted(found)


def animation(paths):
    """The bytes of an animated PNG that shows the files in order, for ever."""
    parts, sequence = [], 0
    for index, path in enumerate(paths):
        width, height, pixels = png.read(path)
        if index == 0:
            size = (width, height)
            parts += [png.SIGNATURE, png.header(width, height), png.chunk(b"acTL", struct.pack(">II", len(paths), 0))]
        elif (width, height) != size:
            raise ValueError(f"{path} is {width}x{height}, the first frame is {size[0]}x{size[1]}")
        control = struct.pack(">IIIIIHHBB", sequence, width, height, 0, 0, 1, FRAMES_PER_SECOND, 0, 0)
        parts.append(png.chunk(b"fcTL", control))
        sequence += 1
        if index == 0:
            parts.append(png.chunk(b"IDAT", pixels))
        else:
            parts.append(png.chunk(b"fdAT", struct.pack(">I", sequence) + pixels))
            sequence += 1
        print(f"openjd_progress: {100 * (index + 1) / len(paths):.0f}", flush=True)
    return b"".join(parts + [png.chunk(b"IEND", b"")])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", required=True, help="the frames, as an integer range")
    parser.add_argument("--output", required=True, help="the directory of the frames")
    args = parser.parse_args()
    paths = [os.path.join(args.output, f"frame_{n:04d}.png") for n in numbers(args.frames)]
    target = os.path.join(args.output, "animation.png")
    with open(target + ".part", "wb") as f:
        f.write(animation(paths))
    os.replace(target + ".part", target)
    print(f"openjd_status: joined {len(paths)} frames")
    print(f"wrote {target}")


if __name__ == "__main__":
    main()
