"use strict";
// Players of the report: one plays at a time, sources change at the same moment, ears may be blind. Needs no network.

const takes = [...document.querySelectorAll(".take")];
const $ = (id) => document.getElementById(id);
const figures = (take) => [...take.querySelectorAll("figure")].sort((a, b) => a.style.order - b.style.order);
const playable = (take) => figures(take).filter((one) => one.querySelector("audio"));
const played = new Set(); // keys of takes, for the signature
let active = null;

// --- a single file carries each clip once, as text
const stored = $("clips") ? JSON.parse($("clips").textContent) : {};
const urls = {};
function url(name) {
  if (!urls[name]) {
    const text = atob(stored[name]);
    const bytes = new Uint8Array(text.length);
    for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
    const type = { flac: "audio/flac", mp3: "audio/mpeg", ogg: "audio/ogg", wav: "audio/wav" }[name.split(".").pop()];
    urls[name] = URL.createObjectURL(new Blob([bytes], { type }));
  }
  return urls[name];
}
for (const audio of document.querySelectorAll("audio[data-clip]")) audio.src = url(audio.dataset.clip);

// --- listening
function activate(take) {
  if (active) active.classList.remove("active");
  active = take;
  take.classList.add("active");
}

function current(take) {
  return take.querySelector("figure.current") || playable(take).at(-1);
}

function select(take, figure) {
  for (const one of take.querySelectorAll("figure")) one.classList.toggle("current", one === figure);
}

function listen(take, figure, at) {
  const audio = figure?.querySelector("audio");
  if (!audio) return;
  const before = current(take)?.querySelector("audio");
  const moment = at ?? before?.currentTime ?? 0;
  before?.pause();
  audio.currentTime = Number.isFinite(audio.duration) ? Math.min(moment, Math.max(0, audio.duration - 0.05)) : moment;
  select(take, figure);
  audio.play();
}

document.addEventListener("play", (event) => {
  const figure = event.target.closest("figure");
  const take = event.target.closest(".take");
  for (const other of document.querySelectorAll("audio")) if (other !== event.target && !other.paused) other.pause();
  if (!take) return;
  if (take.dataset.key && figure.dataset.role === "take") played.add(take.dataset.key);
  activate(take);
  select(take, figure);
}, true);

for (const kind of ["play", "pause", "ended"]) document.addEventListener(kind, (event) => {
  const take = event.target.closest(".take");
  const button = take && document.querySelector(`[data-play="${CSS.escape(take.id)}"]`);
  if (!button) return;
  const playing = [...take.querySelectorAll("audio")].some((audio) => !audio.paused && !audio.ended);
  button.classList.toggle("playing", playing);
  button.textContent = playing ? "⏸" : "▶";
}, true);

document.addEventListener("timeupdate", (event) => {
  const { role } = event.target.closest("figure")?.dataset ?? {};
  const picture = role && event.target.closest(".take")?.querySelector(`.picture[data-role=${role}]`);
  if (!picture) return;
  const head = picture.querySelector(".playhead");
  head.style.display = "block";
  head.style.left = `${(100 * event.target.currentTime) / picture.dataset.duration}%`;
}, true);

document.addEventListener("click", (event) => {
  const take = event.target.closest(".take");
  const picture = event.target.closest(".picture");
  const jump = event.target.closest("[data-at]");
  const vote = event.target.closest("[data-vote]");
  const figure = (role) => figures(take).find((one) => one.dataset.role === role);
  const button = event.target.closest("[data-play]");
  if (button) toggle(document.getElementById(button.dataset.play));
  else if (event.target.closest("#more")) more();
  else if (picture) {
    const box = picture.getBoundingClientRect();
    listen(take, figure(picture.dataset.role), ((event.clientX - box.left) / box.width) * picture.dataset.duration);
  } else if (jump) listen(take, figure(jump.dataset.role), Math.max(0, jump.dataset.at - 0.3));
  else if (vote) count(take, vote.dataset.vote);
});

function toggle(take) {
  const playing = [...take.querySelectorAll("audio")].find((audio) => !audio.paused);
  if (playing) { playing.pause(); return; }
  activate(take);
  listen(take, playable(take).at(-1), 0);
}

// --- keyboard
const shown = () => takes.filter((take) => !take.parentElement.hidden);
function go(step, list = shown()) {
  const next = list[Math.min(list.length - 1, Math.max(0, (active ? list.indexOf(active) : -1) + step))];
  if (!next) return;
  activate(next);
  next.open = true;
  next.querySelector("summary").focus({ preventScroll: true });
  next.scrollIntoView({ block: "start" });
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select")) return;
  const take = active || shown()[0];
  const key = event.key.toLowerCase();
  if (key === "j") go(1);
  else if (key === "k") go(-1);
  else if (key === "n") go(1, takes.filter((take) => take.hasAttribute("data-blocks")));
  else if (key === "p") go(-1, takes.filter((take) => take.hasAttribute("data-blocks")));
  else if ("123".includes(key) && take) { activate(take); take.open = true; listen(take, figures(take)[key - 1]); }
  else if (key === " " && take && !event.target.closest("button, a, audio")) {
    const audio = current(take)?.querySelector("audio");
    if (!audio) return;
    take.open = true;
    if (audio.paused) listen(take, audio.closest("figure")); else audio.pause();
  } else return;
  event.preventDefault();
});

// --- fair comparison: the same loudness, and names hidden
function match() {
  for (const take of takes) {
    const audios = [...take.querySelectorAll("audio")];
    const quietest = Math.min(...audios.map((audio) => Number(audio.dataset.level)));
    for (const audio of audios) audio.volume = $("match").checked ? 10 ** ((quietest - audio.dataset.level) / 20) : 1;
  }
}

const tally = { take: 0, golden: 0, same: 0 };
function hide() {
  for (const take of takes) {
    const pair = ["golden", "take"].map((role) => take.querySelector(`figure[data-role=${role}]`));
    if (!pair.every((one) => one?.querySelector("audio"))) continue;
    const swap = crypto.getRandomValues(new Uint8Array(1))[0] % 2;
    pair.forEach((figure, number) => {
      const second = number !== swap;
      figure.dataset.letter = second ? "B" : "A";
      figure.style.order = $("blind").checked ? (second ? 2 : 1) : 0;
      figure.querySelector("audio").ariaLabel = $("blind").checked ? figure.dataset.letter : figure.dataset.role;
    });
    take.classList.toggle("blind", $("blind").checked);
  }
  if ($("blind").checked) { $("match").checked = true; match(); }
}

function count(take, letter) {
  const chosen = take.querySelector(`figure[data-letter=${letter}]`)?.dataset.role ?? "same";
  tally[chosen] += 1;
  take.classList.remove("blind");
  const names = { take: "the new take", golden: "the accepted release", same: "neither" };
  take.querySelector(".voted").textContent = `You preferred ${names[chosen]}.`;
  $("tally").textContent = `new take ${tally.take}, accepted ${tally.golden}, same ${tally.same}`;
}

// --- finding: what is drawn, and the rows that are read when somebody asks for them
const wanted = (kind, blocks, suite, voice, gates) =>
  kind === "all" || (kind === "blocking" && blocks) || kind === `suite ${suite}` || kind === `voice ${voice}` ||
  gates.split(" ").some((gate) => kind === `gate ${gate}`);

function filter() {
  const words = $("search").value.trim().toLowerCase();
  const kind = $("which").value;
  for (const take of takes) {
    const { suite, voice, gates } = take.dataset;
    const text = take.querySelector("summary").textContent.toLowerCase();
    const fits = wanted(kind, take.hasAttribute("data-blocks"), suite, voice, gates) && (!words || text.includes(words));
    take.parentElement.hidden = !fits;
  }
  number();
  if ($("rest")?.childElementCount) list(0);
}

function number() {
  $("number").textContent = `${shown().length} of ${takes.length} takes${$("more") ? " drawn below" : ""}`;
}

const PAGE_ROWS = 100;
let fitting = [];
function list(from) {
  const place = $("rest");
  const words = $("search").value.trim().toLowerCase();
  const kind = $("which").value;
  if (from === 0) {
    place.replaceChildren();
    fitting = window.furtherTakes.filter(([, outcome, label, suite, voice, , text, , gates]) =>
      wanted(kind, outcome === "FAIL" || outcome === "INCONCLUSIVE", suite, voice, gates) &&
      (!words || `${label} ${voice} ${text}`.toLowerCase().includes(words)));
  }
  for (const [anchor, outcome, label, suite, voice, language, text, about, , reference, sound] of fitting.slice(from, from + PAGE_ROWS)) {
    const row = document.createElement("div");
    row.className = "row light";
    row.id = anchor;
    const badge = Object.assign(document.createElement("span"), { className: `badge ${outcome}`, textContent: outcome });
    const name = Object.assign(document.createElement("b"), { textContent: ` ${label} ` });
    const facts = Object.assign(document.createElement("small"), { textContent: `${suite}, voice ${voice}: ${about}` });
    const words_ = Object.assign(document.createElement("span"), { className: "excerpt", textContent: text, lang: language, dir: "auto" });
    const side = document.createElement("div");
    side.style.flex = 1;
    side.append(badge, name, facts, words_);
    for (const [title, source] of [["reference", reference], ["take", sound]]) {
      if (!source) continue;
      const figure = document.createElement("figure");
      const audio = Object.assign(document.createElement("audio"), { controls: true, preload: "none", src: source, ariaLabel: `${title}, ${label}` });
      figure.append(Object.assign(document.createElement("figcaption"), { textContent: title }), audio);
      side.append(figure);
    }
    row.append(side);
    place.append(row);
  }
  const left = fitting.length - Math.min(fitting.length, from + PAGE_ROWS);
  $("more").hidden = left === 0;
  $("more").textContent = `show more of ${left} takes`;
}

function more() {
  if (window.furtherTakes) { list($("rest").childElementCount); return; }
  const script = document.createElement("script");
  script.src = "rest.js";
  script.addEventListener("load", () => list(0));
  script.addEventListener("error", () => { $("more").textContent = "rest.js is not beside this page: zip the whole report folder"; });
  document.body.append(script);
}

function follow() {
  const take = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!take?.classList.contains("take")) return;
  take.parentElement.hidden = false;
  take.open = true;
  activate(take);
  take.scrollIntoView();
  take.querySelector("summary").focus({ preventScroll: true });
}

// On a phone the first screen is for the verdict, its cause and a sound.
if ($("assurance")) $("assurance").open = !matchMedia("(max-width: 500px)").matches;
if ($("which")) {
  $("which").addEventListener("change", filter);
  $("search").addEventListener("input", filter);
  $("match").addEventListener("change", match);
  $("blind")?.addEventListener("change", hide);
  window.addEventListener("hashchange", follow);
  filter();
  follow();
}

// --- signing: the same record that `python -m harness sign` writes
$("sign")?.addEventListener("submit", (event) => {
  event.preventDefault();
  const { run, verdict } = $("sign").dataset;
  const [by, decision, note] = ["by", "decision", "note"].map((id) => $(id).value.trim());
  if (!by || (decision === "ship" && verdict !== "PASS" && !note)) {
    $("signed").textContent = by ? `The verdict is ${verdict}: say why it ships all the same.` : "Who signs?";
    return;
  }
  const on = `${new Date().toISOString().slice(0, 16).replace("T", " ")} UTC`;
  const listened = [...played].sort().map((key) => JSON.parse(key));
  const text = JSON.stringify({ schema: 1, by, on, decision, note, run, verdict, listened }, null, 1);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  link.download = "signature.json";
  link.click();
  $("signed").textContent = `${decision}, signed by ${by}, ${listened.length} takes heard.`;
  $("signed").dataset.record = text;
});
