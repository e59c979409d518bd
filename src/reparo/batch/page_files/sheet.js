const shots = document.getElementById("shots");
const cards = [...shots.children];
const filters = [...document.querySelectorAll("#filters button")];
const find = document.getElementById("find");
const sort = document.getElementById("sort");
let kind = "all";

// Without scripts all photos are there, and tools that do nothing are not.
document.getElementById("tools").hidden = false;

function visible() {
  return [...shots.children].filter((card) => !card.hidden);
}

function show() {
  const words = find.value.trim().toLowerCase();
  for (const card of cards) {
    const right = kind === "all" || card.dataset.kind === kind;
    card.hidden = !right || !card.textContent.toLowerCase().includes(words);
  }
  document.getElementById("none").hidden = visible().length > 0;
  reachable(visible()[0]);
}

function order() {
  const key = sort.value;
  const sorted = key ? [...cards].sort((a, b) => b.dataset[key] - a.dataset[key]) : cards;
  shots.append(...sorted);
  reachable(visible()[0]);
}

// One card is in the order of the tab key, the arrow keys go to the others.
function reachable(card) {
  for (const one of cards) one.tabIndex = one === card ? 0 : -1;
}

function columns(all) {
  const top = all[0].offsetTop;
  const wrapped = all.findIndex((card) => card.offsetTop > top);
  return wrapped < 0 ? all.length : wrapped;
}

function step(key, all) {
  return { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns(all), ArrowUp: -columns(all) }[key];
}

shots.addEventListener("keydown", (event) => {
  const all = visible();
  const at = all.indexOf(event.target);
  if (at < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
  let next = all[at + step(event.key, all)];
  if (event.key === "Home") next = all[0];
  if (event.key === "End") next = all[all.length - 1];
  if (event.key === "Enter") event.target.querySelector("a")?.click();
  if (!next) return;
  event.preventDefault();
  reachable(next);
  next.focus();
});

shots.addEventListener("focusin", (event) => reachable(event.target.closest(".shot")));
for (const button of filters) {
  button.addEventListener("click", () => {
    kind = button.dataset.kind;
    for (const one of filters) one.setAttribute("aria-pressed", String(one === button));
    show();
  });
}
find.addEventListener("input", show);
sort.addEventListener("change", order);
show();
