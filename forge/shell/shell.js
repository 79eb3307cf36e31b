// The shell: static, without data. It frames our page and carries what the page asks of Forge.

import { Modal, events, invokeRemote, router, showFlag, view } from "@forge/bridge";

const root = document.documentElement;
const ORIGIN = root.dataset.origin;
const MODULES = { posture: "plumbline-posture", settings: "plumbline-settings" };
const TOLD = "plumbline-drilldown-told";
const FLAGS = new Set(["info", "success", "warning", "error"]);
const AWAY = "API Security Posture cannot be reached. Try again in a moment.";
const NOT_HERE = "API Security Posture is not available to you here. Ask an administrator of this space.";
const MOST_HEIGHT = 20_000;
const LONGEST_TEXT = 500;
const ROUTES = new Set(["drilldown"]);

let context = {};
let history = null;
let port = null;
let flags = 0;

const said = document.getElementById("said");
const place = document.getElementById("place");
const bar = document.getElementById("bar");

class Refusal extends Error {}

const text = (value) => String(value ?? "").slice(0, LONGEST_TEXT);
const modal = () => context.extension?.modal ?? null;

function route() {
  const wanted = modal()?.route;
  return ROUTES.has(wanted) ? wanted : root.dataset.route;
}

// What Forge signs need not hold a macro's parameters; they are input and prove nothing.
function parameters() {
  const config = Object.entries(context.extension?.config ?? {});
  return Object.fromEntries(config.filter(([, value]) => typeof value === "string"));
}

// The bridge's types promise a status and a body, its documentation neither: what was opened counts.
// It hands over nothing of an answer that is no 2xx, so that refusals are asked for in the body.
function opened(answer) {
  const body = answer?.body ?? answer ?? {};
  const said = typeof body === "string" ? JSON.parse(body) : body;
  if (said.frame_url) return said;
  const isRefused = [401, 403, 404].includes(answer?.status);
  throw new Refusal(said.error?.message ?? (isRefused ? NOT_HERE : AWAY));
}

async function open() {
  const answer = await invokeRemote({
    path: "/forge/open",
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Plumbline-Refusals": "in-body" },
    body: { route: route(), parameters: parameters() },
  });
  return opened(answer);
}

// As high as what is seen of the window: for pages that scroll inside themselves.
function fullHeight() {
  return Math.max(480, window.screen.availHeight - 260);
}

function resize({ height }) {
  const wanted = height === null ? fullHeight() : Math.min(Number(height) || 0, MOST_HEIGHT);
  const frame = place.querySelector("iframe");
  if (frame) frame.style.height = `${Math.ceil(wanted)}px`;
}

async function token() {
  const { token: renewed, expires_at } = await open();
  return { token: renewed, expires_at };
}

function openModal({ module, title, data }) {
  if (!ROUTES.has(module)) return;
  new Modal({
    resource: null,
    size: "max",
    title: text(title),
    context: { route: module, data },
    onClose: () => tell("closed"),
  }).open();
}

function flag({ kind, title, body }) {
  const type = FLAGS.has(kind) ? kind : "info";
  const isAutoDismiss = type !== "error";
  const id = `plumbline-${++flags}`;
  showFlag({ id, type, title: text(title), description: text(body), isAutoDismiss });
}

// Known targets of ours in this space, never an address that somebody else chose.
function go({ target, state }) {
  const moduleKey = MODULES[target];
  const spaceKey = context.extension?.space?.key;
  if (!moduleKey || !spaceKey) return;
  const path = state ? `?${new URLSearchParams(String(state))}` : undefined;
  router.navigate({ target: "module", moduleKey, spaceKey, path });
}

// In a new tab; Confluence asks the person before it leaves for another site.
function visit({ address }) {
  const url = new URL(String(address));
  return ["https:", "http:"].includes(url.protocol) ? router.open(url.href) : null;
}

const stateOf = (location) => (location?.search ?? "").replace(/^\?/, "");
const placeOf = (state) => `/?${new URLSearchParams(String(state))}`;

const acts = {
  token,
  resize,
  modal: openModal,
  close: ({ data }) => view.close(data),
  given: () => modal()?.data ?? {},
  emit: ({ what }) => events.emit(TOLD, what),
  parameters: () => context.extension?.config ?? {},
  save: ({ parameters }) => view.submit({ config: parameters }),
  flag,
  go,
  visit,
  read: () => stateOf(history?.location),
  push: ({ state }) => history?.push(placeOf(state)),
  replace: ({ state }) => history?.replace(placeOf(state)),
  back: () => history?.go(-1),
  reload: () => void start(),
};

function tell(event, data) {
  port?.postMessage({ event, data });
}

async function answer({ id, type, ...given }, to) {
  if (!Object.hasOwn(acts, type)) return;
  try {
    to.postMessage({ id, answer: (await acts[type](given)) ?? null });
  } catch {
    to.postMessage({ id, answer: null });
  }
}

// What is said goes through a channel that only a document of our exact origin is given.
function connect(frame) {
  const channel = new MessageChannel();
  port = channel.port1;
  port.onmessage = ({ data }) => void answer(data ?? {}, channel.port1);
  frame.contentWindow.postMessage({ plumbline: "hello" }, ORIGIN, [channel.port2]);
  tell("theme", root.dataset.colorMode ?? "light");
}

function show(address) {
  if (new URL(address).origin !== ORIGIN) throw new Refusal(AWAY);
  const frame = document.createElement("iframe");
  frame.title = document.title;
  frame.addEventListener("load", () => connect(frame));
  frame.src = address;
  place.replaceChildren(frame);
  bar.hidden = root.dataset.route !== "config";
}

async function start() {
  try {
    said.textContent = "";
    show((await open()).frame_url);
  } catch (error) {
    place.replaceChildren();
    said.textContent = error instanceof Refusal ? error.message : AWAY;
  }
}

async function prepare() {
  context = await view.getContext();
  view.theme.enable().catch(() => {});
  new MutationObserver(() => tell("theme", root.dataset.colorMode ?? "light")).observe(root, {
    attributeFilter: ["data-color-mode"],
  });
  events.on(TOLD, (what) => tell("told", what));
  document.getElementById("save").addEventListener("click", () => tell("submit"));
  document.getElementById("cancel").addEventListener("click", () => view.close());
  // Pages of a space have an address of their own; macros and dialogs have none.
  history = await view.createHistory().catch(() => null);
  history?.listen((location) => tell("address", stateOf(location.location ?? location)));
}

prepare().then(start, () => {
  said.textContent = AWAY;
});
