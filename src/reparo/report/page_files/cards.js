// Each object's mesh on its card, drawn by one renderer that all cards share.

const SIDE = 320; // px of a drawing
const TILT = 1.3; // radians from straight above
const ASKEW = 0.5; // radians from the photo's side

class Cards {
  constructor(view) {
    this.view = view;
    this.renderer = new THREE.WebGLRenderer({ antialias: true, alpha: true });
    this.renderer.setSize(SIDE, SIDE, false);
    this.camera = new THREE.PerspectiveCamera(30, 1, 0.01, 100);
    this.lamp = new THREE.DirectionalLight(0xffffff, 1.2);
    this.scene = new THREE.Scene();
    this.scene.add(new THREE.HemisphereLight(0xffffff, 0x9a9690, 2.4), this.lamp);
    for (const canvas of document.querySelectorAll("canvas.mesh")) this.card(canvas);
  }

  card(canvas) {
    const object = this.view.objects[Number(canvas.dataset.index)];
    if (!object.meshes.length) return;
    canvas.width = canvas.height = SIDE;
    const away = this.view.photo.eye.clone().sub(this.view.sphere.center);
    const box = boxAround(object);
    const sphere = box.getBoundingSphere(new THREE.Sphere());
    const state = { yaw: Math.atan2(away.x, away.z) + ASKEW, tilt: TILT, sphere };
    const turn = (sideways, down) => {
      state.yaw += sideways;
      state.tilt = Math.min(Math.max(state.tilt + down, 0.05), 3.09);
      this.draw(canvas, object, state);
    };
    canvas.addEventListener("keydown", (event) => {
      const way = { ArrowLeft: [-TURN, 0], ArrowRight: [TURN, 0], ArrowUp: [0, -TURN], ArrowDown: [0, TURN] }[event.key];
      if (!way) return;
      event.preventDefault();
      turn(...way);
    });
    canvas.addEventListener("pointerdown", (event) => canvas.setPointerCapture(event.pointerId));
    canvas.addEventListener("pointermove", (event) => {
      if (canvas.hasPointerCapture(event.pointerId))
        turn(-event.movementX / 90, -event.movementY / 90);
    });
    const count = Math.round(trianglesOf(object)).toLocaleString("en");
    canvas.closest("figure").querySelector(".triangles").textContent = `· ${count} triangles`;
    const sides = box.getSize(new THREE.Vector3()).toArray().map((side) => Number(side.toPrecision(2)).toString());
    const size = canvas.closest("article").querySelector("tr.size");
    size.lastElementChild.textContent = sides.join(" × ") + (this.view.unit || " (unit not known)");
    size.hidden = false;
    turn(0, 0);
  }

  draw(canvas, { meshes, found }, { yaw, tilt, sphere }) {
    const copy = new THREE.Group();
    for (const mesh of meshes) {
      const part = new THREE.Mesh(mesh.geometry, mesh.userData.surfaces.lit);
      part.applyMatrix4(found);
      copy.add(part);
    }
    this.scene.add(copy);
    const distance = (0.88 * sphere.radius) / Math.sin(Math.PI / 12) || 1;
    this.camera.position.setFromSphericalCoords(distance, tilt, yaw).add(sphere.center);
    this.camera.near = distance / 100;
    this.camera.far = distance * 3;
    this.camera.updateProjectionMatrix();
    this.camera.lookAt(sphere.center);
    this.lamp.position.copy(this.camera.position);
    this.lamp.target.position.copy(sphere.center);
    this.lamp.target.updateMatrixWorld();
    this.renderer.render(this.scene, this.camera);
    this.scene.remove(copy);
    const flat = canvas.getContext("2d");
    flat.clearRect(0, 0, SIDE, SIDE);
    flat.drawImage(this.renderer.domElement, 0, 0, SIDE, SIDE);
  }
}
