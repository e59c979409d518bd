"""The photo on the page's canvas, flat and facing: clicks and boxes in its own pixels."""

import math
from collections.abc import Callable

import numpy as np
import viser
from viser import transforms

from reparo.app.pictures import INVITED

NODE = "/photo"
UPRIGHT = (0.0, 1.0, 0.0, 0.0)  # viser's pictures have y down; half a turn about x
FAR = 500.0  # where it hangs, so that nothing of the scene is near
ROOM = 1.04  # around it
FOV = math.radians(40)

Point = tuple[float, float]  # x, y in px of the photo


class PhotoView:
    """A picture 1 high at z = FAR, its middle on the z axis, seen from further out."""

    def __init__(self, client: viser.ClientHandle) -> None:
        self.client = client
        self.size = (INVITED[1], INVITED[0])  # height and width of the photo, px
        self.visible = True
        self._image: viser.ImageHandle | None = None

    def show(self, picture: np.ndarray, size: tuple[int, int]) -> None:
        """Puts up a picture [h, w, 3] of a photo that has `size`, height and width in px."""
        if self._image is None or size != self.size:
            self.size = size
            self._image = self.client.scene.add_image(
                NODE,
                picture,
                self.width,
                1.0,
                format="jpeg",
                jpeg_quality=90,
                cast_shadow=False,
                receive_shadow=False,
                wxyz=UPRIGHT,
                position=(0.0, 0.0, FAR),
                visible=self.visible,
            )
        else:
            self._image.image = picture

    @property
    def width(self) -> float:
        """In units of its height."""
        return self.size[1] / self.size[0]

    def show_or_hide(self, visible: bool) -> None:
        """Whether it is what the canvas shows."""
        self.visible = visible
        if self._image is not None:
            self._image.visible = visible

    def face(self) -> None:
        """Looks at it straight, all of it in the window."""
        camera = self.client.camera
        half = max(0.5, self.width / 2 / camera.aspect) * ROOM
        away = half / math.tan(FOV / 2)
        with self.client.atomic():
            camera.up_direction = (0.0, 1.0, 0.0)
            camera.position = (0.0, 0.0, FAR + away)
            camera.look_at = (0.0, 0.0, FAR)
            camera.fov = FOV

    def on_click(self, heard: Callable[[Point], None]) -> None:
        """Calls with the pixel of each click on the photo."""

        @self.client.scene.on_click()
        def _(event: viser.SceneClickEvent) -> None:
            if self.visible and (point := self.pixel(event.screen_pos)) is not None:
                heard(point)

    def on_box(self, heard: Callable[[Point, Point], None]) -> None:
        """Calls with two corners, upper left and lower right, of each box that is drawn."""

        def draw(event: viser.SceneRectSelectEvent) -> None:
            corners = [self._hit(at) for at in (event.screen_min, event.screen_max)]
            (x0, y0), (x1, y1) = (self._inside(*corner) for corner in corners)
            if self.visible and x1 - x0 >= 1 and y1 - y0 >= 1:
                heard((x0, y0), (x1, y1))

        self._box = draw
        self.listen_to_boxes()

    def listen_to_boxes(self) -> None:
        """Dragging draws boxes where the photo is shown; in the scene it turns the view."""
        self.client.scene.remove_rect_select_callback("all")
        if self.visible:
            self.client.scene.on_rect_select()(self._box)

    def pixel(self, screen: tuple[float, float]) -> Point | None:
        """The photo's pixel at a place on the canvas, each 0..1 from the upper left."""
        x, y = self._hit(screen)
        inside = 0 <= x < self.size[1] and 0 <= y < self.size[0]
        return (x, y) if inside else None

    def _hit(self, screen: tuple[float, float]) -> Point:
        camera = self.client.camera
        tangent = math.tan(camera.fov / 2)
        ray = ((2 * screen[0] - 1) * tangent * camera.aspect, (2 * screen[1] - 1) * tangent, 1.0)
        x, y, z = transforms.SO3(camera.wxyz).as_matrix() @ np.array(ray)
        length = (FAR - camera.position[2]) / z
        column = (camera.position[0] + length * x) / self.width + 0.5
        row = 0.5 - (camera.position[1] + length * y)
        return float(column * self.size[1]), float(row * self.size[0])

    def _inside(self, x: float, y: float) -> Point:
        return min(max(x, 0.0), float(self.size[1])), min(max(y, 0.0), float(self.size[0]))
