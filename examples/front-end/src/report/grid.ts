// The report's times as weeks of rows and columns. Pure.
import type { ReportedTime } from "../../generated";
import { addDays, civilDay } from "../i18n/format";

/** What a time looks like: how it is offered, or the rule that counts most for closing it. */
export type State = "open" | "request" | "past" | "hours" | "notice" | "taken" | "tentative" | "booked" | "held" | "buffer" | "limit" | "unknown";

export interface Week {
  firstDay: string;
  days: string[];
  /** Local times such as 09:30, rising. */
  rows: string[];
  /** By `day time`. */
  cells: Map<string, ReportedTime>;
}

const STATES: Record<ReportedTime["closed_by"][number]["rule"], State> = {
  past: "past", outside_working_hours: "hours", minimum_notice: "notice", outside_booking_window: "notice",
  daily_limit: "limit", weekly_limit: "limit", busy: "taken", tentative: "tentative", booked: "booked", held: "held",
  buffer_before: "buffer", buffer_after: "buffer", calendar_not_connected: "unknown", calendar_unreachable: "unknown",
  not_known_yet: "unknown",
};
// Of several rules the first of these is shown: what stands in the calendar says more than that a day is full.
const WEIGHT: readonly State[] = ["past", "unknown", "hours", "booked", "taken", "tentative", "held", "buffer", "limit", "notice"];

export function stateOf(time: ReportedTime): State {
  if (time.grade === "confirmable") return "open";
  if (time.grade === "request_only") return "request";
  const states = new Set(time.closed_by.map((rule) => STATES[rule.rule]));
  return WEIGHT.find((state) => states.has(state)) ?? "unknown";
}

export function weeks(items: ReportedTime[], timeZone: string, firstDay: string, count: number): Week[] {
  const clock = new Intl.DateTimeFormat("sv-SE", { timeZone, hour: "2-digit", minute: "2-digit" });
  const cells = new Map<string, ReportedTime>();
  const rows = new Set<string>();
  for (const item of items) {
    const time = clock.format(new Date(item.start_at));
    const key = `${civilDay(item.start_at, timeZone)} ${time}`;
    rows.add(time);
    // Where clocks go back an hour comes twice; the first is shown.
    if (!cells.has(key)) cells.set(key, item);
  }
  const rising = [...rows].sort();
  return Array.from({ length: count }, (_, index) => {
    const first = addDays(firstDay, index * 7);
    return { firstDay: first, days: Array.from({ length: 7 }, (__, day) => addDays(first, day)), rows: rising, cells };
  });
}
