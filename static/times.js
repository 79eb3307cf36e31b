// Times in the reader's own locale and zone, and how long ago they were.

const absolute = new Intl.DateTimeFormat(undefined, {
  day: "numeric",
  month: "short",
  year: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  timeZoneName: "short",
});
const dayOnly = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });
const relative = new Intl.RelativeTimeFormat("en", { numeric: "always" });
const UNITS = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

function ago(time) {
  const seconds = Math.max(0, (Date.now() - time.getTime()) / 1000);
  const unit = UNITS.find(([, length]) => seconds >= length);
  return unit ? relative.format(-Math.floor(seconds / unit[1]), unit[0]) : "just now";
}

function written(element, time) {
  if ("day" in element.dataset) return dayOnly.format(time);
  const age = "absolute" in element.dataset ? "" : ` (${ago(time)})`;
  return absolute.format(time) + age;
}

export function localise(scope = document) {
  for (const element of scope.querySelectorAll("time[datetime]")) {
    const time = new Date(element.dateTime);
    element.textContent = written(element, time);
  }
  for (const option of scope.querySelectorAll("option[data-time]")) {
    const time = absolute.format(new Date(option.dataset.time));
    option.textContent = option.dataset.label.replace("{time}", () => time);
  }
}
