"""Renders one frame of the scene in SCENE_FILE with a small ray tracer."""

import argparse
import json
import math
import os

import png

AMBIENT = 0.18
MAX_BOUNCES = 2


class Scene:
    """What a ray can meet."""

    def __init__(self, document):
        self.spheres = [
            (*s["center"], s["radius"] * s["radius"], s["radius"], tuple(s["color"]), s["mirror"]) for s in document["spheres"]
        ]
        self.light = document["light"]
        self.sky = document["sky"]

    def nearest(self, ox, oy, oz, dx, dy, dz):
        """The nearest sphere on the ray and how far it is; (None, infinity) when there is none."""
        hit, best = None, math.inf
        for s in self.spheres:
            lx, ly, lz = s[0] - ox, s[1] - oy, s[2] - oz
            along = lx * dx + ly * dy + lz * dz
            if along <= 0:
                continue
            miss = lx * lx + ly * ly + lz * lz - along * along
            if miss > s[3]:
                continue
            distance = along - math.sqrt(s[3] - miss)
            if 1e-4 < distance < best:
                hit, best = s, distance
        return hit, best

    def color(self, ox, oy, oz, dx, dy, dz, bounces):
        """The light that comes along the ray, as (red, green, blue) from 0 to 1."""
        sphere, distance = self.nearest(ox, oy, oz, dx, dy, dz)
        floor = -oy / dy if dy < -1e-6 else math.inf
        if floor < distance:
            return self.floor_color(ox + dx * floor, oz + dz * floor, floor, dx, dy, dz, bounces)
        if sphere is None:
            fade = 0.5 + 0.5 * max(dy, 0.0)
            return tuple(1 - fade * (1 - c) for c in self.sky)
        x, y, z = ox + dx * distance, oy + dy * distance, oz + dz * distance
        nx, ny, nz = (x - sphere[0]) / sphere[4], (y - sphere[1]) / sphere[4], (z - sphere[2]) / sphere[4]
        return self.shade(x, y, z, nx, ny, nz, dx, dy, dz, sphere[5], sphere[6], bounces)

    def floor_color(self, x, z, distance, dx, dy, dz, bounces):
        tile = 0.85 if (math.floor(x) + math.floor(z)) % 2 else 0.25
        lit = self.shade(x, 0.0, z, 0.0, 1.0, 0.0, dx, dy, dz, (tile, tile, tile), 0.08, bounces)
        haze = min(distance / 40.0, 1.0)
        return tuple(c * (1 - haze) + s * haze for c, s in zip(lit, self.sky))

    def shade(self, x, y, z, nx, ny, nz, dx, dy, dz, color, mirror, bounces):
        lx, ly, lz = self.light[0] - x, self.light[1] - y, self.light[2] - z
        length = math.sqrt(lx * lx + ly * ly + lz * lz)
        lx, ly, lz = lx / length, ly / length, lz / length
        x, y, z = x + nx * 1e-3, y + ny * 1e-3, z + nz * 1e-3
        facing = nx * lx + ny * ly + nz * lz
        bright = AMBIENT
        if facing > 0 and self.nearest(x, y, z, lx, ly, lz)[0] is None:
            bright += (1 - AMBIENT) * facing
        result = [c * bright for c in color]
        if mirror > 0 and bounces > 0:
            turn = 2 * (dx * nx + dy * ny + dz * nz)
            seen = self.color(x, y, z, dx - turn * nx, dy - turn * ny, dz - turn * nz, bounces - 1)
            result = [r * (1 - mirror) + s * mirror for r, s in zip(result, seen)]
        return result


def camera(frame, frame_count):
    """Where the camera stands and the axes it looks along, for one frame of a full turn."""
    angle = 2 * math.pi * (frame - 1) / frame_count
    eye = (5.2 * math.cos(angle), 2.4, 5.2 * math.sin(angle))
    forward = normalize((-eye[0], 0.75 - eye[1], -eye[2]))
    right = normalize((-forward[2], 0.0, forward[0]))
    up = (
        right[1] * forward[2] - right[2] * forward[1],
        right[2] * forward[0] - right[0] * forward[2],
        right[0] * forward[1] - right[1] * forward[0],
    )
    return eye, forward, right, up


def normalize(v):
    length = math.sqrt(sum(c * c for c in v))
    return tuple(c / length for c in v)


def render(scene, frame, frame_count, width, height):
    """Yields the rows of the picture from top to bottom, as RGB bytes."""
    eye, forward, right, up = camera(frame, frame_count)
    scale = 1.1 / width
    for row in range(height):
        v = (height / 2 - row - 0.5) * scale
        line = bytearray()
        for column in range(width):
            u = (column + 0.5 - width / 2) * scale
            direction = normalize(tuple(forward[i] + u * right[i] + v * up[i] for i in range(3)))
            for value in scene.color(*eye, *direction, MAX_BOUNCES):
                line.append(min(255, int(255 * math.sqrt(max(value, 0.0)) + 0.5)))
        yield bytes(line)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frame", type=int, required=True)
    parser.add_argument("--frame-count", type=int, required=True)
    parser.add_argument("--size", required=True, help="WIDTHxHEIGHT in pixels")
    parser.add_argument("--output", required=True, help="the directory of the frames")
    args = parser.parse_args()
    width, height = (int(n) for n in args.size.split("x"))
    with open(os.environ["SCENE_FILE"], encoding="utf-8") as f:
        scene = Scene(json.load(f))

    print(f"openjd_status: rendering frame {args.frame}", flush=True)
    rows = []
    for row in render(scene, args.frame, args.frame_count, width, height):
        rows.append(row)
        if len(rows) % max(height // 10, 1) == 0:
            print(f"openjd_progress: {100 * len(rows) / height:.0f}", flush=True)

    os.makedirs(args.output, exist_ok=True)
    path = os.path.join(args.output, f"frame_{args.frame:04d}.png")
    png.write(path + ".part", width, height, rows)
    os.replace(path + ".part", path)
    print(f"wrote {path}")


if __name__ == "__main__":
    main()
