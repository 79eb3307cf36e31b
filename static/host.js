// The place that shows us: its token, address, notices, navigation. Nothing else knows the door.

import { host as forge } from "./forge_host.js";

const APP_KEY = "plumbline";
const MODULES = {
  settings: "plumbline-settings",
  posture: "plumbline-posture",
  drilldown: "plumbline-drilldown",
};
const TOLD = "plumbline-drilldown-told";
const ANSWER_WITHIN_MS = 10_000;

const root = document.documentElement;
const AP = window.AP;
const isFramed = window.parent !== window && AP !== undefined;
let listening = 0;
let whenClosed = null;

// Some of the host's functions answer by callback, some by promise, some at once.
function answerOf(call, fallback) {
  return new Promise((resolve) => {
    const give = (value) => resolve(value ?? fallback);
    const timer = setTimeout(() => give(fallback), ANSWER_WITHIN_MS);
    const settle = (value) => {
      clearTimeout(timer);
      give(value);
    };
    try {
      const value = call(settle);
      if (value && typeof value.then === "function") {
        value.then(settle, () => settle(fallback));
      } else if (value !== undefined) {
        settle(value);
      }
    } catch {
      settle(fallback);
    }
  });
}

function productAddress(moduleKey) {
  const place = new URLSearchParams();
  place.set("space.key", root.dataset.spaceKey);
  place.set("space.id", root.dataset.spaceId);
  return `${root.dataset.hostBase}/plugins/servlet/ac/${APP_KEY}/${moduleKey}?${place}`;
}

const connect = {
  isFramed,

  // Fresh for every request, always by callback: without one, old hosts answer undefined.
  async authorization() {
    const token = isFramed ? await answerOf((done) => void AP.context.getToken(done), "") : "";
    return token ? `JWT ${token}` : null;
  },

  // Every token was fresh: a refused one does not get better by asking again.
  async renew() {
    return false;
  },

  address: {
    async read() {
      if (!isFramed || !AP.history) return "";
      const state = await answerOf((done) => AP.history.getState("hash", done), "");
      return typeof state === "string" ? state.replace(/^[#!?]+/, "") : "";
    },

    push(state) {
      if (isFramed && AP.history) AP.history.pushState(state);
    },

    replace(state) {
      if (isFramed && AP.history) AP.history.replaceState(state);
    },

    // Where the host cannot go back, the address is put right in place.
    back(state) {
      if (isFramed && AP.history?.back) AP.history.back();
      else this.replace(state);
    },

    // A callback may be good for one event or for all: each is answered once, then replaced.
    listen(changed) {
      if (!isFramed || !AP.history?.popState) return;
      const mine = ++listening;
      AP.history.popState((event) => {
        if (mine !== listening) return;
        this.listen(changed);
        const url = String(event?.newURL ?? "");
        changed(url.slice(url.indexOf("#") + 1).replace(/^[!?]+/, ""));
      });
    },
  },

  // As large as the host makes a modal with a blanket; it has no chrome, so the page has a close.
  dialog: {
    open(module, { title, data, closed }) {
      if (!isFramed || !AP.dialog) return;
      if (whenClosed === null) AP.events.on("dialog.close", () => whenClosed());
      whenClosed = closed;
      const shape = { size: "x-large", chrome: false, header: title, customData: data };
      AP.dialog.create({ key: MODULES[module], ...shape });
    },

    close() {
      if (isFramed && AP.dialog) AP.dialog.close();
    },

    async given() {
      if (!isFramed || !AP.dialog) return {};
      return answerOf((done) => void AP.dialog.getCustomData(done), {});
    },

    tell(what) {
      if (isFramed && AP.events) AP.events.emit(TOLD, what);
    },

    listen(told) {
      if (isFramed && AP.events) AP.events.on(TOLD, told);
    },
  },

  // The host's own button saves; the editor closes once the values are on their way.
  macro: {
    async parameters() {
      if (!isFramed || !AP.confluence) return {};
      return answerOf((done) => void AP.confluence.getMacroData(done), {});
    },

    onSubmit(act) {
      if (!isFramed || !AP.dialog) return;
      AP.events.on("dialog.button.click", ({ button }) => {
        if (button?.name === "submit") act();
      });
    },

    save(parameters) {
      if (!isFramed || !AP.confluence) return;
      AP.confluence.saveMacro(parameters);
      AP.confluence.closeMacroEditor();
    },
  },

  flag(type, title, body) {
    if (!isFramed || !AP.flag) return;
    AP.flag.create({ type, title, body, close: type === "error" ? "manual" : "auto" });
  },

  reload() {
    if (isFramed && AP.navigator) AP.navigator.reload();
    else window.location.reload();
  },

  // Plain links into the product, so that they can be opened in a new tab as well.
  link(scope = document) {
    if (!root.dataset.hostBase) return;
    for (const anchor of scope.querySelectorAll("a[data-open]")) {
      const state = anchor.dataset.state ? `#!${anchor.dataset.state}` : "";
      anchor.href = productAddress(MODULES[anchor.dataset.open]) + state;
      anchor.target = "_top";
    }
  },

  theme() {
    if (isFramed && AP.theming) AP.theming.initializeTheming();
  },
};

// The button of a macro's editor is told to every frame of ours on the page: one that did not say
// this would close the editor before it has saved.
if (isFramed && AP.dialog) AP.dialog.disableCloseOnSubmit?.();

export const host = root.dataset.door === "forge" ? forge : connect;
