"""One session: a photo, what a person makes of it, and the work that is going on; all on disk.

It knows no page. Whoever shows it is told of each change by one word and asks for the rest.
"""

import logging
import re
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from jaxtyping import Bool
from PIL import Image
from torch import Tensor

from reparo.api.many import Options
from reparo.app import jobs, shown, work
from reparo.app.history import History
from reparo.app.live import Live
from reparo.app.masks import Masks
from reparo.app.prompts import Eyes, packaged
from reparo.app.state import Click, Pose, State, Thing, safe_name
from reparo.contracts import Progress, quiet
from reparo.errors import InputError
from reparo.files.images import open_image
from reparo.scene import Region
from reparo.stages.segment.predictor import Predictor
from reparo.stages.segment.prompts import Box

log = logging.getLogger(__name__)

SUFFIX = re.compile(r"\.[a-z0-9]{1,5}")

Change = Literal["photo", "objects", "job", "live", "scene"]
Listener = Callable[[Change], None]
Mask = Bool[Tensor, "h w"]


@dataclass
class Session:
    """A folder: photo/, masks/, run/, results/, session.json."""

    folder: Path
    options: Options = field(default_factory=dict)
    load: Callable[[], Predictor] = packaged  # the network that answers clicks
    job: jobs.Job | None = None  # the last one; it may have ended
    live: Live | None = None  # what the work that is going on has brought so far

    def __post_init__(self) -> None:
        self.lock = threading.RLock()  # of the history: one command at a time
        self._listeners: list[Listener] = []
        self.history = History.read(self.folder / "session.json")
        self._open()

    # ---- what there is

    @property
    def state(self) -> State:
        """What the person has made so far."""
        return self.history.now

    @property
    def title(self) -> str:
        """The photo's name."""
        return self.photo.stem if self.photo else "no photo yet"

    @property
    def busy(self) -> bool:
        """Whether long work is going on."""
        return self.job is not None and self.job.running

    @property
    def result(self) -> Path | None:
        """The folder of the result that is shown."""
        return self.folder / "results" / self.state.scene if self.state.scene else None

    @property
    def outdated(self) -> bool:
        """Whether objects have changed since the scene was made that is shown."""
        states, now = self.history.states, self.state
        made = next((one for one in states if one.scene == now.scene), now)
        return now.scene is not None and made.outlines != now.outlines

    def regions(self) -> list[Region]:
        """What each object shows of itself, largest first."""
        return self.masks.regions(self.state.things)

    def at(self, x: float, y: float) -> str | None:
        """The object in front at a pixel of the photo."""
        return self.masks.at(x, y, self.state.things)

    def scene(self) -> shown.Shown | None:
        """What the scene view shows: of the work that is going on, else of the result."""
        if self.live is not None and (going_on := self.live.shown()) is not None:
            return going_on
        return shown.of_result(self.result, self.state.moved) if self.result else None

    def watch(self, listener: Listener) -> Callable[[], None]:
        """Tells it of each change, until the function that is returned is called."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    # ---- the photo and its objects

    def open_photo(self, name: str, content: bytes) -> None:
        """Begins with this picture; what was made of an earlier one stays in a folder beside."""
        self.check_idle()
        suffix = Path(name).suffix.lower()
        suffix = suffix if SUFFIX.fullmatch(suffix) else ".png"  # the content says what it is
        new = self.folder.with_name(f".{self.folder.name}-new")
        shutil.rmtree(new, ignore_errors=True)
        try:
            new.mkdir(parents=True)
            file = new / f"{_stem(name)}{suffix}"
            file.write_bytes(content)
            _check_picture(file, name)  # before anything is given up
            with self.lock:
                self.check_idle()
                if self.photo is not None:
                    self.folder.rename(_free(self.folder))
                (self.folder / "photo").mkdir(parents=True, exist_ok=True)
                file.replace(self.folder / "photo" / file.name)
                self.history.begin()
                self._open()
        except OSError as error:
            raise InputError(
                f"{self.folder} cannot be written: {error.strerror}; free some space, or start the "
                "app with another --workspace"
            ) from error
        finally:
            shutil.rmtree(new, ignore_errors=True)
        self.tell("photo")

    def ready(self, progress: Progress = quiet) -> None:
        """Lets the network look at the photo; later clicks are then answered at once."""
        self._eyes().look(progress)

    def click(self, x: float, y: float, on: str | None = None, inside: bool = True) -> str:
        """An object where somebody clicked, or more or less of the object `on`; its name."""
        self.check_idle()
        clicks: tuple[Click, ...] = ((x, y, inside),)
        if on is None:
            return self._mark(self._eyes().at_clicks(clicks), clicks)
        thing = self.state.thing(on)
        if thing.clicks:  # made by clicks alone: the network weighs all of them together
            clicks = (*thing.clicks, *clicks)
            mask = self._eyes().at_clicks(clicks)
        else:
            part = self._eyes().at_clicks(((x, y, True),))
            mask, clicks = self.masks.read(thing), ()
            mask = mask | part if inside else mask & ~part
        self._outline(on, mask, clicks)
        return on

    def box(self, box: Box) -> str:
        """An object that fills a box [x0, y0, x1, y1], in px of the photo; its name."""
        self.check_idle()
        return self._mark(self._eyes().in_box(box), ())

    def rename(self, old: str, new: str) -> str:
        """Another name for an object; the name as it is safe in files."""
        self._do(lambda state: state.renamed(old, new))
        return safe_name(new)

    def merge(self, name: str, other: str) -> None:
        """Makes one object of two."""
        one, two = (self.masks.read(self.state.thing(which)) for which in (name, other))
        mask = self.masks.keep(one | two)
        self._do(lambda state: state.merged(name, other, mask))

    def delete(self, name: str) -> None:
        """Takes an object away."""
        self._do(lambda state: state.deleted(name))

    # ---- the scene

    def move(self, name: str, pose: Pose) -> None:
        """Puts an object of the scene where somebody dragged it."""
        if self.result is None:
            raise InputError("there is no scene yet in which to move anything; make it first")
        if (there := self.scene()) is None or name not in there.poses:
            raise InputError(f"{name!r} is no longer in the scene; choose another object")
        self._do(lambda state: state.placed(name, tuple(map(float, pose))), "scene")

    def undo(self) -> None:
        """Takes the last command back."""
        self._step(self.history.undo)

    def redo(self) -> None:
        """Does again what was taken back."""
        self._step(self.history.redo)

    def stop(self) -> None:
        """Ends the work that is going on, soon; what it finished is kept for the next time."""
        if self.job is not None:
            self.job.stop()

    def finished(self) -> Path:
        """The folder of the result as it is shown; what was moved by hand is written first."""
        if self.result is None:
            raise InputError("there is no scene yet to save; make it first")
        with self.lock:  # two pages may ask at once
            if not self.state.moved:
                return self.result
            placed = self.folder / "placed"
            work.hand_placed(self.result, self.state.moved, placed)
            return placed

    def check_idle(self) -> None:
        """Refuses commands while long work is going on that they would pull the ground from."""
        if self.job is not None and self.job.running:
            raise InputError(f"{self.job.what!r} is going on; wait for it or stop it first")

    def tell(self, change: Change) -> None:
        """Lets all who watch know."""
        for listener in list(self._listeners):
            try:
                listener(change)
            except Exception:  # a page that has just gone is no reason to stop
                log.debug("a listener failed", exc_info=True)

    # ---- inside

    def _open(self) -> None:
        files = sorted((self.folder / "photo").glob("*")) if self.folder.is_dir() else []
        self.photo = files[0] if files else None
        self.eyes, self.job, self.live = None, None, None
        size = (0, 0)
        if self.photo is not None:
            image: Image.Image = open_image(self.photo)
            size = (image.height, image.width)
            self.eyes = Eyes(self.photo, self.load)
        self.masks = Masks(self.folder / "masks", size)

    def _eyes(self) -> Eyes:
        if self.eyes is None:
            raise InputError("there is no photo yet; open one first")
        return self.eyes

    def _mark(self, mask: Mask, clicks: tuple[Click, ...]) -> str:
        with self.lock:
            if (twin := self.masks.twin(mask, self.state.things)) is not None:
                return twin
            name = self.state.free_name()
            thing = Thing(name, self.masks.keep(mask), clicks)
            self.masks.check((*self.state.things, thing))
            self._do(lambda state: state.added(thing))
        return name

    def _outline(self, name: str, mask: Mask, clicks: tuple[Click, ...]) -> None:
        if not mask.any():
            raise InputError(f"nothing of {name} would be left; delete it instead")
        with self.lock:
            kept = self.masks.keep(mask)
            self.masks.check(self.state.changed(name, kept).things)
            self._do(lambda state: state.changed(name, kept, clicks))

    def _do(self, command: Callable[[State], State], change: Change = "objects") -> None:
        with self.lock:
            self.check_idle()
            self.history.go(command(self.state))
        self.tell(change)

    def _step(self, step: Callable[[], bool]) -> None:
        with self.lock:
            self.check_idle()
            moved = step()
        if moved:
            self.tell("objects")
            self.tell("scene")


def _stem(name: str) -> str:
    """A photo's name as ours may be; where no letter of it may stay, a plain one."""
    try:
        return safe_name(Path(name).stem)
    except InputError:
        return "photo"


def _check_picture(file: Path, name: str) -> None:
    """Refuses what is no picture, by the name under which it came."""
    try:
        open_image(file)
    except InputError as error:
        raise InputError(str(error).replace(str(file), name or "it")) from error


def _free(folder: Path) -> Path:
    """A name beside the folder that is not taken."""
    number = 1
    while folder.with_name(f"{folder.name}-{number}").exists():
        number += 1
    return folder.with_name(f"{folder.name}-{number}")
