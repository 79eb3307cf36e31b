// The host script expects the product's jQuery and AJS before it is loaded.
window.AJS = {
  $: window.jQuery,
  escapeHtml: (text) => String(text).replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`),
  Meta: { get: () => undefined },
};
