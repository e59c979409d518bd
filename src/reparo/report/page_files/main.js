// Puts the page together; says in words what this browser cannot show.

class Objects {
  constructor(view) {
    this.view = view;
    this.chosen = -1;
    this.rows = [...document.querySelectorAll("#rows .object")];
    this.rows.forEach((row, index) => {
      row.querySelector("input").addEventListener("change", (event) =>
        this.show(index, event.target.checked));
      row.querySelector(".pick").addEventListener("click", () =>
        this.select(index === this.chosen ? -1 : index));
    });
    byId("all").addEventListener("click", () => this.rows.forEach((_, k) => this.show(k, true)));
    byId("only").addEventListener("click", () =>
      this.rows.forEach((_, k) => this.show(k, k === this.chosen)));
  }

  show(index, on) {
    this.rows[index].querySelector("input").checked = on;
    this.rows[index].classList.toggle("off", !on);
    this.view.show(index, on);
  }

  /** Marks one object in list, scene, photo and cards; -1 none. */
  select(chosen) {
    this.chosen = chosen;
    this.rows.forEach((row, index) => {
      const on = index === chosen;
      row.querySelector(".pick").setAttribute("aria-pressed", String(on));
      byId(`object-${index}`).classList.toggle("selected", on);
      byId("tints").children[index].hidden = !on;
    });
    byId("only").disabled = chosen < 0;
    const dot = chosen < 0 ? null : this.rows[chosen].querySelector(".dot");
    this.view.select(chosen, dot ? getComputedStyle(dot).backgroundColor : "white");
  }
}

/** The bytes of scene.glb. */
function sceneBytes() {
  const text = byId("glb").textContent;
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

function offer(bytes) {
  const link = byId("save");
  link.href = URL.createObjectURL(new Blob([bytes], { type: "model/gltf-binary" }));
  link.hidden = false;
}

/** Without 3D the photo stays, whole, and the switches have nothing to switch. */
function without(reason) {
  byId("missing").textContent = `${reason} Photo, masks, cut-outs and numbers are all here.`;
  byId("controls").hidden = true;
  for (const id of ["divider", "side-scene", "side-photo"]) byId(id).hidden = true;
  for (const one of document.querySelectorAll(".objects input, .objects button")) one.disabled = true;
  const { style } = byId("stage");
  style.aspectRatio = String(JSON.parse(byId("data").textContent).camera.aspect);
  for (const frame of document.querySelectorAll(".frame"))
    Object.assign(frame.style, { inset: "0" });
}

async function start() {
  const data = JSON.parse(byId("data").textContent);
  const bytes = sceneBytes();
  if (!bytes.length) return without("The scene is too large for a page; scene.glb lies beside it.");
  offer(bytes);
  if (!document.createElement("canvas").getContext("webgl2"))
    return without("This browser shows no 3D (WebGL 2).");
  const view = new View(byId("canvas"), await readScene(bytes), data);
  const objects = new Objects(view);
  const stage = new Stage(view, (index) => objects.select(index));
  new Replay(view, stage);
  new Cards(view);
  byId("missing").hidden = true;
}

start().then(() => "ready", (error) => {
  console.error(error);
  without("The scene could not be unpacked.");
  return "failed";
}).then((state) => (document.documentElement.dataset.state = state));
