// A page as it stands in the form, and as it is sent. Pure.
import type { FormField, Language, Location, SchedulingPage, SchedulingPageUpdate, WeeklyHours } from "../../generated";
import { browserZone } from "../i18n/format";
import { currentLanguage } from "../i18n/language";

export type Day = WeeklyHours["day"];
export const DAYS: readonly Day[] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

export interface PageDraft {
  name: string;
  slug: string;
  description: string;
  time_zone: string;
  language: Language;
  durations_minutes: number[];
  hours: Partial<Record<Day, { start: string; end: string }>>;
  buffer_after_minutes: number;
  minimum_notice_minutes: number;
  window_days: number;
  daily_limit: number | null;
  max_guests: number;
  consent_text: string;
  location: Location;
  form_fields: FormField[];
}

const WORKDAY = { start: "09:00", end: "17:00" };

export function newDraft(): PageDraft {
  return {
    name: "", slug: "", description: "", time_zone: browserZone(), language: currentLanguage(),
    durations_minutes: [30], hours: Object.fromEntries(DAYS.slice(0, 5).map((day) => [day, WORKDAY])),
    buffer_after_minutes: 0, minimum_notice_minutes: 60, window_days: 30, daily_limit: null, max_guests: 3,
    consent_text: "", location: { kind: "none" }, form_fields: [],
  };
}

export function draftOf(page: SchedulingPage): PageDraft {
  return {
    name: page.name, slug: page.slug.split("/").at(-1) ?? page.slug, description: page.description,
    time_zone: page.time_zone, language: page.language, durations_minutes: page.durations_minutes,
    hours: hoursOf(page.weekly_hours), buffer_after_minutes: page.buffer_after_minutes,
    minimum_notice_minutes: page.minimum_notice_minutes, window_days: windowDays(page), daily_limit: page.daily_limit,
    max_guests: page.max_guests, consent_text: page.consent_text ?? "", location: page.location, form_fields: page.form_fields,
  };
}

/** What is sent; `before` is how the page was, so that only what changed is. */
export function changes(draft: PageDraft, before: PageDraft | null): SchedulingPageUpdate & { name: string } {
  const { hours, window_days, slug, consent_text, ...same } = draft;
  const isNew = <K extends keyof PageDraft>(...names: K[]) =>
    before === null || names.some((name) => JSON.stringify(draft[name]) !== JSON.stringify(before[name]));
  return {
    ...same,
    ...(isNew("slug") && slug !== "" ? { slug } : {}),
    ...(isNew("consent_text") ? { consent_text: consent_text === "" ? null : consent_text } : {}),
    ...(isNew("hours") ? { weekly_hours: weekly(hours) } : {}),
    ...(isNew("window_days") ? { booking_window: { kind: "rolling_days" as const, days: window_days } } : {}),
  };
}

function weekly(hours: PageDraft["hours"]): WeeklyHours[] {
  return DAYS.flatMap((day) => (hours[day] === undefined ? [] : [{ day, ...hours[day] }]));
}

/** The day's first stretch: this form shows one, the API takes several. */
function hoursOf(weekly_hours: WeeklyHours[]): PageDraft["hours"] {
  const found: PageDraft["hours"] = {};
  for (const { day, start, end } of weekly_hours) found[day] ??= { start, end };
  return found;
}

function windowDays(page: SchedulingPage): number {
  return page.booking_window.kind === "rolling_days" ? page.booking_window.days : 30;
}
