"""The page's controls, from top to bottom in the order in which they are needed."""

from dataclasses import dataclass

import viser
from viser._gui_handles import GuiProgressBarHandle  # viser does not export this one

NEW, MORE, LESS = "makes a new object", "adds to the selected one", "takes from the selected one"
NOBODY = "choose ..."
SIZES = {"- 10%": 0.9, "- 2%": 0.98, "+ 2%": 1.02, "+ 10%": 1.1}
GAP = "<div style='height: 6px'></div>"  # a folder's name stands above its frame
MARKING = (
    "**Click** an object in the photo, or **drag a box** around it. "
    "A click on an object that is there selects it."
)
ARRANGING = (
    "**Click** an object and drag its arrows and rings. "
    "Then let Reparo search on from where you put it."
)
OLDER = "The objects have changed since this scene was made."


@dataclass(frozen=True)
class Working:
    """How far long work is."""

    folder: viser.GuiFolderHandle
    words: viser.GuiMarkdownHandle
    bar: GuiProgressBarHandle
    stop: viser.GuiButtonHandle


@dataclass(frozen=True)
class Marking:
    """The photo's objects."""

    folder: viser.GuiFolderHandle
    find: viser.GuiButtonHandle
    click: viser.GuiDropdownHandle
    selected: viser.GuiDropdownHandle
    name: viser.GuiTextHandle
    merge: viser.GuiDropdownHandle
    delete: viser.GuiButtonHandle
    make: viser.GuiButtonHandle


@dataclass(frozen=True)
class Arranging:
    """The scene's objects."""

    folder: viser.GuiFolderHandle
    selected: viser.GuiDropdownHandle
    size: viser.GuiButtonGroupHandle
    turning: viser.GuiCheckboxHandle
    refine: viser.GuiButtonHandle
    behind: viser.GuiCheckboxHandle
    view: viser.GuiButtonHandle


@dataclass(frozen=True)
class Saving:
    """What goes out."""

    folder: viser.GuiFolderHandle
    older: viser.GuiMarkdownHandle
    glb: viser.GuiButtonHandle
    everything: viser.GuiButtonHandle


@dataclass(frozen=True)
class Panel:
    """All controls of one page."""

    photo: viser.GuiUploadButtonHandle
    earlier: viser.GuiMarkdownHandle
    switch: viser.GuiButtonHandle  # between photo and scene
    gap: viser.GuiHtmlHandle
    working: Working
    marking: Marking
    arranging: Arranging
    saving: Saving
    undo: viser.GuiButtonHandle
    redo: viser.GuiButtonHandle

    @classmethod
    def built(cls, gui: viser.GuiApi) -> "Panel":
        """A new page's; what does nothing yet is hidden."""
        gui.configure_theme(
            control_width="large",
            show_logo=False,
            show_share_button=False,
            brand_color=(28, 98, 170),
        )
        gui.main_panel.dock_right()
        photo = gui.add_upload_button("Open a photo", icon=viser.Icon.PHOTO_UP, mime_type="image/*")
        return cls(
            photo,
            gui.add_markdown("", visible=False),
            gui.add_button("Show the scene", icon=viser.Icon.CUBE, color="gray", visible=False),
            gui.add_html(GAP),
            _working(gui),
            _marking(gui),
            _arranging(gui),
            _saving(gui),
            gui.add_button("Undo", icon=viser.Icon.ARROW_BACK_UP, color="gray", visible=False),
            gui.add_button("Redo", icon=viser.Icon.ARROW_FORWARD_UP, color="gray", visible=False),
        )


def _working(gui: viser.GuiApi) -> Working:
    folder = gui.add_folder("Working", visible=False)
    with folder:
        return Working(
            folder,
            gui.add_markdown(""),
            gui.add_progress_bar(0.0, animated=True),
            gui.add_button("Stop", icon=viser.Icon.PLAYER_STOP, color="red"),
        )


def _marking(gui: viser.GuiApi) -> Marking:
    folder = gui.add_folder("1  Objects in the photo", visible=False)
    with folder:
        gui.add_markdown(MARKING)
        find = gui.add_button("Find all objects", icon=viser.Icon.WAND, color="gray")
        click = gui.add_dropdown("A click", (NEW, MORE, LESS))
        selected = gui.add_dropdown("Selected", (NOBODY,), visible=False)
        name = gui.add_text("Name", "", visible=False)
        merge = gui.add_dropdown("Merge with", (NOBODY,), visible=False)
        delete = gui.add_button("Delete", icon=viser.Icon.TRASH, color="gray", visible=False)
        make = gui.add_button("Make the scene", icon=viser.Icon.CUBE)
    return Marking(folder, find, click, selected, name, merge, delete, make)


def _arranging(gui: viser.GuiApi) -> Arranging:
    folder = gui.add_folder("2  Arrange the scene", visible=False)
    with folder:
        gui.add_markdown(ARRANGING)
        return Arranging(
            folder,
            gui.add_dropdown("Selected", (NOBODY,)),
            gui.add_button_group("Size", tuple(SIZES)),
            gui.add_checkbox("May turn", False, hint="The search may turn objects, too"),
            gui.add_button("Refine from here", icon=viser.Icon.TARGET_ARROW),
            gui.add_checkbox("Photo behind", True),
            gui.add_button("Look from the photo's camera", icon=viser.Icon.CAMERA, color="gray"),
        )


def _saving(gui: viser.GuiApi) -> Saving:
    folder = gui.add_folder("3  Save", visible=False)
    with folder:
        return Saving(
            folder,
            gui.add_markdown(OLDER, visible=False),
            gui.add_button("The scene (scene.glb)", icon=viser.Icon.DOWNLOAD),
            gui.add_button("Everything (zip)", icon=viser.Icon.FILE_ZIP, color="gray"),
        )
