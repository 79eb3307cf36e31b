// PDF, Word, e-mail and the page history: what a macro shows, as Atlassian's document format.

import { invokeRemote } from "@forge/api";

const NOT_AVAILABLE = "This content is not available here.";

function sentence(text) {
  const content = [{ type: "paragraph", content: [{ type: "text", text }] }];
  return { version: 1, type: "doc", content };
}

// Where the macro's parameters stand differs by output: Word's in the context, PDF's beside it.
function parametersOf({ config, context, extensionPayload }) {
  return { ...context?.extension?.config, ...context?.config, ...extensionPayload?.config, ...config };
}

// Forge signs no place for a function's call: this says which one, and the person's token what may be seen.
function spaceOf({ context }) {
  return context?.extension?.space?.key ?? context?.spaceKey ?? context?.space?.key ?? "";
}

// One function per macro: no output says for certain which macro it is about.
function exporterOf(module) {
  return async (payload) => {
    try {
      const answer = await invokeRemote("core", {
        path: "/forge/export",
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({
          module,
          parameters: parametersOf(payload ?? {}),
          space: spaceOf(payload ?? {}),
        }),
      });
      return answer.ok ? (await answer.json()).adf : sentence(NOT_AVAILABLE);
    } catch {
      return sentence(NOT_AVAILABLE);
    }
  };
}

export const exportApi = exporterOf("plumbline-api");
export const exportOverview = exporterOf("plumbline-overview");
export const exportTrend = exporterOf("plumbline-trend");
