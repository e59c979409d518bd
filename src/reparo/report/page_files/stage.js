// The stage: photo and scene one over the other, the slider between them, views and surfaces.

const KEYS = {
  ArrowLeft: (view) => view.turn(-TURN, 0), ArrowRight: (view) => view.turn(TURN, 0),
  ArrowUp: (view) => view.turn(0, -TURN), ArrowDown: (view) => view.turn(0, TURN),
  "+": (view) => view.turn(0, 0, ZOOM), "=": (view) => view.turn(0, 0, ZOOM),
  "-": (view) => view.turn(0, 0, 1 / ZOOM),
  0: (view) => view.go("photo"), Home: (view) => view.go("photo"),
};
const CLICK = 5; // px that a click may move
const TIGHT = 20; // percent of the frame that a side's name needs

const byId = (id) => document.getElementById(id);

/** Marks the one of a group of buttons that is on. */
function press(buttons, wanted) {
  for (const button of buttons) button.setAttribute("aria-pressed", String(button === wanted));
}

class Stage {
  constructor(view, picked) {
    this.view = view;
    this.box = byId("stage");
    this.wipe = byId("wipe");
    byId("behind").src = byId("photo").src;
    this.frames = [...document.querySelectorAll(".frame")];
    this.fitting();
    this.comparing();
    this.looking();
    this.turning(picked);
    this.compare(Number(this.wipe.value));
  }

  /** As wide as the page, as high as the photo wants and the window has. */
  fitting() {
    const fit = () => {
      const { clientWidth: width, clientHeight: height } = this.box;
      this.view.resize(width, height);
      for (const frame of this.frames)
        for (const [side, value] of Object.entries(this.view.frame)) frame.style[side] = `${value}px`;
    };
    this.box.style.aspectRatio = String(Math.max(this.view.data.camera.aspect, 0.75));
    new ResizeObserver(fit).observe(this.box);
    fit();
  }

  comparing() {
    this.wipe.addEventListener("input", () => {
      this.view.go("photo", true);
      this.compare(Number(this.wipe.value));
    });
    const divider = byId("divider");
    divider.addEventListener("pointerdown", (event) => {
      divider.setPointerCapture(event.pointerId);
      event.preventDefault();
    });
    divider.addEventListener("pointermove", (event) => {
      if (!divider.hasPointerCapture(event.pointerId)) return;
      const { left, width } = byId("over").getBoundingClientRect();
      this.compare(Math.round((100 * (event.clientX - left)) / width));
    });
  }

  /** Shows so much of the scene, 0 to 100, from the left; the rest is photo. */
  compare(share) {
    const scene = Math.min(Math.max(share, 0), 100);
    this.wipe.value = String(scene);
    this.wipe.setAttribute("aria-valuetext", `${scene} percent scene`);
    byId("front").style.clipPath = `inset(0 0 0 ${scene}%)`;
    byId("divider").style.left = `${scene}%`;
    byId("side-scene").hidden = scene < TIGHT;
    byId("side-photo").hidden = scene > 100 - TIGHT;
  }

  /** Whether the photo shows faintly behind the scene. */
  faint(on) {
    byId("faint").checked = on;
    this.box.classList.toggle("faint", on);
  }

  looking() {
    const views = [...document.querySelectorAll("[data-view]")];
    for (const button of views)
      button.addEventListener("click", () => {
        this.named = button;
        this.view.go(button.dataset.view);
        press(views, button);
      });
    this.view.moved = (at_photo, resting) => {
      this.box.classList.toggle("away", !at_photo);
      if (at_photo && resting) this.named = views[0];
      press(views, this.named);
    };
    const surfaces = [...document.querySelectorAll("[data-surface]")];
    for (const button of surfaces)
      button.addEventListener("click", () => {
        this.view.surface(button.dataset.surface);
        press(surfaces, button);
      });
    byId("faint").addEventListener("change", (event) => {
      if (event.target.checked) this.view.go("photo", true);
      this.faint(event.target.checked);
    });
  }

  turning(picked) {
    const { canvas, controls } = this.view;
    canvas.addEventListener("keydown", (event) => {
      const act = KEYS[event.key];
      if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      this.named = null;
      act(this.view);
    });
    controls.addEventListener("start", () => (this.named = null));
    // a wheel zooms once the scene has been clicked; until then the page scrolls
    canvas.addEventListener("wheel", () => {
      controls.enableZoom = document.activeElement === canvas;
    }, { capture: true });
    let down = null;
    canvas.addEventListener("pointerdown", (event) => {
      controls.enableZoom = true;
      down = [event.clientX, event.clientY];
    }, { capture: true });
    canvas.addEventListener("click", (event) => {
      canvas.focus({ preventScroll: true });
      if (!down || Math.hypot(event.clientX - down[0], event.clientY - down[1]) > CLICK) return;
      picked(this.view.at(event.offsetX, event.offsetY));
    });
  }
}
