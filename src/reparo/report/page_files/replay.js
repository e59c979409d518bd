// How the places were found, round by round, over the faint photo.

const BEAT = 260; // ms a round
const WORDS = { match: "Matching", polish: "Polishing", turn: "Turning", settle: "Settling", paper: "Step" };

/** What a round is called. */
function roundName({ step, index }, number) {
  if (number === 0) return "Start";
  return step === "settle" ? WORDS.settle : `${WORDS[step] ?? step} ${index}`;
}

class Replay {
  constructor(view, stage) {
    this.view = view;
    this.stage = stage;
    this.rounds = view.data.rounds;
    if (!this.rounds.length) return;
    this.slider = byId("round");
    this.slider.max = String(this.rounds.length);
    this.slider.value = this.slider.max;
    byId("replay").hidden = false;
    byId("play").addEventListener("click", () => (this.timer ? this.stop() : this.play()));
    this.slider.addEventListener("input", () => {
      this.stop();
      this.prepare();
      this.show(Number(this.slider.value));
    });
    this.name(this.rounds.length);
  }

  /** From the photo's view, all scene, the photo faint behind. */
  prepare() {
    this.view.go("photo", true);
    this.stage.compare(100);
    this.stage.faint(true);
  }

  play() {
    this.prepare();
    let number = Number(this.slider.value);
    if (number >= this.rounds.length) number = 0;
    this.show(number);
    this.label("❚❚", "Pause");
    this.timer = setInterval(() => {
      number += 1;
      this.show(number);
      if (number >= this.rounds.length) this.stop();
    }, BEAT);
  }

  stop() {
    clearInterval(this.timer);
    this.timer = null;
    this.label("▶", "Replay how the places were found");
  }

  /** Round `number`; the one after the last is what was returned. */
  show(number) {
    this.slider.value = String(number);
    this.view.place(number < this.rounds.length ? this.rounds[number].poses : null);
    this.name(number);
  }

  name(number) {
    const words = number < this.rounds.length ? roundName(this.rounds[number], number) : "Found";
    byId("round-name").textContent = `${words} · ${number} of ${this.rounds.length}`;
    this.slider.setAttribute("aria-valuetext", words);
  }

  label(sign, words) {
    const button = byId("play");
    button.firstElementChild.textContent = sign;
    button.setAttribute("aria-label", words);
  }
}
