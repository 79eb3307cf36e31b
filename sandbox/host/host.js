// The product's side of the bridge: what Confluence itself adds to Atlassian's host script.
(() => {
  const { connectHost, jQuery } = window;
  const page = JSON.parse(document.getElementById("host-data").textContent);
  const root = document.documentElement;
  const SANDBOX = [
    "allow-downloads",
    "allow-forms",
    "allow-modals",
    "allow-popups",
    "allow-same-origin",
    "allow-scripts",
    "allow-top-navigation-by-user-activation",
  ].join(" ");

  const ask = async (subject, body) => {
    const answer = await fetch(`${page.contextPath}/_host/${subject}?as=${page.role}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${subject}: ${answer.status}`);
    return answer.json();
  };

  const promised = (method) => Object.assign(method, { returnsPromise: true });
  const contextOf = (callback) => callback._context.extension.options.productContext || {};

  // Frames

  const create = (extension) => {
    const added = { hostOrigin: location.origin, sandbox: SANDBOX, autoresize: true };
    return connectHost.create({ ...extension, options: { ...added, ...extension.options } })[0];
  };

  connectHost.registerContentResolver.resolveByExtension((extension) => {
    const resolved = jQuery.Deferred();
    ask("frame", {
      module: extension.key,
      mode: extension.options.mode || "display",
      context: extension.options.productContext || {},
    }).then(resolved.resolve, (error) => resolved.reject({}, { text: error.message }));
    return resolved.promise();
  });

  connectHost.onIframeEstablished(({ extension }) => {
    const frame = document.getElementById(extension.id);
    if (frame) frame.dataset.established = "true";
  });

  // Context, person, places

  connectHost.defineModule("context", {
    getToken: promised((callback) => {
      const { key } = callback._context.extension;
      const asked = { module: key, context: contextOf(callback) };
      return ask("token", asked).then(({ token }) => token);
    }),
    getContext: promised((callback) => {
      const context = contextOf(callback);
      return Promise.resolve({
        confluence: {
          space: { id: context["space.id"], key: context["space.key"] },
          content: { id: context["page.id"] },
        },
        license: { active: false },
        url: { displayUrl: location.origin + page.contextPath },
      });
    }),
  });

  connectHost.defineModule("user", {
    getCurrentUser: (callback) => callback({ atlassianAccountId: page.account }),
  });

  const query = (values) => new URLSearchParams(values).toString();
  const targets = {
    dashboard: () => "/",
    site: ({ relativeUrl, absoluteUrl }) => absoluteUrl || relativeUrl,
    spaceview: ({ spaceKey }) => `/spaces/${spaceKey}`,
    spacetools: ({ spaceKey }) => `/spaces/${spaceKey}/settings`,
    contentview: ({ contentId }) => `/pages/${contentId}`,
    addonmodule: ({ addonKey, moduleKey, spaceKey, context }) => {
      const values = { ...page.context, ...(spaceKey && { "space.key": spaceKey }), ...context };
      return `/plugins/servlet/ac/${addonKey}/${moduleKey}?${query(values)}`;
    },
  };
  connectHost.defineModule("navigator", {
    go: (target, context, callback) => {
      const place = targets[String(target).toLowerCase()];
      if (!place) return;
      const path = place(context || {});
      location.assign(/^https?:/.test(path) ? path : page.contextPath + path);
    },
    reload: (callback) => location.reload(),
  });

  // The address: pages of the app own the part after `#!`

  const state = () => (location.hash.startsWith("#!") ? location.hash.slice(2) : "");
  const describeState = () => ({
    hash: location.hash,
    href: location.href,
    key: page.appKey,
    query: location.search,
    title: document.title,
  });
  let last = state();
  let listeners = [];
  const write = (method) => (value, title, url, callback) => {
    last = String(value ?? "");
    history[method](null, "", `#!${last}`);
  };
  connectHost.defineModule("history", {
    pushState: write("pushState"),
    replaceState: write("replaceState"),
    getState: promised((kind, callback) =>
      Promise.resolve(kind === "all" ? describeState() : state()),
    ),
    popState: (callback) => {
      listeners.push(callback);
    },
    back: (callback) => history.back(),
    forward: (callback) => history.forward(),
    go: (delta, callback) => history.go(delta),
  });
  window.addEventListener("popstate", () => {
    const event = { ...describeState(), oldURL: last, newURL: state() };
    if (event.oldURL === event.newURL) return;
    last = event.newURL;
    // The bridge forgets a callback once it has answered, so each is good for one event.
    const called = listeners;
    listeners = [];
    called.forEach((listener) => listener(event));
  });

  // Dialogs

  const dialogs = [];
  const top = () => dialogs[dialogs.length - 1];

  const buttonOf = (identifier) => top()?.buttons.get(identifier);
  const addButton = (dialog, options) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = options.text;
    button.dataset.identifier = options.identifier;
    button.disabled = Boolean(options.disabled);
    button.hidden = Boolean(options.hidden);
    button.addEventListener("click", () => {
      options.onClick?.();
      if (options.identifier === "cancel") closeByPerson();
    });
    dialog.buttons.set(options.identifier, button);
    dialog.footer?.append(button);
  };

  const remove = (dialog) => {
    dialogs.splice(dialogs.indexOf(dialog), 1);
    const frame = dialog.element.querySelector("iframe");
    dialog.element.remove();
    if (frame) connectHost.destroy(frame.id);
    dialog.options.onHide?.();
  };
  const closeByPerson = () => {
    const dialog = top();
    if (!dialog) return;
    connectHost.broadcastEvent("dialog.close", { addon_key: dialog.extension.addon_key }, undefined);
    remove(dialog);
  };

  const frameOfDialog = (options, extension) => {
    const element = document.createElement("div");
    element.className = "dialog-blanket";
    const panel = document.createElement("section");
    panel.className = `dialog ${options.size || ""}`;
    panel.setAttribute("role", "dialog");
    panel.setAttribute("aria-modal", "true");
    panel.setAttribute("aria-label", options.header || extension.key);
    panel.style.width = options.width || "";
    panel.style.height = options.height || "";
    element.append(panel);
    element.addEventListener("click", (event) => event.target === element && closeByPerson());
    return { element, panel };
  };

  const addChrome = (dialog, panel, options) => {
    const header = document.createElement("h2");
    header.textContent = options.header;
    panel.prepend(header);
    dialog.footer = document.createElement("footer");
    panel.append(dialog.footer);
    options.actions.forEach((action) => addButton(dialog, action));
  };

  const dialogProvider = {
    create: (options, extension) => {
      Object.assign(extension.options, {
        dialogId: options.id,
        isDialog: true,
        autoresize: false,
        width: "100%",
        height: "100%",
      });
      const { element, panel } = frameOfDialog(options, extension);
      const dialog = { options, extension, element, footer: null, buttons: new Map() };
      dialogs.push(dialog);
      const body = document.createElement("div");
      body.className = "dialog-body";
      body.append(create(extension));
      panel.append(body);
      if (options.chrome) addChrome(dialog, panel, options);
      document.body.append(element);
      return dialog;
    },
    // By the app's own call there is no argument, and the host script has told the app already.
    close: (keyEvent) => {
      if (keyEvent) closeByPerson();
      else if (top()) remove(top());
    },
    isActiveDialog: (addonKey) => top()?.extension.addon_key === addonKey,
    createButton: (options) => addButton(top(), options),
    setButtonDisabled: (identifier, disabled) => {
      const button = buttonOf(identifier);
      if (button) button.disabled = disabled;
    },
    isButtonDisabled: (identifier) => Boolean(buttonOf(identifier)?.disabled),
    toggleButton: (identifier) => {
      const button = buttonOf(identifier);
      if (button) button.disabled = !button.disabled;
    },
    setButtonHidden: (identifier, hidden) => {
      const button = buttonOf(identifier);
      if (button) button.hidden = hidden;
    },
    isButtonHidden: (identifier) => Boolean(buttonOf(identifier)?.hidden),
  };
  window.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && top()?.options.closeOnEscape !== false) closeByPerson();
  });

  // Flags

  const flags = document.getElementById("flags");
  const flagProvider = {
    create: (options) => {
      const flag = document.createElement("div");
      flag.className = `flag ${options.type}`;
      flag.setAttribute("role", options.type === "error" ? "alert" : "status");
      const title = document.createElement("strong");
      title.textContent = options.title;
      const body = document.createElement("p");
      body.textContent = options.body || "";
      flag.append(title, body);
      const close = () => {
        flag.remove();
        options.onClose?.(options.id);
      };
      const dismiss = document.createElement("button");
      dismiss.type = "button";
      dismiss.textContent = "Dismiss";
      dismiss.addEventListener("click", close);
      options.actions.forEach((action) => {
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = action.actionText;
        button.addEventListener("click", action.executeAction);
        flag.append(button);
      });
      flag.append(dismiss);
      flags.append(flag);
      if (options.close === "auto") setTimeout(close, 8000);
      return { close };
    },
  };

  const register = (name, provider) =>
    connectHost.getFrameworkAdaptor().registerModule({
      getModuleRegistrationName: () => name,
      isEnabled: () => true,
      getProvider: () => provider,
    });
  register("dialog", dialogProvider);
  register("flag", flagProvider);
  window._AP = { dialogModules: { [page.appKey]: page.dialogs } };

  // Macros and their editor

  let edited = null;
  const openEditor = (macro) => {
    edited = macro;
    connectHost.dialog.create(
      {
        addon_key: page.appKey,
        key: macro.key,
        options: { mode: "editor", productContext: { ...page.context, ...macro.parameters } },
      },
      {
        chrome: true,
        header: macro.id ? macro.editor.editTitle : macro.editor.insertTitle,
        width: macro.editor.width,
        height: macro.editor.height,
        submitText: macro.id ? "Save" : "Insert",
      },
    );
  };
  connectHost.defineModule("confluence", {
    saveMacro: (parameters, body, callback) => {
      const { id, key } = edited;
      edited.saved = ask("macros", { page: page.context["page.id"], id, key, parameters, body });
    },
    closeMacroEditor: (callback) => {
      Promise.resolve(edited?.saved).then(() => location.reload());
    },
    getMacroData: (callback) => callback(edited?.id ? edited.parameters : undefined),
    getMacroBody: (callback) => callback(edited?.body || ""),
  });

  // The page itself

  document.querySelectorAll("[data-macro]").forEach((button) => {
    button.addEventListener("click", () => openEditor(JSON.parse(button.dataset.macro)));
  });
  // A pasted address becomes the macro whose pattern it fits.
  document.getElementById("paste")?.addEventListener("change", async ({ target }) => {
    await ask("paste", { page: page.context["page.id"], url: target.value });
    location.reload();
  });
  document.querySelectorAll("[data-frame]").forEach((place) => {
    place.append(create(JSON.parse(place.dataset.frame)));
  });
  document.getElementById("theme").addEventListener("change", ({ target }) => {
    document.cookie = `theme=${target.value}; path=/; samesite=lax`;
    root.dataset.colorMode = target.value;
  });
})();
