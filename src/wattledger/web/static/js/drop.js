// Files dropped anywhere on the page, or chosen: sent one by one, each with what reading it did.

import { reach } from "./go.js";

const zone = document.getElementById("drop");
const form = zone.querySelector("form");
const result = document.getElementById("drop-result");
const received = zone.closest("[data-received]") !== null;
const number = new Intl.NumberFormat("en-US");
const energy = new Intl.NumberFormat("en-US", { minimumFractionDigits: 3, maximumFractionDigits: 3 });

/** Send one file's bytes; `tell` hears the share that is sent. Resolves with status and answer. */
function send(file, tell) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", reach(`/v1/uploads?filename=${encodeURIComponent(file.name)}`));
    request.setRequestHeader("content-type", file.type || "application/octet-stream");
    request.responseType = "json";
    request.upload.onprogress = (event) => tell(event.loaded / event.total);
    request.onload = () => resolve({ ok: request.status < 300, answer: request.response ?? {} });
    request.onerror = () => reject(new Error("The hub can't be reached; the file was not added."));
    request.send(file);
  });
}

/** What reading a file did, in a sentence. */
function sentence(answer) {
  const s = answer.summary ?? {};
  if (answer.state === "rejected") return `set aside: ${answer.reason ?? "not readable"}`;
  if (answer.duplicate) return "was here already; nothing changed";
  if (!s.rows) return `kept as ${answer.kind}`;
  const wh = Object.values(s.wh ?? {}).reduce((a, b) => a + b, 0);
  const rejected = s.rejected ? `, ${number.format(s.rejected)} rejected` : "";
  return `${number.format(s.rows)} rows, ${number.format(s.accepted)} accepted${rejected}; ${number.format(s.days)} days, ${energy.format(wh / 1000)} kWh`;
}

async function add(files) {
  if (!files.length) return;
  result.replaceChildren();
  let last = null;
  for (const file of files) {
    const line = result.appendChild(document.createElement("p"));
    const bar = result.appendChild(document.createElement("progress"));
    line.textContent = `${file.name} …`;
    try {
      const { ok, answer } = await send(file, (share) => { bar.value = share; });
      line.textContent = `${file.name}: ${ok ? sentence(answer) : answer.message ?? "was refused"}`;
      line.className = ok && answer.state !== "rejected" ? "" : "danger";
      if (ok && answer.summary?.points?.length) last = answer.summary;
      if (ok && received && await show(answer.id)) line.remove();
    } catch (error) {
      line.textContent = `${file.name}: ${error.message}`;
      line.className = "danger";
    }
    bar.remove();
  }
  form.reset();
  if (last && !received) offer(last);
  window.htmx?.ajax?.("GET", location.href, { target: "#rows", select: "#rows", swap: "outerHTML" });
}

/** What a file brought, with its year, as the hub tells it; whether it could. */
async function show(id) {
  const told = await fetch(reach(`/welcome/received/${id}`));
  if (!told.ok) return false;
  const piece = document.createRange().createContextualFragment(await told.text());
  result.append(piece);
  result.querySelector(".received:last-child .strong")?.focus();
  return true;
}

/** The way to the chart of what was just read. */
function offer(summary) {
  const link = result.appendChild(document.createElement("a"));
  link.className = "button strong";
  link.href = reach(`/meter?point=${summary.points[0].id}&by=month&start=${summary.last_day}`);
  link.textContent = "See the chart";
  link.focus();
}

let depth = 0;
addEventListener("dragenter", (event) => { event.preventDefault(); depth += 1; zone.classList.add("over"); });
addEventListener("dragleave", () => { depth -= 1; if (depth <= 0) zone.classList.remove("over"); });
addEventListener("dragover", (event) => event.preventDefault());
addEventListener("drop", (event) => {
  event.preventDefault();
  depth = 0;
  zone.classList.remove("over");
  add([...event.dataTransfer.files]);
});
form.elements.file.addEventListener("change", () => add([...form.elements.file.files]));
form.addEventListener("submit", (event) => {
  event.preventDefault();
  add([...form.elements.file.files]);
});
