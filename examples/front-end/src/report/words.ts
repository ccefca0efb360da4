// Rules and changes of the report, in words.
import { useTranslation } from "react-i18next";
import type { AvailabilityReport, ReportedTime } from "../../generated";
import { civilDay, formatMinutes, formatWhen } from "../i18n/format";

type Rule = ReportedTime["closed_by"][number];
type Change = NonNullable<ReportedTime["opened_by"]>[number];

/** What is said of `time`: what lasts over midnight names its days. */
export function useWords(report: AvailabilityReport, time: ReportedTime): { rule: (rule: Rule) => string; change: (change: Change) => string } {
  const { t } = useTranslation("host");
  const names = new Map(report.hosts.flatMap((host) => host.calendars.map((each) => [each.calendar_id, each.name])));
  const calendar = (id: string | null) => (id === null ? t("someCalendar") : (names.get(id) ?? t("someCalendar")));
  const host = (id: string) => report.hosts.find((each) => each.user_id === id)?.name ?? t("theHost");
  const zone = report.time_zone;
  const day = civilDay(time.start_at, zone);
  const span = (from: string, to: string) => `${formatWhen(from, zone, day)}–${formatWhen(to, zone, day)}`;

  const rule = (told: Rule): string => {
    if ("start_at" in told) {
      return t(`rule_${told.rule}`, { span: span(told.start_at, told.end_at), calendar: calendar(told.calendar_id), host: host(told.host_id) });
    }
    if ("host_id" in told) return t(`rule_${told.rule}`, { calendar: calendar(told.calendar_id), host: host(told.host_id) });
    return t(`rule_${told.rule}`);
  };

  const change = (told: Change): string => {
    switch (told.change) {
      case "free_calendar":
      case "move_booking":
        return t(`change_${told.change}`, { span: span(told.start_at, told.end_at), calendar: calendar(told.calendar_id), host: host(told.host_id) });
      case "connect_calendar":
      case "restore_calendar":
        return t(`change_${told.change}`, { calendar: calendar(told.calendar_id), host: host(told.host_id) });
      case "booking_window":
        return t("change_booking_window");
      case "date_override":
        return t("change_date_override", { hours: told.date_override.hours.map((each) => `${each.start}–${each.end}`).join(", ") });
      case "daily_limit":
      case "weekly_limit":
        return t(`change_${told.change}`, { value: told.value });
      default:
        return t(`change_${told.change}`, { value: formatMinutes(told.value) });
    }
  };
  return { rule, change };
}
