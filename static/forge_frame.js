// The framed document: takes its token, fetches the page that the token is for, and becomes it.

import { begin, fit, host, keep } from "./forge_host.js";

const texts = { ...document.body.dataset };
const base = document.documentElement.dataset.basePath;
const spoken = begin();

// Out of the address at once: nothing else shall find it there.
const handover = location.hash.slice(1);
history.replaceState(null, "", location.pathname);

async function exchanged() {
  const response = await fetch(`${base}/forge/exchange`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ handover }),
  });
  return response.ok ? response.json() : null;
}

function loaded(link) {
  return new Promise((resolve) => {
    link.addEventListener("load", resolve);
    link.addEventListener("error", resolve);
  });
}

async function dress(page) {
  const known = new Set([...document.querySelectorAll("link")].map((link) => link.href));
  const links = [...page.head.querySelectorAll('link[rel="stylesheet"]')]
    .map((link) => document.adoptNode(link))
    .filter((link) => !known.has(link.href));
  const all = links.map(loaded);
  document.head.append(...links);
  await Promise.all(all);
}

// Scripts of a parsed document never run: our own modules are imported once the body stands.
async function become(text) {
  const page = new DOMParser().parseFromString(text, "text/html");
  const modules = [...page.head.querySelectorAll('script[type="module"]')].map(
    (script) => script.getAttribute("src"),
  );
  for (const { name, value } of page.documentElement.attributes) {
    document.documentElement.setAttribute(name, value);
  }
  document.title = page.title;
  await dress(page);
  document.body.replaceWith(document.adoptNode(page.body));
  fit();
  for (const source of modules) await import(source);
}

async function show(path) {
  const headers = { Authorization: await host.authorization() };
  const response = await fetch(base + path, { headers });
  await become(await response.text());
}

function sayAway() {
  const paragraph = document.createElement("p");
  paragraph.textContent = texts.textAway;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button";
  button.textContent = texts.textAgain;
  button.addEventListener("click", () => host.reload());
  const section = document.createElement("section");
  section.className = "empty";
  section.append(paragraph, button);
  document.body.replaceChildren(section);
  document.documentElement.dataset.ready = "true";
}

async function start() {
  await spoken;
  const given = handover ? await exchanged() : null;
  // Loaded again by itself, the document has no handover any more: the shell opens it anew.
  if (!given && !handover) return host.reload();
  if (!given) return sayAway();
  keep(given);
  await show(given.page);
}

start().catch(sayAway);
