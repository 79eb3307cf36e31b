"""The one style sheet of an HTML export: light, dark, and landscape paper."""

import base64
import hashlib

STYLE = """
:root { color-scheme: light dark; --text: #172b4d; --subtle: #505f79; --line: #c1c7d0;
  --page: #fff; --head: #f4f5f7; --threat: #ae2a19; --drift: #974f0c; --unknown: #5e4db2;
  --aligned: #216e4e; --differs: #fff3d6; }
@media (prefers-color-scheme: dark) { :root { --text: #dee4ea; --subtle: #9fadbc;
  --line: #454f59; --page: #1d2125; --head: #282e33; --threat: #fd9891; --drift: #fec57b;
  --unknown: #b8acf6; --aligned: #7ee2b8; --differs: #533f04; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 24px; max-width: 1600px; background: var(--page);
  color: var(--text); font: 14px/1.45 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
h1 { font-size: 24px; margin: 0 0 16px; }
h2 { font-size: 18px; margin: 32px 0 8px; }
p { margin: 0 0 8px; }
table { width: 100%; border-collapse: collapse; table-layout: fixed; }
th, td { padding: 6px 8px; border: 1px solid var(--line); text-align: start;
  vertical-align: top; overflow-wrap: anywhere; unicode-bidi: isolate; }
thead th { background: var(--head); }
tbody th { font-weight: 600; }
bdi, dd, li { overflow-wrap: anywhere; }
small { display: block; color: var(--subtle); font-size: 12px; font-weight: 400; }
ul { list-style: none; margin: 0; padding: 0; }
.evidence { display: grid; grid-template-columns: max-content 1fr; gap: 4px 16px; margin: 0;
  padding: 12px 16px; border: 1px solid var(--line); background: var(--head); }
.evidence dt { font-weight: 600; }
.evidence dd { margin: 0; min-width: 0; }
.totals { display: flex; flex-wrap: wrap; gap: 4px 24px; }
.word { font-weight: 700; white-space: nowrap; }
.threat, .critical, .high { color: var(--threat); }
.drift, .medium { color: var(--drift); }
.unknown, .not_comparable { color: var(--unknown); }
.aligned { color: var(--aligned); }
.differs { background: var(--differs); }
.empty { color: var(--subtle); }
.narrow { width: 11%; }
@media screen and (max-width: 640px) {
  body { padding: 16px; }
  .evidence { display: block; }
  .evidence dd { margin-bottom: 8px; }
  table { min-width: 640px; }
  .many { min-width: 1280px; }
}
@page { size: A4 landscape; margin: 12mm; }
@media print {
  :root { color-scheme: light; --text: #000; --subtle: #444; --line: #888; --page: #fff;
    --head: #eee; --threat: #8f1f10; --drift: #7a3f08; --unknown: #463a8c; --aligned: #1a5a40;
    --differs: #fff3d6; }
  body { max-width: none; padding: 0; font-size: 9pt; }
  small { font-size: 8pt; }
  th, td { padding: 3px 5px; }
  thead { display: table-header-group; }
  tr, .evidence { break-inside: avoid; }
  h2 { break-after: avoid; }
  .many { font-size: 7pt; }
  .many small { font-size: 6.5pt; }
}
"""

_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()

POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'"
"""The content security policy of a document: its own style sheet and nothing else."""
