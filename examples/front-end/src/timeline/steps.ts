// Everything that is known of a booking as one line of steps, by time. Pure.
import type { Booking } from "../../generated";
import type { MailEnvelope } from "../session/session";
import type { Told } from "./feed";

export interface Step {
  key: string;
  at: string;
  /** When it was is known; else it only stands where it belongs. */
  timed: boolean;
  kind: "log" | "event" | "calendar" | "mail" | "webhook";
  title: string;
  detail: string;
}

const ORDER: Step["kind"][] = ["log", "event", "calendar", "mail", "webhook"];

export function steps(booking: Booking, told: Told, mails: MailEnvelope[]): Step[] {
  // The API tells what has become of the event, not when.
  const event: Step = {
    key: "calendar", at: booking.created_at, timed: false, kind: "calendar", title: booking.calendar_event.status,
    detail: booking.calendar_event.error ?? "",
  };
  const found: Step[] = [
    ...(booking.status === "confirmed" ? [event] : []),
    ...told.audit.map((entry): Step => ({
      key: `log-${String(entry.sequence)}`, at: entry.at, timed: true, kind: "log", title: entry.action,
      detail: `${entry.actor.kind} · #${String(entry.sequence)}`,
    })),
    ...told.events.map((each): Step => ({
      key: each.id, at: each.occurred_at, timed: true, kind: "event", title: each.type,
      detail: `#${String(each.sequence)}`,
    })),
    ...mails.map((mail): Step => ({
      key: `mail-${String(mail.number)}`, at: mail.received_at, timed: true, kind: "mail", title: mail.subject,
      detail: mail.envelope_to.join(", "),
    })),
    ...told.deliveries.map((delivery): Step => ({
      key: delivery.id, at: delivery.created_at, timed: true, kind: "webhook", title: delivery.event_type,
      detail: `#${String(delivery.sequence)} · ${delivery.status} ${String(delivery.status_code ?? delivery.error ?? "")} · ${String(delivery.duration_ms ?? "–")} ms`,
    })),
  ];
  return found.sort((a, b) => Date.parse(a.at) - Date.parse(b.at) || ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind));
}
