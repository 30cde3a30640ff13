"""Builds the scene inside Blender: blender --background --python scene.py -- FILE SAMPLES"""

import math
import sys

import bpy

target, samples = sys.argv[sys.argv.index("--") + 1 :]

bpy.ops.wm.read_factory_settings(use_empty=True)
scene = bpy.context.scene

bpy.ops.mesh.primitive_plane_add(size=20)
bpy.ops.mesh.primitive_monkey_add(location=(0, 0, 1), rotation=(math.radians(-20), 0, 0))
monkey = bpy.context.object
bpy.ops.object.shade_smooth()
monkey.modifiers.new("Smooth", "SUBSURF").render_levels = 2
gold = bpy.data.materials.new("Gold")
gold.use_nodes = True
surface = gold.node_tree.nodes["Principled BSDF"]
surface.inputs["Base Color"].default_value = (1.0, 0.65, 0.2, 1.0)
surface.inputs["Metallic"].default_value = 1.0
surface.inputs["Roughness"].default_value = 0.25
monkey.data.materials.append(gold)
for frame, turn in ((1, 0), (49, 360)):
    monkey.rotation_euler.z = math.radians(turn)
    monkey.keyframe_insert("rotation_euler", index=2, frame=frame)

bpy.ops.object.light_add(type="SUN", rotation=(math.radians(50), 0, math.radians(30)))
bpy.context.object.data.energy = 3
scene.world = bpy.data.worlds.new("World")
scene.world.color = (0.35, 0.45, 0.6)

bpy.ops.object.camera_add(location=(0, -6, 2.4), rotation=(math.radians(78), 0, 0))
scene.camera = bpy.context.object
scene.render.engine = "CYCLES"
scene.cycles.device = "CPU"
scene.cycles.samples = int(samples)
scene.cycles.use_denoising = False  # distributions build Blender without the denoiser
scene.render.resolution_x, scene.render.resolution_y = 480, 270
scene.frame_end = 48

bpy.ops.wm.save_as_mainfile(filepath=target)
print(f"openjd_status: scene saved to {target}")
