// What the CRM is told about one booking: the feed, the log, and every attempt to deliver by webhook.
import { listAuditLog, listEvents, listWebhookDeliveries, listWebhookEndpoints } from "../../generated";
import type { AuditLogEntry, Event, WebhookDelivery } from "../../generated";
import { crm } from "../api/client";
import { asProblem } from "../api/problem";

const PART = 100;
const PARTS = 20; // an example looks at 2000 events at most; a CRM keeps what it has read

export interface Told {
  audit: AuditLogEntry[];
  events: Event[];
  deliveries: WebhookDelivery[];
  hasEndpoint: boolean;
}

/** The whole feed, as far as it is kept. */
async function readFeed(): Promise<Event[]> {
  const found: Event[] = [];
  let after = 0;
  for (let part = 0; part < PARTS; part += 1) {
    const { data, error } = await listEvents({ client: crm, query: { after, limit: PART } });
    if (data === undefined) {
      const oldest = asProblem(error)?.oldest_sequence;
      if (oldest === undefined) throw error as unknown as Error;
      after = oldest - 1; // what was before is kept no more
      continue;
    }
    found.push(...data.items);
    after = data.next_after;
    if (after >= data.last_sequence) break;
  }
  return found;
}

/** The ids that an event's data has under these names. */
function idsIn(event: Event, names: string[]): string[] {
  return names.map((name) => event.data[name]).filter((value) => typeof value === "string");
}

export async function readAll(bookingId: string): Promise<Told> {
  const feed = await readFeed();
  // The request it was made from and the meeting on the timeline name the booking; what else is told of them belongs here.
  const about = feed.filter((event) => idsIn(event, ["id", "booking_id"]).includes(bookingId));
  const subjects = [...new Set([bookingId, ...about.flatMap((event) => idsIn(event, ["id"]))])];
  const events = feed.filter((event) => idsIn(event, ["id"]).some((id) => subjects.includes(id)));
  const ids = new Set(events.map((event) => event.id));
  const { data: endpoints } = await listWebhookEndpoints({ client: crm, throwOnError: true });
  const [logs, deliveries] = await Promise.all([
    Promise.all(subjects.map((subject_id) => listAuditLog({ client: crm, query: { subject_id, limit: PART }, throwOnError: true }))),
    Promise.all(endpoints.items.map((endpoint) =>
      listWebhookDeliveries({ client: crm, path: { endpoint_id: endpoint.id }, query: { limit: PART }, throwOnError: true }))),
  ]);
  return {
    events,
    audit: logs.flatMap((log) => log.data.items),
    deliveries: deliveries.flatMap((each) => each.data.items).filter((each) => ids.has(each.event_id)),
    hasEndpoint: endpoints.items.length > 0,
  };
}
