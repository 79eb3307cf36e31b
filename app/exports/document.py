"""The HTML export: one file for readers, offline and on paper, made piece by piece.

No script, no link, no request; every text from outside is escaped where it enters.
"""

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from app.exports import words
from app.exports.evidence import Evidence, ReadEnvironment, baseline, population_line, utc
from app.exports.rows import ApiRow, FindingRow
from app.exports.style import POLICY, STYLE
from app.posture.model import Json, Kind

TITLE = "API Security Posture"
MANY_COLUMNS = 5


HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="%s">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>%s</title>
<style>%s</style>
</head>
<body>
<h1>%s</h1>
<dl class="evidence">
%s
</dl>
"""

TOTALS = """<h2>Summary</h2>
<p>The whole space, whatever the filter: %s.</p>
<ul class="totals">
%s
</ul>
"""

TABLE = """<h2>%s</h2>
<table%s>
<thead><tr>%s</tr></thead>
<tbody>
"""

FINDING_HEADS = (
    ("Severity", ' class="narrow"'),
    ("API", ""),
    ("Finding", ""),
    ("Values", ""),
    ("Seen", ' class="narrow"'),
)

END_OF_TABLE = "</tbody>\n</table>\n"
EMPTY_ROW = '<tr><td class="empty" colspan="%d">%s</td></tr>\n'
END = "</body>\n</html>\n"

API = """<tr>
<th scope="row">%s<small>%s</small></th>
<td><span class="word %s"><span aria-hidden="true">%s</span> %s</span><small>%s</small>%s</td>
%s
</tr>
"""

FINDING = """<tr>
<td><span class="word %s"><span aria-hidden="true">%s</span> %s</span><small>%s</small></td>
<th scope="row">%s<small>%s</small></th>
<td>%s<small>%s</small>%s</td>
<td><ul>%s</ul></td>
<td>%s</td>
</tr>
"""


def head(evidence: Evidence) -> str:
    """Return the document up to its summary: title, policy, style, evidence."""
    title = escape(f"{TITLE}: {evidence.space_name or evidence.space_key or evidence.space_id}")
    facts = "\n".join(
        f"<dt>{name}</dt><dd>{escape(text)}</dd>" for name, text in _told(evidence) if text
    )
    return HEAD % (escape(POLICY), title, STYLE, title, facts)


def _told(evidence: Evidence) -> Iterable[tuple[str, str]]:
    organization = (evidence.organization_name, evidence.organization_id)
    yield "Site", evidence.site
    yield "Space", f"{evidence.space_name} ({evidence.space_key}, id {evidence.space_id})"
    yield "Organisation", " · ".join(filter(None, organization)) or "not recorded"
    yield "Control plane", evidence.control_plane or "not recorded"
    yield "Sync", evidence.sync_id or "none was published yet"
    yield "Sync finished", utc(evidence.sync_finished_at)
    for item in evidence.environments:
        yield f"Read from {escape(item.name)}", _read(item)
    yield "Baseline", baseline(evidence)
    yield "Filters", "; ".join(evidence.told_filters) or "none"
    yield "Population", population_line(evidence)
    yield "Taken by", f"account {evidence.taken_by}"
    yield "Taken at", utc(evidence.taken_at)
    yield "App version", f"Plumbline {evidence.app_version}"
    yield "SHA-256 of the rows", evidence.sha256


def _read(item: ReadEnvironment) -> str:
    when = utc(item.read_at) or "never"
    reason = f": {item.reason}" if item.reason else ""
    return f"{when} ({item.type}, {item.outcome}{reason})"


def totals(all_apis: int, verdicts: Mapping[str, int]) -> str:
    """Return the summary: how many APIs of the space have each verdict."""
    items = "\n".join(
        f'<li><span class="word {verdict}"><span aria-hidden="true">{mark}</span> {word}</span> '
        f"{verdicts[verdict]}</li>"
        for verdict, (mark, word) in words.VERDICTS.items()
    )
    return TOTALS % (words.count(all_apis, "API", "APIs"), items)


def api_table(evidence: Evidence) -> str:
    """Return the beginning of the table of APIs: a column per environment."""
    heads = "".join(f'<th scope="col">{_column(item)}</th>' for item in evidence.shown)
    many = ' class="many"' if len(evidence.shown) > MANY_COLUMNS else ""
    title = f"APIs: {evidence.population.apis}"
    return TABLE % (title, many, f'<th scope="col">API</th><th scope="col">Verdict</th>{heads}')


def _column(item: ReadEnvironment) -> str:
    mark = ", baseline" if item.is_baseline else ""
    return f"{escape(item.name)}<small>{escape(item.type)}{mark}</small>"


def apis(rows: Iterable[ApiRow], evidence: Evidence) -> str:
    """Return the rows of APIs."""
    return "".join([api(row, evidence.shown) for row in rows])


def end_of_apis(evidence: Evidence) -> str:
    """Return the end of the table of APIs; an empty one says so."""
    columns, found = 2 + len(evidence.shown), evidence.population
    return _end(found.apis, columns, words.NO_MATCH if found.all_apis else words.NOTHING_KNOWN)


def api(row: ApiRow, environments: Sequence[ReadEnvironment]) -> str:
    """Return one API's row."""
    mark, word = words.VERDICTS[row.verdict]
    cells = "\n".join([_cell(row.cells.get(item.id)) for item in environments])
    return API % (
        escape(row.name),
        escape(coordinates(row.group_id, row.asset_id)),
        row.verdict,
        mark,
        word,
        escape(row.headline),
        _counts(row),
        cells,
    )


def _counts(row: ApiRow) -> str:
    told = [
        f"{mark} {row.counts[name]} {name}"
        for name, mark in words.SEVERITIES.items()
        if row.counts[name]
    ]
    if row.accepted:
        told.append(f"{row.accepted} accepted")
    if row.coverage["not_read"] or row.coverage["hidden_values"]:
        told.append(escape(row.coverage["sentence"]))
    return "<br>".join(told)


def coordinates(group_id: str | None, asset_id: str | None) -> str:
    """Return where an API stands in Exchange; a legacy one stands nowhere."""
    return f"{group_id}/{asset_id}" if asset_id else "not in Exchange: compared by name"


def _cell(cell: Mapping[str, Json] | None) -> str:
    if cell is None or cell["state"] == "not_deployed":
        kind = ' class="differs"' if cell and cell["is_outlier"] else ' class="empty"'
        return f"<td{kind}>{words.STATES['not_deployed']}</td>"
    differs = cell["is_outlier"]
    told = [_instances(cell["instances"])] if cell["instances"] else []
    if cell["state"] == "unreadable":
        reason = escape(cell["reason"] or "")
        told.insert(0, f"<strong>{words.STATES['unreadable']}</strong><small>{reason}</small>")
    if cell["state"] == "deployed" or cell["instances"]:
        told.append(_facts(cell))
    if differs:
        told.append("<small>differs</small>")
    kind = ' class="differs"' if differs else ""
    return f"<td{kind}>{''.join(told)}</td>"


def _facts(cell: Mapping[str, Json]) -> str:
    policies = words.count(cell["policies"], "policy", "policies")
    if cell["switched_off"]:
        policies += f", {cell['switched_off']} switched off"
    if cell["automated"]:
        policies += f", {cell['automated']} automated"
    contracts = words.count(cell["contracts"], "approved contract", "approved contracts")
    return f"{policies}<br>{_tiers(cell['tiers'])}<br>{contracts}"


def _tiers(names: Sequence[str] | None) -> str:
    if names is None:
        return "SLA tiers: could not read"
    return f"SLA tiers: {escape(', '.join(names)) or 'none'}"


def _instances(instances: Sequence[Mapping[str, Json]]) -> str:
    return "".join([_instance(item) for item in instances])


def _instance(item: Mapping[str, Json]) -> str:
    known = (item["product_version"], item["asset_version"], item["status"], item["label"])
    told = escape(" · ".join([word for word in known if word]))
    return f"<small>{item['instance_id']} {told}</small>"


def finding_table(evidence: Evidence) -> str:
    """Return the beginning of the table of findings."""
    heads = "".join(f'<th scope="col"{width}>{name}</th>' for name, width in FINDING_HEADS)
    return TABLE % (f"Findings: {evidence.population.findings}", "", heads)


def findings(rows: Iterable[FindingRow], evidence: Evidence) -> str:
    """Return the rows of findings, each with its values in all compared environments."""
    return "".join([finding(row, evidence.environments) for row in rows])


def finding(row: FindingRow, environments: Sequence[ReadEnvironment]) -> str:
    """Return one finding's row, with a value for every environment that has one."""
    name = row.name if row.name is not None else "Automated policies of the environments"
    place = coordinates(row.group_id, row.asset_id) if row.name is not None else ""
    where = " · ".join(filter(None, (row.subject, ", ".join(row.paths))))
    seen = f"since {utc(row.first_seen_at)}"
    if row.unconfirmed:
        seen += f"<br>not confirmed since {utc(row.last_seen_at)}"
    return FINDING % (
        row.severity,
        words.SEVERITIES[row.severity],
        row.severity,
        escape(" · ".join(filter(None, (row.rule, row.owasp)))),
        escape(name),
        escape(place),
        escape(row.sentence),
        escape(f"{row.kind.replace('_', ' ')}{': ' + where if where else ''}"),
        f"<small>{escape(words.accepted(row.accepted))}</small>" if row.accepted else "",
        "".join([_value(row, item) for item in environments if item.id in row.values]),
        seen,
    )


def _value(row: FindingRow, environment: ReadEnvironment) -> str:
    # Of a rule, the outliers are those that break it.
    is_odd = environment.id in row.outliers and row.kind != Kind.POSTURE
    mark = " (differs)" if is_odd else ""
    text = escape(words.told(row.kind, row.values[environment.id]))
    return f"<li><bdi>{escape(environment.name)}</bdi>{mark}: <bdi>{text}</bdi></li>"


def end_of_findings(evidence: Evidence) -> str:
    """Return the end of the table of findings and of the document."""
    found = evidence.population.findings
    return _end(found, len(FINDING_HEADS), "No finding matches these filters.") + END


def _end(count: int, columns: int, text: str) -> str:
    return (EMPTY_ROW % (columns, text) if count == 0 else "") + END_OF_TABLE
