"""One open page: what it shows of a session."""

import viser

from reparo.app import labour, pictures
from reparo.app.jobs import Job
from reparo.app.panel import NOBODY, Panel
from reparo.app.photo_view import PhotoView
from reparo.app.scene_view import SceneView
from reparo.app.session import Change, Session
from reparo.errors import ReparoError
from reparo.files.images import open_image

SHOWN_FOR = 12.0  # s, of a message
ASPECT = 1e-3  # of the canvas: less is no other shape
STEPS = {  # what the steps call themselves, in other words
    "segment": "finding the objects",
    "outline": "drawing their outlines",
    "depth": "seeing how far everything is",
    "complete": "completing what is hidden",
    "reconstruct": "making the meshes",
    "match": "finding their places",
    "polish": "finding their places exactly",
    "settle": "putting them on the ground",
    "turntable": "drawing the pictures",
}


class Page:
    """The controls and the canvas of one browser's tab."""

    def __init__(self, client: viser.ClientHandle, session: Session, earlier: str) -> None:
        self.client, self.session = client, session
        self.selected: str | None = None
        self.in_scene = False  # what the canvas shows: the scene, or the photo
        self.panel = Panel.built(client.gui)
        self.photo, self.scene = PhotoView(client), SceneView(client)
        self.panel.earlier.content = earlier
        self._said: Job | None = None  # whose failure was said
        self._aspect = 0.0  # of the canvas, width over height
        self._known: tuple[str, ...] = ()  # the objects' names, when last shown
        self._named: str | None = None  # whose name was put where it can be changed
        self._drawn: object = None  # what the photo was last drawn with

    def begin(self) -> None:
        """Shows the session as it is, and from then on what changes."""
        self._said = self.session.job
        self.unwatch = self.session.watch(self.changed)
        self.client.camera.on_update(self._window_changed)
        self._opened()

    def end(self) -> None:
        """The page has gone."""
        self.unwatch()

    def changed(self, change: Change) -> None:
        """Shows what has changed."""
        if change == "photo":
            self._opened()
        elif change == "job":
            self._show_job()
        elif change == "live":
            self._show_live()
        else:
            self._show_objects()
            if change == "scene":
                self._show_scene()

    def select(self, name: str | None) -> None:
        """Makes an object the one that commands are about."""
        if name == NOBODY:
            name = None
        self.selected = name
        self._show_objects()
        if self.in_scene:
            self._hold()

    def name_again(self) -> None:
        """Puts the name of what is selected back where it can be changed: another was refused."""
        self._named = None
        self._fill()

    def turn_to(self, scene: bool) -> None:
        """Shows the scene or the photo on the canvas."""
        self.in_scene = scene
        self.photo.show_or_hide(not scene)
        self.scene.show_or_hide(scene)
        self.panel.switch.label = "Show the photo" if scene else "Show the scene"
        self.photo.listen_to_boxes()
        self._show_folders()
        self._look()
        if scene:
            self._hold()

    def say(self, title: str, words: str, wrong: bool = True) -> None:
        """Shows a message for a while."""
        self.client.add_notification(
            title,
            words,
            color="red" if wrong else "blue",
            auto_close_seconds=SHOWN_FOR,
        )

    # ---- parts

    def _opened(self) -> None:
        photo, panel = self.session.photo, self.panel
        if photo is not None:
            self._small = pictures.small(open_image(photo))
            self.scene.picture = pictures.faded(self._small)
            labour.look(self.session)
        self.selected, self._known, self._drawn = None, self.session.state.names, None
        panel.photo.label = "Open a photo" if photo is None else "Open another photo"
        panel.photo.color = None if photo is None else "gray"  # what comes next is another button
        panel.earlier.visible = photo is None and bool(panel.earlier.content)
        self._show_objects()
        self._show_scene()
        self._show_job()
        self.turn_to(self.scene.shown is not None)

    def _window_changed(self, camera: viser.CameraHandle) -> None:
        """A window of another shape shows all of the photo, too."""
        if abs(camera.aspect - self._aspect) > ASPECT:
            self._aspect = camera.aspect
            self._look()
        if self.in_scene:
            self.scene.look_around()

    def _look(self) -> None:
        if self.in_scene:
            self.scene.from_camera()
        else:
            self.photo.face()

    def _show_objects(self) -> None:
        names, words = self.session.state.names, self.session.history.words
        new = [name for name in names if name not in self._known]
        if new or self.selected not in names:
            self.selected = names[-1] if names else None
            if self.in_scene:  # another window may have deleted what was held
                self._hold()
        self._known = names
        self._fill()
        self._draw_photo()
        self._show_folders()
        for button, what, said in (
            (self.panel.undo, "Undo", words[0]),
            (self.panel.redo, "Redo", words[1]),
        ):
            button.visible = said is not None
            button.label = f"{what}: {said}"

    def _fill(self) -> None:
        """Sets the controls that name objects; only where they differ, since people type there."""
        names, marking, arranging = (
            self.session.state.names,
            self.panel.marking,
            self.panel.arranging,
        )
        for control in (marking.selected, marking.name, marking.delete):
            _put(control, visible=bool(names))
        _put(marking.merge, visible=len(names) > 1)
        if self.selected is not None:
            _put(marking.selected, options=names, value=self.selected)
            others = (name for name in names if name != self.selected)
            _put(marking.merge, options=(NOBODY, *others), value=NOBODY)
        if self.selected != self._named:  # else somebody may be typing there
            self._named = self.selected
            _put(marking.name, value=self.selected or "")
        placed = tuple(self.scene.shown.poses) if self.scene.shown else ()
        here = self.selected if self.selected in placed else NOBODY
        _put(arranging.selected, options=(NOBODY, *placed), value=here)

    def _draw_photo(self) -> None:
        session = self.session
        if session.photo is None:
            self.photo.show(pictures.invitation(), (pictures.INVITED[1], pictures.INVITED[0]))
            return
        live, state = session.live, session.state
        now = (session.photo, state.things, self.selected, live and live.completed)
        if now == self._drawn:
            return
        self._drawn = now
        masks = session.masks
        factor = self._small.width / masks.size[1]
        clicks = state.thing(self.selected).clicks if self.selected else ()
        shrunk = [(x * factor, y * factor, inside) for x, y, inside in clicks]
        whole = live.outlines() if live is not None and live.completed else {}
        picture = pictures.marked(
            self._small,
            masks.small_regions(state.things),
            self.selected,
            {name: masks.shrunk(outline) for name, outline in whole.items()},
            shrunk,
        )
        self.photo.show(picture, masks.size)

    def _show_scene(self) -> None:
        """The meshes in their places; from the photo's camera, where that has moved."""
        try:
            shown = self.session.scene()
        except (ReparoError, OSError) as error:  # its files are damaged or gone
            self.say("The scene cannot be shown; make it anew", str(error))
            shown = None
        moved = self.scene.show(shown)
        self._show_folders()
        self._fill()
        if shown is None and self.in_scene:
            self.turn_to(False)
        elif self.in_scene:
            if moved:
                self.scene.from_camera()
            self._hold()

    def _show_folders(self) -> None:
        """Only what can be done here and now."""
        panel, photo, shown = self.panel, self.session.photo is not None, self.scene.shown
        ready = shown is not None and not self.session.busy
        _put(panel.switch, visible=shown is not None)
        _put(panel.marking.folder, visible=photo and not self.in_scene)
        _put(panel.arranging.folder, visible=ready and self.in_scene)
        _put(panel.saving.folder, visible=ready)
        _put(panel.saving.older, visible=self.session.outdated)

    def _show_live(self) -> None:
        """What the work that is going on has brought: outlines in the photo, then meshes."""
        live = self.session.live
        if live is None:
            return
        if live.fixed is None and not live.meshes:
            self._draw_photo()
            return
        self._show_scene()
        if not live.poses and not self.in_scene:  # the first meshes; later the person may choose
            self.turn_to(True)

    def _hold(self) -> None:
        self.scene.hold(None if self.session.busy else self.selected)

    def _show_job(self) -> None:
        working, job = self.panel.working, self.session.job
        running = job is not None and job.running
        _put(working.folder, visible=running)
        self._show_folders()
        marking, panel = self.panel.marking, self.panel
        changing = (marking.find, marking.name, marking.merge, marking.delete, marking.make)
        for control in (panel.photo, *changing, panel.undo, panel.redo):
            _put(control, disabled=running)
        if job is None:
            return
        if running:
            count = f" ({job.done} of {job.of_how_many})" if job.of_how_many > 1 else ""
            _put(
                working.words,
                content=f"**{job.what}**: {STEPS.get(job.step, job.step)}{count}",
            )
            _put(working.bar, value=100.0 if job.share is None else 100.0 * job.share)
        elif job.error and job is not self._said:
            self._said = job
            self.say(job.what, job.error, wrong=not job.stopping.is_set())


def _put(control: object, **values: object) -> None:
    """Sets what differs."""
    for key, value in values.items():
        if getattr(control, key) != value:
            setattr(control, key, value)
