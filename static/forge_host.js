// The Forge door's place: what a page asks for goes to the shell around it, over a channel that it gave.

const SHELL = /^https:\/\/[a-z0-9-]+(\.[a-z0-9-]+)*\.cdn\.prod\.atlassian-dev\.net$/;
const ANSWER_WITHIN_MS = 30_000;
const RENEW_BEFORE_MS = 60_000;

const root = document.documentElement;
const waiting = new Map();
const listeners = { address: null, closed: null, told: null, submit: null };

let port = null;
let number = 0;
let token = "";
let expiresAt = 0;
let renewing = null;

function ask(type, given = {}, fallback = null) {
  if (!port) return Promise.resolve(fallback);
  const id = ++number;
  return new Promise((resolve) => {
    const timer = setTimeout(() => settle(fallback), ANSWER_WITHIN_MS);
    const settle = (answer) => {
      clearTimeout(timer);
      waiting.delete(id);
      resolve(answer ?? fallback);
    };
    waiting.set(id, settle);
    port.postMessage({ ...given, id, type });
  });
}

// Forge's sandbox has no leave for popups: the shell asks Confluence to open what is elsewhere.
function openElsewhere(event) {
  const anchor = event.target.closest?.("a[target='_blank'][href^='http']");
  if (!anchor) return;
  event.preventDefault();
  void ask("visit", { address: anchor.href });
}

function heard({ data }) {
  if (waiting.has(data?.id)) waiting.get(data.id)(data.answer);
  else if (data?.event === "theme") root.dataset.colorMode = data.data === "dark" ? "dark" : "light";
  else if (Object.hasOwn(listeners, data?.event)) listeners[data.event]?.(data.data);
}

// Resolves once the shell has spoken; whoever else frames us is not listened to.
export function begin() {
  document.addEventListener("click", openElsewhere);
  return new Promise((resolve) => {
    window.addEventListener("message", (event) => {
      if (port || event.source !== window.parent || !SHELL.test(event.origin)) return;
      if (event.data?.plumbline !== "hello" || event.ports.length !== 1) return;
      [port] = event.ports;
      port.onmessage = heard;
      resolve();
    });
  });
}

export function keep(given) {
  token = given.token;
  expiresAt = Date.parse(given.expires_at);
}

async function renew() {
  renewing ??= ask("token").finally(() => {
    renewing = null;
  });
  const given = await renewing;
  if (given) keep(given);
  return Boolean(given);
}

// Pages that grow are as high as their content; the others scroll inside the height they are given.
export function fit() {
  const content = document.querySelector(".ac-content");
  if (!content) return void ask("resize", { height: null });
  const tell = () => ask("resize", { height: content.scrollHeight + 1 });
  new ResizeObserver(tell).observe(content);
}

export const host = {
  isFramed: true,

  async authorization() {
    if (Date.now() > expiresAt - RENEW_BEFORE_MS) await renew();
    return token ? `Bearer ${token}` : null;
  },

  renew,

  address: {
    read: () => ask("read", {}, ""),
    push: (state) => void ask("push", { state }),
    replace: (state) => void ask("replace", { state }),
    back: () => void ask("back"),
    listen(changed) {
      listeners.address = changed;
    },
  },

  dialog: {
    open(module, { title, data, closed }) {
      listeners.closed = closed;
      void ask("modal", { module, title, data });
    },

    close: () => void ask("close"),
    given: () => ask("given", {}, {}),
    tell: (what) => void ask("emit", { what }),

    listen(told) {
      listeners.told = told;
    },
  },

  macro: {
    parameters: () => ask("parameters", {}, {}),

    onSubmit(act) {
      listeners.submit = act;
    },

    save: (parameters) => void ask("save", { parameters }),
  },

  flag(kind, title, body) {
    void ask("flag", { kind, title, body });
  },

  reload: () => void ask("reload"),

  // The shell knows where our pages are; an address of its own is nothing that we could write.
  link(scope = document) {
    for (const anchor of scope.querySelectorAll("a[data-open]:not([data-linked])")) {
      anchor.dataset.linked = "";
      anchor.addEventListener("click", (event) => {
        event.preventDefault();
        void ask("go", { target: anchor.dataset.open, state: anchor.dataset.state ?? "" });
      });
    }
  },

  theme() {},
};
