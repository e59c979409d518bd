"""What a person does on a page, handed on to its session; what goes wrong is said on the page."""

import logging
import threading
from collections.abc import Callable
from typing import Any

import viser

from reparo.app import labour, work
from reparo.app.page import Page
from reparo.app.panel import LESS, NEW, NOBODY, SIZES
from reparo.app.photo_view import Point
from reparo.app.state import Pose
from reparo.errors import InputError, ReparoError

log = logging.getLogger(__name__)

RESTED = 0.7  # s without another letter, after which a name is taken for whole
MOST = 60 << 20  # bytes of a photo's file


class Typing:
    """A name as it is typed: taken when the typing rests, or something else is done."""

    def __init__(self, take: Callable[[str | None, str], None]) -> None:
        self._take = take
        self._typed: tuple[str | None, str] | None = None  # whose name, and what it says so far
        self._timer: threading.Timer | None = None
        self._lock = threading.RLock()

    def letter(self, whose: str | None, name: str) -> None:
        """The field says this now."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
            self._typed = (whose, name)
            self._timer = threading.Timer(RESTED, self.end)
            self._timer.daemon = True
            self._timer.start()

    def end(self) -> None:
        """Takes what was typed, if anything was."""
        with self._lock:
            typed, self._typed = self._typed, None
            if typed is not None:
                self._take(*typed)


class Deeds:
    """Every control's deed."""

    def __init__(self, page: Page) -> None:
        self.page, self.session, self.client = page, page.session, page.client
        self._typing = Typing(self._tried(self.rename))
        panel = page.panel
        self._on(panel.photo.on_upload, lambda event: self.upload(event.target.value))
        self._on(panel.switch.on_click, lambda _: page.turn_to(not page.in_scene))
        self._on(panel.working.stop.on_click, lambda _: self.session.stop())
        self._on(panel.undo.on_click, lambda _: self.session.undo())
        self._on(panel.redo.on_click, lambda _: self.session.redo())
        self._wire_marking()
        self._wire_arranging()
        self._on(panel.saving.glb.on_click, lambda _: self.save_glb())
        self._on(panel.saving.everything.on_click, lambda _: self.save_all())
        self._wire_keys()
        page.photo.on_click(self._safe(self.click))
        page.photo.on_box(self._safe(self.box))
        page.scene.on_select = self._safe(page.select)
        page.scene.on_move = self._safe(self.move)

    def _wire_marking(self) -> None:
        page, marking = self.page, self.page.panel.marking
        self._on(marking.find.on_click, lambda _: labour.find(self.session))
        self._on(marking.make.on_click, lambda _: labour.make(self.session))
        self._on(marking.delete.on_click, lambda _: self.delete())
        self._on(marking.selected.on_update, lambda event: page.select(event.target.value))
        self._on(marking.name.on_update, lambda event: self.name_typed(event.target.value), True)
        self._on(marking.merge.on_update, lambda event: self.merge(event.target.value))

    def _wire_arranging(self) -> None:
        page, arranging = self.page, self.page.panel.arranging
        self._on(arranging.selected.on_update, lambda event: page.select(event.target.value))
        self._on(arranging.size.on_click, lambda event: self.resize(SIZES[event.target.value]))
        self._on(
            arranging.refine.on_click,
            lambda _: labour.refine(self.session, arranging.turning.value),
        )
        self._on(arranging.behind.on_update, lambda event: self.behind(event.target.value))
        self._on(arranging.view.on_click, lambda _: page.scene.from_camera())

    def _wire_keys(self) -> None:
        gui, session = self.client.gui, self.session
        undo = gui.add_command("Undo", hotkey="Z", modifier="cmd/ctrl")
        redo = gui.add_command("Redo", hotkey="Z", modifier="cmd/ctrl+shift")
        self._on(undo.on_trigger, lambda _: session.undo())
        self._on(redo.on_trigger, lambda _: session.redo())

    # ---- the photo and its objects

    def upload(self, file: viser.UploadedFile) -> None:
        """A photo was chosen or dropped."""
        if len(file.content) > MOST:
            raise InputError(f"a photo has up to {MOST >> 20} MB, {file.name} has more; shrink it")
        self.session.open_photo(file.name, file.content)

    def click(self, point: Point) -> None:
        """The photo was clicked."""
        mode, selected = self.page.panel.marking.click.value, self.page.selected
        if self.session.photo is None:
            return
        if mode != NEW and selected is not None:
            self.session.click(*point, on=selected, inside=mode != LESS)
            return
        there = self.session.at(*point)
        self.page.select(there if there is not None else self.session.click(*point))

    def box(self, upper_left: Point, lower_right: Point) -> None:
        """A box was drawn on the photo."""
        if self.session.photo is not None:
            self.page.select(self.session.box((*upper_left, *lower_right)))

    def name_typed(self, name: str) -> None:
        """A letter was typed: once the typing rests, what is selected now has another name."""
        self._typing.letter(self.page.selected, name)

    def rename(self, old: str | None, name: str) -> None:
        """Another name for an object, unless the field is just empty."""
        if old is not None and name.strip() and name != old and old in self.session.state.names:
            selected = self.page.selected
            try:
                new = self.session.rename(old, name)
            except ReparoError:
                self.page.name_again()
                raise
            self.page.select(new if selected == old else selected)

    def merge(self, other: str) -> None:
        """What is selected and another become one."""
        if other != NOBODY and self.page.selected is not None:
            self.session.merge(self.page.selected, other)

    def delete(self) -> None:
        """What is selected goes."""
        if self.page.selected is not None:
            self.session.delete(self.page.selected)

    # ---- the scene

    def move(self, name: str, pose: Pose) -> None:
        """An object was dragged or turned."""
        self.session.move(name, pose)

    def resize(self, factor: float) -> None:
        """What is selected grows or shrinks, its foot where it was."""
        name, shown = self.page.selected, self.page.scene.shown
        if name is None or shown is None or name not in shown.poses:
            raise InputError("no object of the scene is selected; click on one first")
        self.session.move(name, work.grown(shown, name, factor))

    def behind(self, wanted: bool) -> None:
        """The photo stands behind the objects, or not."""
        scene = self.page.scene
        scene.behind = wanted
        scene.show_or_hide(self.page.in_scene)
        self.page.select(self.page.selected)

    # ---- out

    def save_glb(self) -> None:
        """Hands the browser scene.glb."""
        with self.session.lock:  # another window may save, too
            content = (self.session.finished() / "scene.glb").read_bytes()
        self._hand(f"{self.session.title}.glb", content)

    def save_all(self) -> None:
        """Hands the browser the result's folder, packed."""
        with self.session.lock:
            content = work.archive(self.session.finished())
        self._hand(f"{self.session.title}.zip", content)

    def _hand(self, name: str, content: bytes) -> None:
        self.client.send_file_download(name, content, save_immediately=True)

    # ---- whatever goes wrong

    def _on(
        self,
        register: Callable[[Callable[[Any], None]], Any],
        deed: Callable[[Any], Any],
        typing: bool = False,
    ) -> None:
        """The deed whenever the person, and not the page itself, touches a control."""
        done = (self._tried if typing else self._safe)(deed)

        def heard(event: Any) -> None:
            if getattr(event, "client", self.client) is not None:
                done(event)

        register(heard)

    def _safe(self, deed: Callable[..., Any]) -> Callable[..., None]:
        """The deed after what was typed just before; what goes wrong is said."""
        tried = self._tried(deed)

        def safely(*given: Any) -> None:
            self._typing.end()
            tried(*given)

        return safely

    def _tried(self, deed: Callable[..., Any]) -> Callable[..., None]:
        def safely(*given: Any) -> None:
            try:
                deed(*given)
            except ReparoError as error:
                self.page.say("That did not work", str(error))
            except Exception as error:
                log.exception("a deed failed")
                self.page.say("This should not have happened", f"{type(error).__name__}: {error}")

        return safely
