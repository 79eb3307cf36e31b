// What Forge puts into its Custom UI documents, as far as our shell uses it. Runs before the shell.

if (location.hostname.endsWith(".cdn.prod.atlassian-dev.net")) {
  const key = new URLSearchParams(location.search).get("key");
  const stand = { closed: null, told: new Map(), popped: null };

  const commands = {
    async createHistory() {
      const state = await globalThis.forgeCall(key, "address", {});
      if (state === null) throw new Error("no history here");
      const listeners = [];
      const history = {
        location: { pathname: "/", search: state ? `?${state}` : "", hash: "" },
        push: (place) => moved(place, "push"),
        replace: (place) => moved(place, "replace"),
        go: () => globalThis.forgeCall(key, "back", {}),
        listen: (listener) => listeners.push(listener),
      };
      const moved = (place, how) => {
        stand.popped(place);
        return globalThis.forgeCall(key, how, { place });
      };
      stand.popped = (place) => {
        const url = new URL(place, "https://x.example");
        history.location = { pathname: url.pathname, search: url.search, hash: "" };
        for (const listener of listeners) listener(history.location);
      };
      return history;
    },
    openModal({ onClose, ...given }) {
      stand.closed = onClose;
      return globalThis.forgeCall(key, "openModal", given);
    },
    async on({ event, callback }) {
      stand.told.set(event, callback);
    },
    async enableTheming() {
      document.documentElement.dataset.colorMode = "light";
    },
  };

  globalThis.__stand = stand;
  globalThis.__bridge = {
    callBridge: (command, payload) =>
      commands[command]?.(payload) ?? globalThis.forgeCall(key, command, payload ?? {}),
  };
}
