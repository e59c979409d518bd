// The scene in 3D: what is shown, from where, with which surface. Nothing here knows the page.

const TURN = Math.PI / 18; // a key's turn
const ZOOM = 1.12; // a key's zoom
const FLIGHT = 450; // ms from one view to another
const OUTLINE = 3; // CSS px around what is selected

/** A matrix of [translation, quaternion (real part first), scale]. */
function matrixOf(pose) {
  const [x, y, z, w, i, j, k, scale] = pose;
  const turn = new THREE.Quaternion(i, j, k, w).normalize();
  return new THREE.Matrix4().compose(
    new THREE.Vector3(x, y, z), turn, new THREE.Vector3(scale, scale, scale));
}

/** Reads the scene file that the page carries; resolves to what three.js made of it. */
async function readScene(bytes) {
  return new Promise((done, failed) =>
    new THREE.GLTFLoader().parse(bytes.buffer, "", done, failed));
}

/** The surfaces that one material of the file can be shown with. */
function surfacesOf(material) {
  const look = {
    map: material.map, color: material.color, vertexColors: material.vertexColors,
    alphaTest: material.alphaTest, side: THREE.DoubleSide,
  };
  return {
    colours: new THREE.MeshBasicMaterial(look), // the photo's own light is in the texture
    lit: new THREE.MeshLambertMaterial(look),
    clay: new THREE.MeshLambertMaterial({ color: 0xc9c4bb, side: THREE.DoubleSide }),
    wires: new THREE.MeshBasicMaterial({ color: 0x8a8f98, wireframe: true }),
  };
}

/** A hull that is as many pixels wider than its mesh: what is selected gets an outline. */
function outlineMaterial(pixel) {
  const material = new THREE.MeshBasicMaterial({ side: THREE.BackSide });
  material.onBeforeCompile = (shader) => {
    shader.uniforms.pixel = pixel;
    shader.vertexShader = "uniform vec2 pixel;\n" + shader.vertexShader.replace(
      "#include <project_vertex>",
      `#include <project_vertex>
      vec4 along = projectionMatrix * vec4(normalize(normalMatrix * normal), 0.0);
      gl_Position.xy += normalize(along.xy + 1e-6) * pixel * gl_Position.w;`);
  };
  return material;
}

/** All lights; the lamp that casts shadows stands above what is shown. */
function lights(sphere) {
  const lamp = new THREE.DirectionalLight(0xffffff, 1.6);
  const reach = sphere.radius * 1.6;
  lamp.position.copy(sphere.center).add(new THREE.Vector3(0.25, 1, 0.35).multiplyScalar(3 * reach));
  lamp.target.position.copy(sphere.center);
  lamp.castShadow = true;
  lamp.shadow.mapSize.set(1024, 1024);
  lamp.shadow.radius = 6;
  lamp.shadow.bias = -0.002;
  Object.assign(lamp.shadow.camera,
    { left: -reach, right: reach, top: reach, bottom: -reach, near: 0.1 * reach, far: 7 * reach });
  const group = new THREE.Group();
  group.add(lamp, lamp.target, new THREE.HemisphereLight(0xffffff, 0x8d8a85, 2.0));
  return group;
}

/** The objects of a scene by the names of the page: their nodes, meshes and where they stand. */
function objectsOf(root, names) {
  const nodes = new Map();
  root.traverse((node) => nodes.set(node.userData.name ?? node.name, node));
  root.updateMatrixWorld(true);
  for (const node of root.children) node.visible = false; // a backdrop or a camera is not shown
  return names.map((name, index) => {
    const node = nodes.get(name) ?? new THREE.Group();
    node.visible = true;
    node.matrixAutoUpdate = false;
    const meshes = [];
    node.traverse((part) => {
      if (!part.isMesh) return;
      part.castShadow = true;
      part.userData.index = index;
      part.userData.surfaces = surfacesOf(part.material);
      meshes.push(part);
    });
    return { index, node, meshes, found: node.matrix.clone() };
  });
}

/** The box around objects as they stand: exact, since boxes of turned boxes are too large. */
function boxAround(...objects) {
  const box = new THREE.Box3();
  for (const { node } of objects) box.expandByObject(node, true);
  return box;
}

/** Corners of faces, over three. */
function trianglesOf(object) {
  return object.meshes.reduce((sum, { geometry }) =>
    sum + (geometry.index ?? geometry.attributes.position).count / 3, 0);
}

class View {
  constructor(canvas, { scene: root, asset }, data) {
    this.canvas = canvas;
    this.unit = asset.extras?.unit === "metre" ? " m" : "";
    this.data = data;
    this.renderer = new THREE.WebGLRenderer({ canvas, antialias: true, alpha: true });
    this.renderer.shadowMap.enabled = true;
    this.renderer.shadowMap.type = THREE.PCFShadowMap;
    this.objects = objectsOf(root, data.names);
    this.scene = new THREE.Scene();
    this.scene.add(root);
    const box = boxAround(...this.objects);
    this.sphere = box.getBoundingSphere(new THREE.Sphere());
    this.scene.add(lights(this.sphere), this.floor(box.min.y));
    this.pixel = { value: new THREE.Vector2(0.01, 0.01) };
    this.addOutlines();
    this.frame = { left: 0, top: 0, width: 1, height: 1 };
    this.moved = () => {};
    this.setCamera();
    this.surface("colours");
    this.renderer.domElement.addEventListener("webglcontextrestored", () => this.draw());
  }

  floor(height) {
    const side = 40 * this.sphere.radius;
    const plane = new THREE.PlaneGeometry(side, side).rotateX(-Math.PI / 2);
    const floor = new THREE.Mesh(plane, new THREE.ShadowMaterial({ opacity: 0.3 }));
    floor.position.set(this.sphere.center.x, height, this.sphere.center.z);
    floor.receiveShadow = true;
    this.ground = floor;
    return floor;
  }

  addOutlines() {
    for (const object of this.objects) {
      object.outlines = object.meshes.filter(({ geometry }) => geometry.attributes.normal).map((mesh) => {
        const hull = new THREE.Mesh(mesh.geometry, outlineMaterial(this.pixel));
        hull.visible = false;
        hull.raycast = () => {};
        mesh.add(hull);
        return hull;
      });
    }
  }

  /** The photo's own camera; turning goes about a point in front of it, where the scene is. */
  setCamera() {
    const pose = matrixOf(this.data.camera.pose);
    const [, up, back] = [0, 1, 2].map((axis) =>
      new THREE.Vector3().setFromMatrixColumn(pose, axis));
    this.camera = new THREE.PerspectiveCamera();
    const level = Math.abs(pose.elements[1]) < 1e-3 && up.y > 0.05;
    this.camera.up.copy(level ? new THREE.Vector3(0, 1, 0) : up);
    const eye = new THREE.Vector3().setFromMatrixPosition(pose);
    const ahead = back.clone().negate();
    const depth = this.sphere.center.clone().sub(eye).dot(ahead);
    const target = eye.clone().addScaledVector(ahead, Math.max(depth, 0.1 * this.sphere.radius));
    this.photo = { eye, target };
    this.camera.position.copy(eye);
    this.controls = new THREE.OrbitControls(this.camera, this.canvas);
    this.controls.target.copy(target);
    this.controls.minDistance = 0.05 * this.sphere.radius;
    this.controls.maxDistance = 30 * this.sphere.radius;
    this.controls.update();
    this.canvas.style.touchAction = "pan-y"; // a page must scroll under a thumb
    this.controls.addEventListener("change", () => this.draw());
    this.controls.addEventListener("start", () => (this.flight = null));
  }

  /** Fits the canvas to its box; the photo's frame is as large as it can be in the middle. */
  resize(width, height) {
    this.renderer.setPixelRatio(Math.min(window.devicePixelRatio, 2));
    this.renderer.setSize(width, height, false);
    this.pixel.value.set(2 * OUTLINE / width, 2 * OUTLINE / height);
    const { aspect, fov_y_deg: fov } = this.data.camera;
    const high = Math.min(height, width / aspect);
    this.frame = { width: high * aspect, height: high };
    this.frame.left = (width - this.frame.width) / 2;
    this.frame.top = (height - high) / 2;
    const slope = Math.tan((fov * Math.PI) / 360) * (height / high);
    this.camera.fov = (Math.atan(slope) * 360) / Math.PI;
    this.camera.aspect = width / height;
    this.draw();
  }

  /** Draws once, soon; `moved` learns whether the camera rests at the photo's. */
  draw() {
    if (this.waiting) return;
    this.waiting = requestAnimationFrame(() => {
      this.waiting = null;
      const distance = this.camera.position.distanceTo(this.sphere.center);
      this.camera.near = Math.max((distance - 2 * this.sphere.radius) / 4, distance / 500);
      this.camera.far = distance + 25 * this.sphere.radius;
      this.camera.updateProjectionMatrix();
      this.ground.visible = this.camera.position.y > this.ground.position.y;
      this.renderer.render(this.scene, this.camera);
      this.moved(this.atPhoto(), !this.flight);
    });
  }

  atPhoto() {
    const near = 1e-3 * this.sphere.radius;
    return this.camera.position.distanceTo(this.photo.eye) < near
      && this.controls.target.distanceTo(this.photo.target) < near;
  }

  /** Goes to one of the named views. */
  go(name, at_once = false) {
    this.fly(name === "photo" ? this.photo : this.around(name), at_once);
  }

  around(name) {
    const away = this.photo.eye.clone().sub(this.sphere.center);
    const place = new THREE.Spherical().setFromVector3(away);
    const half = Math.min(this.camera.fov, 2 * Math.atan(
      Math.tan((this.camera.fov * Math.PI) / 360) * this.camera.aspect) * 180 / Math.PI);
    place.radius = (0.9 * this.sphere.radius) / Math.sin((half * Math.PI) / 360);
    place.phi = name === "above" ? 0.35 : Math.min(Math.max(place.phi, 0.9), 1.35);
    place.theta += { left: -1.05, right: 1.05, behind: Math.PI }[name] ?? 0;
    const eye = new THREE.Vector3().setFromSpherical(place).add(this.sphere.center);
    return { eye, target: this.sphere.center.clone() };
  }

  fly({ eye, target }, at_once) {
    const still = at_once || matchMedia("(prefers-reduced-motion: reduce)").matches;
    const [from, to] = [
      new THREE.Spherical().setFromVector3(this.camera.position.clone().sub(this.controls.target)),
      new THREE.Spherical().setFromVector3(eye.clone().sub(target))];
    to.theta -= 2 * Math.PI * Math.round((to.theta - from.theta) / (2 * Math.PI));
    const start = this.controls.target.clone();
    const begun = performance.now();
    const flight = (this.flight = {});
    const step = (now) => {
      if (this.flight !== flight) return;
      const share = still ? 1 : Math.min(Math.max((now - begun) / FLIGHT, 0), 1);
      const eased = share * share * (3 - 2 * share);
      const mix = (a, b) => a + (b - a) * eased;
      this.controls.target.lerpVectors(start, target, eased);
      this.camera.position.setFromSphericalCoords(
        mix(from.radius, to.radius), mix(from.phi, to.phi), mix(from.theta, to.theta));
      this.camera.position.add(this.controls.target);
      if (share === 1) {
        this.camera.position.copy(eye);
        this.flight = null;
      }
      this.controls.update();
      this.draw();
      if (share < 1) requestAnimationFrame(step);
    };
    step(begun);
  }

  /** Turns by angles (radians) and zooms by a factor. */
  turn(sideways, down, nearer = 1) {
    this.flight = null;
    const { target, minDistance, maxDistance } = this.controls;
    const place = new THREE.Spherical().setFromVector3(this.camera.position.clone().sub(target));
    place.theta += sideways;
    place.phi = Math.min(Math.max(place.phi + down, 0.02), Math.PI - 0.02);
    place.radius = Math.min(Math.max(place.radius / nearer, minDistance), maxDistance);
    this.camera.position.setFromSpherical(place).add(target);
    this.controls.update();
    this.draw();
  }

  surface(name) {
    for (const { meshes } of this.objects)
      for (const mesh of meshes) mesh.material = mesh.userData.surfaces[name];
    this.draw();
  }

  show(index, on) {
    this.objects[index].node.visible = on;
    this.draw();
  }

  select(chosen, colour) {
    for (const { index, outlines } of this.objects)
      for (const hull of outlines) {
        hull.visible = index === chosen;
        if (hull.visible) hull.material.color.set(colour);
      }
    this.draw();
  }

  /** Puts the objects where they stood: poses [n][8], or null for where they were found. */
  place(poses) {
    for (const { index, node, found } of this.objects) {
      node.matrix.copy(found);
      if (poses)
        node.matrix.premultiply(matrixOf(this.data.poses[index]).invert())
          .premultiply(matrixOf(poses[index]));
      node.matrixWorldNeedsUpdate = true;
    }
    this.draw();
  }

  /** Which object is at a point of the canvas (CSS px), -1 for none. */
  at(x, y) {
    const { clientWidth, clientHeight } = this.canvas;
    const point = new THREE.Vector2((x / clientWidth) * 2 - 1, 1 - (y / clientHeight) * 2);
    const ray = new THREE.Raycaster();
    ray.setFromCamera(point, this.camera);
    const shown = this.objects.filter(({ node }) => node.visible);
    const [hit] = ray.intersectObjects(shown.flatMap(({ meshes }) => meshes), false);
    return hit ? hit.object.userData.index : -1;
  }
}
