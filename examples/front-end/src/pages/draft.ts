// A page as it stands in the form, and as it is sent. Pure.
import type { FormField, Language, Location, SchedulingPage, SchedulingPageUpdate, WeeklyHours } from "../../generated";
import { browserZone } from "../i18n/format";
import { currentLanguage } from "../i18n/language";

export type Day = WeeklyHours["day"];
export const DAYS: readonly Day[] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/** Minutes between two starts. */
export const INCREMENTS = [5, 10, 15, 20, 30, 45, 60, 90, 120] as const;

export interface PageDraft {
  type: SchedulingPage["type"];
  /** Who hosts beside the owner; of a personal page nobody does. */
  member_ids: string[];
  name: string;
  slug: string;
  description: string;
  time_zone: string;
  language: Language;
  durations_minutes: number[];
  hours: Partial<Record<Day, { start: string; end: string }>>;
  /** Null: as long as the meeting. */
  increment_minutes: (typeof INCREMENTS)[number] | null;
  buffer_before_minutes: number;
  buffer_after_minutes: number;
  minimum_notice_minutes: number;
  window_days: number;
  daily_limit: number | null;
  weekly_limit: number | null;
  max_guests: number;
  consent_text: string;
  location: Location;
  form_fields: FormField[];
  redirect_url: string | null;
  reschedule_cutoff_minutes: number;
  cancel_cutoff_minutes: number;
  reminders_minutes_before: number[];
}

const WORKDAY = { start: "09:00", end: "17:00" };

export function newDraft(): PageDraft {
  return {
    type: "personal", member_ids: [], name: "", slug: "", description: "", time_zone: browserZone(), language: currentLanguage(),
    durations_minutes: [30], hours: Object.fromEntries(DAYS.slice(0, 5).map((day) => [day, WORKDAY])),
    increment_minutes: null, buffer_before_minutes: 0, buffer_after_minutes: 0, minimum_notice_minutes: 240, window_days: 30,
    daily_limit: null, weekly_limit: null, max_guests: 0, consent_text: "", location: { kind: "none" }, form_fields: [],
    redirect_url: null, reschedule_cutoff_minutes: 0, cancel_cutoff_minutes: 0, reminders_minutes_before: [],
  };
}

export function draftOf(page: SchedulingPage): PageDraft {
  const {
    type, name, description, time_zone, language, durations_minutes, buffer_before_minutes, buffer_after_minutes,
    minimum_notice_minutes, daily_limit, weekly_limit, max_guests, location, form_fields, redirect_url,
    reschedule_cutoff_minutes, cancel_cutoff_minutes, reminders_minutes_before,
  } = page;
  return {
    type, name, description, time_zone, language, durations_minutes, buffer_before_minutes, buffer_after_minutes,
    minimum_notice_minutes, daily_limit, weekly_limit, max_guests, location, form_fields, redirect_url,
    reschedule_cutoff_minutes, cancel_cutoff_minutes, reminders_minutes_before,
    member_ids: page.members.filter((member) => !member.organizes).map((member) => member.user_id),
    slug: page.slug.split("/").at(-1) ?? page.slug, hours: hoursOf(page.weekly_hours), window_days: windowDays(page),
    increment_minutes: INCREMENTS.find((each) => each === page.increment_minutes) ?? null,
    consent_text: page.consent_text ?? "",
  };
}

/** What is sent; `before` is how the page was, so that only what changed is. */
export function changes(draft: PageDraft, before: PageDraft | null): SchedulingPageUpdate & { name: string } {
  const { type, member_ids, hours, window_days, slug, consent_text, ...same } = draft;
  const isNew = <K extends keyof PageDraft>(...names: K[]) =>
    before === null || names.some((name) => JSON.stringify(draft[name]) !== JSON.stringify(before[name]));
  return {
    ...same,
    ...(type !== "personal" && isNew("member_ids") ? { member_ids } : {}),
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
