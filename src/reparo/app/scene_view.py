"""The scene on the page's canvas: meshes in their places, the photo behind, handles to drag."""

import asyncio
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
import viser

from reparo.app.photo_view import UPRIGHT
from reparo.app.shown import Shown, placed
from reparo.app.state import Pose
from reparo.files.meshes import read_mesh
from reparo.scene import Camera, quaternion_product

ROOT = "/scene"
HANDLES = "/handles"
BEHIND = 1.6  # the photo's distance over that of the objects' middle
REACH = 0.75  # of the handles, over the object's own size
FARTHEST = 0.6  # of the handles at most, over half of the photo's height at their distance
NEAR = 0.1  # how far from the photo's camera one is still at it, over the objects' distance
LIGHT = 1.7  # of the surroundings: as bright as the photo, whose shadows textures have already
ROOM = 1.03  # around the photo, as seen from its camera


class SceneView:
    """Draws what is new and moves the rest."""

    def __init__(self, client: viser.ClientHandle) -> None:
        self.client = client
        self.visible = False
        self.shown: Shown | None = None
        self.picture: np.ndarray | None = None  # what hangs behind the scene, [h, w, 3]
        self.behind = True  # whether the photo stands behind the objects
        self.on_select: Callable[[str], None] = lambda name: None
        self.on_move: Callable[[str, Pose], None] = lambda name, pose: None
        self._meshes: dict[str, tuple[object, viser.GlbHandle]] = {}  # by name: file as read
        self._boxes: dict[Path, np.ndarray] = {}  # of the meshes' files, lowest and highest corner
        self._backdrop: viser.ImageHandle | None = None
        self._handles: viser.TransformControlsHandle | None = None
        client.scene.set_up_direction("+y")
        client.scene.configure_environment_map("warehouse", environment_intensity=LIGHT)
        self._ground = client.scene.add_grid(
            f"{ROOT}-ground",
            plane="xz",
            infinite_grid=True,
            cell_size=0.25,
            section_size=1.0,
            cell_color=(222, 226, 230),
            section_color=(200, 206, 212),
            fade_distance=25.0,
            shadow_opacity=0.18,
            visible=False,
        )

        @client.scene.on_click()
        def _(event: viser.SceneClickEvent) -> None:
            # not the meshes' own clicks: those would come before handles that are farther away
            if self.visible and (name := self.pick(event.ray_origin, event.ray_direction)):
                self.on_select(name)

    def pick(self, origin: Sequence[float], direction: Sequence[float]) -> str | None:
        """The object whose box a ray meets first."""
        if (shown := self.shown) is None:
            return None
        found = []
        for name, pose in shown.poses.items():
            place = placed(pose)
            ray = torch.tensor([origin, np.add(origin, direction)]).to(place.translation)
            start, end = place.inverse().apply(ray).numpy()
            away = entered(self._bounds(shown.meshes[name]), start, end - start)
            if away is not None:
                found.append((away, name))
        return min(found)[1] if found else None

    def _bounds(self, file: Path) -> np.ndarray:
        if file not in self._boxes:
            self._boxes[file] = read_mesh(file).bounds.numpy()
        return self._boxes[file]

    def show(self, shown: Shown | None) -> bool:
        """Brings the canvas to this state; whether the photo's camera stands elsewhere now."""
        before, self.shown = self.shown, shown
        meshes = shown.meshes if shown else {}
        with self.client.atomic():
            for name in set(self._meshes) - set(meshes):
                self._meshes.pop(name)[1].remove()
            if shown is None:
                self._remove_backdrop()
                return False
            for name, file in meshes.items():
                self._place(name, file, shown.poses[name])
            if before is None or not _same(before.camera, shown.camera):
                self._hang(shown)
                return True
        return False

    def show_or_hide(self, visible: bool) -> None:
        """Whether it is what the canvas shows."""
        self.visible = visible
        for _, mesh in self._meshes.values():
            mesh.visible = visible
        self.look_around()
        if not visible:
            self.hold(None)

    def look_around(self) -> None:
        """From the photo's camera the photo stands behind the objects, from elsewhere a ground."""
        behind = self.visible and self.behind and self._at_camera()
        if self._backdrop is not None and self._backdrop.visible != behind:
            self._backdrop.visible = behind
        if self._ground.visible != (self.visible and not behind):
            self._ground.visible = self.visible and not behind

    def from_camera(self) -> None:
        """Looks from where the photo was taken, all of the photo in the window."""
        if self.shown is None:
            return
        camera, view = self.shown.camera, self.client.camera
        pose = camera.world_from_camera
        eye, turn = pose.translation.numpy(), pose.matrix.numpy()
        shape = camera.size[1] / camera.size[0]
        wider = max(1.0, shape / view.aspect) * ROOM
        with self.client.atomic():
            view.up_direction = turn[:, 1]
            view.position = eye
            view.look_at = eye - turn[:, 2] * self.shown.distance
            view.fov = 2 * math.atan(wider * math.tan(math.radians(camera.fov_y_deg) / 2))

    def hold(self, name: str | None) -> None:
        """Gives an object handles to drag and turn it by, and takes them from another."""
        if self._handles is not None:
            self._handles.remove()
            self._handles = None
        if name is None or self.shown is None or name not in self.shown.poses or not self.visible:
            return
        pose = self.shown.poses[name]
        handles = self.client.scene.add_transform_controls(
            HANDLES,
            scale=reach(self.shown, pose),
            line_width=3.5,
            depth_test=False,
            position=np.array(pose[:3]),
            wxyz=np.array(pose[3:7]),
        )
        self._handles = handles

        @handles.on_update
        async def _(event: viser.TransformControlsEvent) -> None:  # async: in the order of drags
            moved = (*event.target.position.tolist(), *event.target.wxyz.tolist(), pose[7])
            if name in self._meshes:
                self._set(self._meshes[name][1], moved)
            if event.phase == "end":
                await asyncio.to_thread(self.on_move, name, moved)

    def _place(self, name: str, file: Path, pose: Pose) -> None:
        state = file.stat()
        key = (file, state.st_mtime_ns, state.st_size)
        known = self._meshes.get(name)
        if known is not None and known[0] == key:
            self._set(known[1], pose)
            return
        mesh = self.client.scene.add_glb(
            f"{ROOT}/{name}",
            file.read_bytes(),
            scale=pose[7],
            wxyz=np.array(pose[3:7]),
            position=np.array(pose[:3]),
            visible=self.visible,
        )
        self._meshes[name] = (key, mesh)

    @staticmethod
    def _set(mesh: viser.GlbHandle, pose: Pose) -> None:
        mesh.position, mesh.wxyz = np.array(pose[:3]), np.array(pose[3:7])
        mesh.scale = pose[7]

    def _hang(self, shown: Shown) -> None:
        """The photo as a backdrop: as large as the camera sees it at that distance."""
        self._remove_backdrop()
        if self.picture is None:
            return
        camera, away = shown.camera, BEHIND * shown.distance
        height = 2 * away * math.tan(math.radians(camera.fov_y_deg) / 2)
        pose = camera.world_from_camera
        self._backdrop = self.client.scene.add_image(
            f"{ROOT}-photo",
            self.picture,
            height * camera.size[1] / camera.size[0],
            height,
            format="jpeg",
            cast_shadow=False,
            receive_shadow=False,
            wxyz=_turned(camera),
            position=(pose.translation - pose.matrix[:, 2] * away).numpy(),
            visible=False,
        )
        self.look_around()

    def _at_camera(self) -> bool:
        if self.shown is None:
            return False
        eye = self.shown.camera.world_from_camera.translation.numpy()
        return bool(np.linalg.norm(self.client.camera.position - eye) < NEAR * self.shown.distance)

    def _remove_backdrop(self) -> None:
        if self._backdrop is not None:
            self._backdrop.remove()
            self._backdrop = None


def entered(bounds: np.ndarray, origin: np.ndarray, direction: np.ndarray) -> float | None:
    """How many directions away a ray enters a box [2, 3]; None where it misses it."""
    with np.errstate(divide="ignore", invalid="ignore"):  # a ray along a side
        sides = np.sort((bounds - origin) / direction, axis=0)
    near, far = float(np.nanmax(sides[0])), float(np.nanmin(sides[1]))
    return max(near, 0.0) if far >= max(near, 0.0) else None


def reach(shown: Shown, pose: Pose) -> float:
    """How long handles are: as their object asks, and never out of the photo's sight."""
    eye = shown.camera.world_from_camera.translation.numpy()
    away = float(np.linalg.norm(eye - np.array(pose[:3])))
    half = away * math.tan(math.radians(shown.camera.fov_y_deg) / 2)
    return min(REACH * pose[7], FARTHEST * half)


def _turned(camera: Camera) -> np.ndarray:
    """The camera's turn, for viser's pictures."""
    wxyz = camera.world_from_camera.wxyz
    return quaternion_product(wxyz, wxyz.new_tensor(UPRIGHT)).numpy()


def _same(one: Camera, other: Camera) -> bool:
    """Whether two cameras stand at one place and see alike."""
    pose, other_pose = one.camera_from_world, other.camera_from_world
    return (
        math.isclose(one.focal, other.focal, rel_tol=1e-6)
        and np.allclose(pose.translation, other_pose.translation, atol=1e-6)
        and bool((pose.wxyz @ other_pose.wxyz).abs() > 1 - 1e-9)
    )
