"""Writes the scene of the animation, and tells the session where it is."""

import argparse
import json
import math
import os


def build():
    """A ring of coloured spheres around a mirror ball, on a chequered floor."""
    spheres = [{"center": [0.0, 1.0, 0.0], "radius": 1.0, "color": [0.95, 0.95, 0.95], "mirror": 0.75}]
    colors = [[0.92, 0.26, 0.21], [0.98, 0.74, 0.02], [0.20, 0.66, 0.33], [0.26, 0.52, 0.96], [0.61, 0.35, 0.71]]
    for i, color in enumerate(colors):
        angle = 2 * math.pi * i / len(colors)
        spheres.append(
            {"center": [2.1 * math.cos(angle), 0.45, 2.1 * math.sin(angle)], "radius": 0.45, "color": color, "mirror": 0.15}
        )
    return {"spheres": spheres, "light": [4.0, 7.0, -3.0], "sky": [0.52, 0.70, 0.90]}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    group = parser.add_mutually_exclusive_group(required=True)
    group.add_argument("--write", metavar="FILE")
    group.add_argument("--remove", metavar="FILE")
    args = parser.parse_args()
    if args.remove:
        os.remove(args.remove)
        print(f"removed {args.remove}")
        return
    with open(args.write, "w", encoding="utf-8") as f:
        json.dump(build(), f)
    print("openjd_status: scene written")
    print(f"openjd_env: SCENE_FILE={args.write}")


if __name__ == "__main__":
    main()
