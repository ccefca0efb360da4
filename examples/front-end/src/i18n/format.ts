// Times, days and lengths as people read them, by the browser's own tables.
import { currentLanguage } from "./language";

const DAY: Intl.DateTimeFormatOptions = { weekday: "long", day: "numeric", month: "long" };

/**
 * The language as the reader's own country writes it: British and American dates differ. English without a country is
 * that of the world, where the day comes before the month.
 */
function locale(): string {
  const language = currentLanguage();
  const own = navigator.languages.find((tag) => tag.toLowerCase().startsWith(`${language}-`));
  return own ?? (language === "en" ? "en-GB" : language);
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

/** The time of a day, with the day where it is another than the one that is spoken of: today, when none is named. */
export function formatWhen(instant: string, timeZone: string, day = civilDay(new Date(), timeZone)): string {
  if (civilDay(instant, timeZone) === day) return formatTime(instant, timeZone);
  return format(instant, timeZone, { dateStyle: "medium", timeStyle: "short" });
}

export function formatStamp(instant: string, timeZone: string): string {
  return format(instant, timeZone, { dateStyle: "medium", timeStyle: "medium" });
}

/** A civil day such as 2026-11-23, as it is called. */
export function formatCivilDay(day: string, options: Intl.DateTimeFormatOptions = DAY): string {
  return format(`${day}T12:00:00Z`, "UTC", options);
}

export function formatMinutes(minutes: number): string {
  const units = [[1440, "day"], [60, "hour"]] as const;
  const [length, unit] = units.find(([each]) => minutes > 0 && minutes % each === 0) ?? [1, "minute"];
  const value = minutes / length;
  return new Intl.NumberFormat(locale(), { style: "unit", unit, unitDisplay: "long" }).format(value);
}

export function formatAgo(seconds: number): string {
  const relative = new Intl.RelativeTimeFormat(locale(), { numeric: "always" });
  const absolute = Math.abs(seconds);
  if (absolute < 90) return relative.format(-Math.round(seconds), "second");
  if (absolute < 5400) return relative.format(-Math.round(seconds / 60), "minute");
  if (absolute < 172_800) return relative.format(-Math.round(seconds / 3600), "hour");
  return relative.format(-Math.round(seconds / 86_400), "day");
}

export function formatList(names: string[]): string {
  return new Intl.ListFormat(locale(), { type: "conjunction" }).format(names);
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
