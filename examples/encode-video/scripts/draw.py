"""Draws a disc that moves over a gradient, as a PPM picture: draw.py FRAME WIDTH HEIGHT DIRECTORY"""

import math
import os
import sys

frame, width, height = (int(text) for text in sys.argv[1:4])
directory = sys.argv[4]
turn = frame * 0.26
x0, y0 = width * (0.5 + 0.3 * math.cos(turn)), height * (0.5 + 0.3 * math.sin(turn))
radius = height / 6

pixels = bytearray()
for y in range(height):
    for x in range(width):
        inside = (x - x0) ** 2 + (y - y0) ** 2 < radius**2
        pixels += bytes((240, 160, 40) if inside else (40, 60 + 120 * y // height, 80 + 120 * x // width))
os.makedirs(directory, exist_ok=True)
with open(os.path.join(directory, f"{frame:04d}.ppm"), "wb") as file:
    file.write(b"P6 %d %d 255\n" % (width, height) + pixels)
print(f"drew frame {frame}")
