"use strict";
// A blind paired comparison: hear both, choose one. Answers are kept in the browser until they are saved.

const $ = (id) => document.getElementById(id);
const { session, trials } = JSON.parse($("session").textContent);
const player = $("player");
const place = `listening-${session}`;
let listener = "";
let answers = {}; // by number of the trial: choice, plays
let at = 0;
let sound = null;
let heard = new Set();

function keep() {
  try { localStorage.setItem(place, JSON.stringify({ listener, answers, at })); } catch { /* private windows keep nothing */ }
}

function restore() {
  try { return JSON.parse(localStorage.getItem(place)); } catch { return null; }
}

function show(id) {
  for (const part of ["begin", "trial", "end"]) $(part).hidden = part !== id;
}

function ask(number) {
  player.pause();
  at = number;
  if (at >= trials.length) { show("end"); $("note").focus(); keep(); return; }
  show("trial");
  sound = null;
  heard = new Set(answers[trials[at].trial] ? ["a", "b"] : []);
  $("count").textContent = `Question ${at + 1} of ${trials.length}`;
  $("progress").max = trials.length;
  $("progress").value = at;
  $("text").textContent = trials[at].text;
  $("text").lang = trials[at].language;
  draw();
  keep();
}

function draw() {
  const ready = heard.has("a") && heard.has("b");
  const given = answers[trials[at].trial];
  for (const button of document.querySelectorAll("[data-choice]")) {
    button.disabled = !ready;
    button.ariaPressed = String(given?.choice === button.dataset.choice);
  }
  for (const button of document.querySelectorAll("[data-sound]")) {
    button.classList.toggle("playing", button.dataset.sound === sound && !player.paused);
  }
  const missing = ["a", "b"].filter((name) => !heard.has(name)).map((name) => name.toUpperCase());
  $("hint").textContent = ready ? "Which would you rather ship?" : `Hear ${missing.join(" and ")} to the end first.`;
}

let plays = {};
function play(name) {
  const source = new URL(trials[at][name], location.href).href;
  if (player.src !== source) player.src = source;
  sound = name;
  player.currentTime = 0;
  plays[trials[at].trial] = (plays[trials[at].trial] ?? 0) + 1;
  player.play().then(draw, (error) => { $("hint").textContent = `This sound cannot be played: ${error.message}`; });
}

player.addEventListener("ended", () => { heard.add(sound); draw(); });
player.addEventListener("pause", draw);

function choose(choice) {
  if (!(heard.has("a") && heard.has("b"))) return;
  const { trial } = trials[at];
  answers[trial] = { choice, plays: plays[trial] ?? answers[trial]?.plays ?? 0 };
  ask(at + 1);
}

function ratings() {
  return {
    session,
    listener,
    ratings: trials.filter(({ trial }) => answers[trial]).map(({ trial }) => ({ trial, ...answers[trial] })),
    note: $("note").value.trim(),
    schema: 1,
  };
}

async function save() {
  const text = JSON.stringify(ratings(), null, 1);
  if (location.protocol.startsWith("http")) {
    const answer = await fetch("ratings", { method: "POST", body: text, headers: { "Content-Type": "application/json" } }).catch(() => null);
    if (answer?.ok) { $("saved").textContent = await answer.text(); return; }
  }
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  link.download = `ratings-${session}-${listener.replace(/[^\p{L}\p{N}]+/gu, "_")}.json`;
  link.click();
  $("saved").textContent = `Saved as ${link.download} where your browser puts downloads: send it to whoever gave you this page.`;
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.dataset.sound) play(button.dataset.sound);
  else if (button?.dataset.choice) choose(button.dataset.choice);
  else if (button?.id === "save") save();
});

document.addEventListener("keydown", (event) => {
  if ($("trial").hidden || event.ctrlKey || event.metaKey || event.altKey) return;
  const sounds = { 0: "reference", 1: "a", 2: "b" };
  const choices = { ArrowLeft: "a", ArrowRight: "b", ArrowDown: "same" };
  if (sounds[event.key]) play(sounds[event.key]);
  else if (choices[event.key]) choose(choices[event.key]);
  else if (event.key === " " && !event.target.closest("button")) { if (player.paused) play(sound ?? "a"); else player.pause(); }
  else if (event.key === "Backspace") { if (at > 0) ask(at - 1); }
  else return;
  event.preventDefault();
});

$("who").addEventListener("submit", (event) => {
  event.preventDefault();
  listener = $("name").value.trim();
  if (listener) ask(at);
});

const before = restore();
if (before?.listener) {
  ({ listener, answers, at } = before);
  $("name").value = listener;
  $("resumed").hidden = false;
  $("resumed").textContent = `Welcome back: ${Object.keys(answers).length} of ${trials.length} questions are answered.`;
}
