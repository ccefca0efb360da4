// Times, days and lengths as people read them, by the browser's own tables.
import { currentLanguage } from "./language";

const DAY: Intl.DateTimeFormatOptions = { weekday: "long", day: "numeric", month: "long" };

/** The language as the reader's own country writes it: British and American dates differ. */
function locale(): string {
  const language = currentLanguage();
  return navigator.languages.find((tag) => tag.toLowerCase().split("-")[0] === language) ?? language;
}

export function formatTime(instant: string, timeZone: string): string {
  return format(instant, timeZone, { timeStyle: "short" });
}

export function formatDay(instant: string, timeZone: string): string {
  return format(instant, timeZone, DAY);
}

export function formatMoment(instant: string, timeZone: string): string {
  return format(instant, timeZone, { dateStyle: "full", timeStyle: "short" });
}

export function formatShort(instant: string, timeZone: string): string {
  return format(instant, timeZone, { dateStyle: "short", timeStyle: "short" });
}

export function formatStamp(instant: string, timeZone: string): string {
  return format(instant, timeZone, { dateStyle: "short", timeStyle: "medium" });
}

/** A civil day such as 2026-11-23, as it is called. */
export function formatCivilDay(day: string, options: Intl.DateTimeFormatOptions = DAY): string {
  return format(`${day}T12:00:00Z`, "UTC", options);
}

export function formatMinutes(minutes: number): string {
  const whole = minutes % 60 === 0 && minutes > 0;
  const [value, unit] = whole ? [minutes / 60, "hour"] : [minutes, "minute"];
  return new Intl.NumberFormat(locale(), { style: "unit", unit, unitDisplay: "long" }).format(value);
}

export function formatAgo(seconds: number): string {
  const relative = new Intl.RelativeTimeFormat(locale(), { numeric: "always" });
  const absolute = Math.abs(seconds);
  if (absolute < 90) return relative.format(-Math.round(seconds), "second");
  if (absolute < 5400) return relative.format(-Math.round(seconds / 60), "minute");
  return relative.format(-Math.round(seconds / 3600), "hour");
}

/** The civil day of an instant in a zone: 2026-11-23. */
export function civilDay(instant: string | Date, timeZone: string): string {
  return new Intl.DateTimeFormat("sv-SE", { timeZone, dateStyle: "short" }).format(new Date(instant));
}

export function addDays(day: string, days: number): string {
  const moved = new Date(`${day}T00:00:00Z`);
  moved.setUTCDate(moved.getUTCDate() + days);
  return moved.toISOString().slice(0, 10);
}

// Browsers still list these by names that people and the tz database have left behind.
const RENAMED = new Map([
  ["America/Buenos_Aires", "America/Argentina/Buenos_Aires"],
  ["America/Godthab", "America/Nuuk"],
  ["Asia/Calcutta", "Asia/Kolkata"],
  ["Asia/Katmandu", "Asia/Kathmandu"],
  ["Asia/Rangoon", "Asia/Yangon"],
  ["Asia/Saigon", "Asia/Ho_Chi_Minh"],
  ["Atlantic/Faeroe", "Atlantic/Faroe"],
  ["Europe/Kiev", "Europe/Kyiv"],
]);

export function browserZone(): string {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return RENAMED.get(zone) ?? zone;
}

export function allZones(): string[] {
  const known = Intl.supportedValuesOf("timeZone").map((zone) => RENAMED.get(zone) ?? zone);
  return [...new Set(["UTC", ...known])].sort();
}

function format(instant: string, timeZone: string, options: Intl.DateTimeFormatOptions): string {
  return new Intl.DateTimeFormat(locale(), { timeZone, ...options }).format(new Date(instant));
}
