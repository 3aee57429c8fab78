// What pages do beyond what they do without a script. Every form and link works with this file missing.
"use strict";
document.documentElement.classList.add("scripted");

// A form is sent once, however often its button is pressed. The server would not do it twice anyway.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-once]") || event.defaultPrevented) return;
  if (form.dataset.sent) { event.preventDefault(); return; }
  form.dataset.sent = "yes";
  if (event.submitter) event.submitter.setAttribute("aria-disabled", "true");
});
// Back from the next page: the form may be sent again.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("[data-sent]")) {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll("[aria-disabled]")) button.removeAttribute("aria-disabled");
  }
});

document.addEventListener("change", (event) => {
  const form = event.target.closest("[data-send-on-change]");
  if (form) form.requestSubmit();
});

// One menu is open at a time; Escape and a click beside it close it.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll(".me[open], .menu[open]"))
    if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape")
    for (const menu of document.querySelectorAll(".me[open], .menu[open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  // "/" goes to the search field, as in other programs.
  if (event.key === "/" && !event.target.closest("input, textarea, select")) {
    const field = document.querySelector("[data-seek]");
    if (field) { event.preventDefault(); field.focus(); field.select(); }
  }
});

// How long an opened vial is still good, told anew every half minute.
function left(until) {
  const minutes = Math.floor((until - Date.now()) / 60000);
  if (minutes < 0) return "past its time";
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${minutes % 60} min`;
  const days = Math.floor(hours / 24), named = days === 1 ? "1 day" : `${days} days`;
  return days < 7 ? `${named} ${hours % 24} h` : named;
}
function tick() {
  for (const clock of document.querySelectorAll("time[data-left]")) {
    const until = Date.parse(clock.dateTime), tag = clock.closest(".tag");
    clock.textContent = left(until);
    if (tag && until <= Date.now()) tag.className = "tag gone";
  }
}
setInterval(tick, 30000);

// After an error the summary is read first.
const trouble = document.querySelector(".trouble[autofocus]");
if (trouble) trouble.focus();

// Receiving and counting. A scanner types fast and ends with Enter; the field is free again at once. What it
// read, and every number that is typed into a line of a count, waits
// in the browser until the server has it, across reloads and lost nets, and goes out one after the other.
const field = document.querySelector("[data-scan]");
if (field) {
  const form = field.form, told = document.querySelector("[data-queue]");
  const shelf = `vialbook-scans-${told.dataset.of}`;
  let queue = [], busy = false;
  try { queue = JSON.parse(localStorage.getItem(shelf)) || []; } catch { queue = []; }
  const keep = () => { try { localStorage.setItem(shelf, JSON.stringify(queue)); } catch { /* memory will do */ } };
  const say = (words, waits) => { told.textContent = words; told.classList.toggle("waits", Boolean(waits)); };
  const count = () => {
    const word = queue.some((one) => one.line) ? "entry" : "scan", several = word === "scan" ? "scans" : "entries";
    return `${queue.length} ${queue.length === 1 ? word : several}`;
  };
  const fresh = () => (crypto.randomUUID ? crypto.randomUUID() : `${Date.now()}-${Math.random()}`);
  const put = (one) => { queue.push({ key: fresh(), ...one }); keep(); send(); };

  const read = () => {
    const data = field.value;
    field.value = "";
    if (!data.trim()) return;
    put({ data });
  };
  const fields = (root) => new Map([...root.querySelectorAll("input, select, textarea")].map((one) => [one.name, one]));
  const take = (html, sent) => {
    const old = document.getElementById("lines"), known = new Set([...old.querySelectorAll(".line")].map((line) => line.id));
    const typed = fields(old), focus = document.activeElement && document.activeElement.name;
    const page = new DOMParser().parseFromString(html, "text/html").getElementById("lines");
    // What was typed while the scan was on its way stays.
    for (const [name, one] of fields(page)) {
      const before = typed.get(name);
      if (before && one.type !== "hidden" && before.value !== (sent.get(name) ?? before.value)) one.value = before.value;
    }
    for (const { line, data } of queue.slice(1)) {
      const one = line && page.querySelector(`[data-keep="${line}"]`);
      if (one) one.value = data;
    }
    old.replaceWith(page);
    for (const line of page.querySelectorAll(".line")) if (!known.has(line.id)) line.classList.add("new");
    const again = focus && page.querySelector(`[name="${CSS.escape(focus)}"]`);
    if (again) again.focus();
  };
  const send = async () => {
    if (busy || !queue.length) return;
    busy = true;
    const { key, data, line } = queue[0], body = new FormData(form);
    body.set("do", line ? "keep" : "scan"); body.set("data", data); body.set("scan_key", key);
    if (line) body.set("line", line);
    say(`Keeping ${count()} …`);
    let next = 0;
    try {
      const answer = await fetch(form.getAttribute("action"), { method: "POST", body: new URLSearchParams(body), headers: { "X-Scan": "yes" } });
      // Signed in anew meanwhile: the server kept what was typed, and shows it at another address.
      if (answer.redirected) { location.assign(answer.url); return; }
      if (answer.ok) {
        take(await answer.text(), body);
        queue.shift(); keep();
        say(queue.length ? `Keeping ${count()} …` : "Kept.");
      } else if (answer.status === 401) {
        say(`${count()} wait here: sign in again in another tab, and they go on.`, true); next = 5000;
      } else {
        say(`${count()} wait here: the server could not take the first (${answer.status}). It is tried again.`, true); next = 5000;
      }
    } catch {
      say(`${count()} wait here until the net is back.`, true); next = 3000;
    }
    busy = false;
    if (queue.length) setTimeout(send, next);
  };
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter") { event.preventDefault(); read(); }
    // Scanners send the separator of GS1 as Control and ], which a text field leaves out.
    if (event.ctrlKey && event.key === "]") {
      event.preventDefault();
      field.setRangeText("\x1d", field.selectionStart, field.selectionEnd, "end");
    }
  });
  // A number that is typed into a line goes out by itself; "+1" types one more.
  form.addEventListener("change", (event) => {
    if (event.target.dataset.keep) put({ line: event.target.dataset.keep, data: event.target.value });
  });
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.target.dataset.keep) return;
    event.preventDefault();
    const all = [...form.querySelectorAll("[data-keep]")], after = all[all.indexOf(event.target) + 1];
    event.target.blur();
    if (after) { after.focus(); after.select(); }
  });
  form.addEventListener("click", (event) => {
    const more = event.target.closest("[data-more]"), one = more && document.getElementById(more.dataset.more);
    if (!one) return;
    event.preventDefault();
    one.value = String((Number.parseInt(one.value, 10) || 0) + 1);
    put({ line: one.dataset.keep, data: one.value });
  });
  form.addEventListener("submit", (event) => {
    if (event.submitter && event.submitter.value === "scan") { event.preventDefault(); delete form.dataset.sent; event.submitter.removeAttribute("aria-disabled"); read(); field.focus(); }
  });
  // A scan that comes while nothing is being typed belongs here.
  document.addEventListener("keydown", (event) => {
    if (document.activeElement === document.body && event.key.length === 1 && !event.ctrlKey && !event.metaKey) field.focus();
  });
  send();
}

// A whole form by keyboard: Ctrl or Command with Enter presses its main button.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
  const form = event.target.closest("form"), main = form && form.querySelector("[data-main]");
  if (main) { event.preventDefault(); main.click(); }
});

// Treating: labels go to the server one after the other, so that none is lost while one is on its way.
const vial = document.querySelector("[data-vial-scan]");
if (vial && window.htmx) {
  let before = Promise.resolve();
  const look = (data) => window.htmx.ajax("POST", "/treat/preview",
    { source: vial, target: "#lines", swap: "outerHTML", values: { do: "scan", scan: data } });
  const take = () => {
    const data = vial.value;
    vial.value = "";
    if (data.trim()) before = before.then(() => look(data), () => look(data)).then(() => vial.focus());
  };
  vial.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.ctrlKey && !event.metaKey) { event.preventDefault(); take(); }
  });
  vial.form.addEventListener("click", (event) => {
    const button = event.target.closest('button[value="scan"]');
    if (button) { event.preventDefault(); take(); vial.focus(); }
  });
}
