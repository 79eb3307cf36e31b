// PDF, Word and the legacy editor: what a macro shows, as Atlassian's document format.

import { invokeRemote } from "@forge/api";

const NOT_AVAILABLE = "This content is not available here.";

function sentence(text) {
  const content = [{ type: "paragraph", content: [{ type: "text", text }] }];
  return { version: 1, type: "doc", content };
}

export async function exportMacro(payload) {
  const extension = payload?.context?.extension ?? payload?.extensionPayload ?? {};
  const module = payload?.context?.moduleKey ?? "";
  try {
    const answer = await invokeRemote("core", {
      path: "/forge/export",
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ module, parameters: extension.config ?? {} }),
    });
    return answer.ok ? (await answer.json()).adf : sentence(NOT_AVAILABLE);
  } catch {
    return sentence(NOT_AVAILABLE);
  }
}
