// Times in the reader's own locale and zone, and how long ago they were; numbers in that locale.

const absolute = new Intl.DateTimeFormat(undefined, {
  day: "numeric",
  month: "short",
  year: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  timeZoneName: "short",
});
const DAY = { day: "numeric", month: "short", year: "numeric" };
const dayOnly = new Intl.DateTimeFormat(undefined, DAY);
// A day of the trend is one of UTC; elsewhere its midnight may fall on another.
const utcDay = new Intl.DateTimeFormat(undefined, { ...DAY, timeZone: "UTC" });
const relative = new Intl.RelativeTimeFormat("en", { numeric: "always" });
const numbers = new Intl.NumberFormat();
// As the server writes them: thousands apart by a narrow space.
const LONG_NUMBER = /\d{1,3}(?:\u202f\d{3})+/g;
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
  if ("utcDay" in element.dataset) return utcDay.format(time);
  if ("day" in element.dataset) return dayOnly.format(time);
  const age = "absolute" in element.dataset ? "" : ` (${ago(time)})`;
  return absolute.format(time) + age;
}

function localiseNumbers(scope) {
  const texts = document.createTreeWalker(scope, NodeFilter.SHOW_TEXT);
  for (let text = texts.nextNode(); text; text = texts.nextNode()) {
    if (!text.data.includes("\u202f")) continue;
    text.data = text.data.replace(LONG_NUMBER, (said) => numbers.format(said.replaceAll("\u202f", "")));
  }
}

export function localise(scope = document) {
  localiseNumbers(scope);
  for (const element of scope.querySelectorAll("time[datetime]")) {
    const text = written(element, new Date(element.dateTime));
    // What is written anew is read out anew, and loses its selection.
    if (element.textContent !== text) element.textContent = text;
  }
  for (const option of scope.querySelectorAll("option[data-time]")) {
    const time = absolute.format(new Date(option.dataset.time));
    option.textContent = option.dataset.label.replace("{time}", () => time);
  }
}
