// What the page does by itself: draws figures when they come into view (``figures.js`` says how), and follows a run that
// goes on.

const body = document.body;

// ---- figures -------------------------------------------------------------------------------------------------------

async function draw(element) {
  const answer = await fetch(element.dataset.figure);
  if (!answer.ok) throw new Error(answer.statusText);
  await plot(element, await answer.json());
  if (element.dataset.clicks) return;
  element.dataset.clicks = "yes";
  element.on("plotly_click", (event) => {
    const id = event.points[0].customdata;
    if (typeof id === "string" && body.dataset.base) location.href = `${body.dataset.base}/trials/${encodeURIComponent(id)}`;
  });
}

const seen = new Set();
function show(element) {
  seen.add(element);
  draw(element).catch(() => element.childElementCount || element.classList.add("failed"));
}

const watcher = new IntersectionObserver(
  (entries) => {
    for (const entry of entries.filter((one) => one.isIntersecting)) {
      watcher.unobserve(entry.target);
      show(entry.target);
    }
  },
  { rootMargin: "200px" },
);

// Modules run after Plotly, which is deferred too.
document.querySelectorAll("[data-figure]").forEach((element) => watcher.observe(element));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => seen.forEach(show));

// ---- a run that goes on --------------------------------------------------------------------------------------------

const base = body.dataset.base;
const live = document.getElementById("live");
let version = body.dataset.version;
let source = null;
let timer = null;
let failures = 0;

function say(word, kind) {
  live.hidden = false;
  live.className = `live ${kind}`;
  live.querySelector("b").textContent = word;
}

function changed(now) {
  if (now === version) return;
  const was = version;
  version = now;
  if (document.getElementById("board")) htmx.trigger(body, "changed");
  else refreshSummary();
  seen.forEach(show);
  // What can be done with a run, and what it shipped, is another page once it has ended.
  if (was.startsWith("running-") && !now.startsWith("running-")) setTimeout(() => location.reload(), 500);
}

function refreshSummary() {
  htmx.ajax("GET", location.pathname + location.search, { target: "#summary", select: "#summary", swap: "outerHTML" });
}

function listen() {
  source = new EventSource(`${base}/events`);
  source.onopen = () => {
    failures = 0;
    say("live", "");
  };
  source.addEventListener("changed", (event) => changed(event.data));
  source.onerror = () => {
    failures += 1;
    // What was refused is not tried again by itself; what broke off is.
    if (failures < 3 && source.readyState !== EventSource.CLOSED) return;
    rest();
    timer = setInterval(poll, 3000);
  };
}

async function poll() {
  try {
    const answer = await fetch(`${base}/version`);
    if (!answer.ok) throw new Error();
    changed(await answer.text());
    say("every 3 s", "slow");
  } catch {
    say("not reached", "off");
  }
}

function rest() {
  if (source) source.close();
  clearInterval(timer);
  source = timer = null;
}

if (base && body.dataset.live) {
  listen();
  // A page that nobody sees asks for nothing.
  document.addEventListener("visibilitychange", () => (document.hidden ? rest() : source || timer || listen()));
}
if (body.dataset.poll) setInterval(() => document.hidden || htmx.trigger(body, "changed"), 1000 * body.dataset.poll);

// ---- menus and answers ---------------------------------------------------------------------------------------------

let open = [];
body.addEventListener("htmx:beforeSwap", () => {
  open = [...document.querySelectorAll("details[id][open]")].map((menu) => menu.id);
});
body.addEventListener("htmx:afterSwap", () => {
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
});
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});
body.addEventListener("htmx:responseError", (event) => {
  const said = document.getElementById("said");
  if (said) said.textContent = event.detail.xhr.responseText;
});
