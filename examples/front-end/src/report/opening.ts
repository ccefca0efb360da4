// The changes that would open a time, as a change of the page. Pure.
import type { ReportedTime, SchedulingPage, SchedulingPageUpdate } from "../../generated";

type Changes = NonNullable<ReportedTime["opened_by"]>;

/** What to change of the page; null: it is not the page alone that is in the way. */
export function pageChange(changes: Changes, page: SchedulingPage): SchedulingPageUpdate | null {
  const update: SchedulingPageUpdate = {};
  for (const change of changes) {
    switch (change.change) {
      case "free_calendar":
      case "move_booking":
      case "connect_calendar":
      case "restore_calendar":
        return null;
      case "booking_window":
        update.booking_window = change.booking_window;
        break;
      case "date_override": {
        const others = page.date_overrides.filter((each) => each.day !== change.date_override.day);
        update.date_overrides = [...others, change.date_override];
        break;
      }
      default:
        update[change.change] = change.value;
    }
  }
  return changes.length > 0 ? update : null;
}
