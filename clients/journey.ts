// The whole journey with the generated TypeScript client: from signing in to a booking that is called off.
//
// The one rule: no path and no field is written here that the client does not know. docs/clients.md shows its regions.
//
//     API_URL=http://127.0.0.1:8000 API_TOKEN=… node journey.js
//
// The token is one that the CRM's identity provider gave to a user. `open` says which page the user has to open.

// #region imports
import { randomUUID } from "node:crypto";
import {
  bookMeeting,
  cancelPublicBooking,
  createConnectionAuthorization,
  createSchedulingPage,
  getConnectionAuthorization,
  getConnectionSync,
  getMe,
  getProviderDisclosure,
  listBookings,
  listPublicSlots,
  reschedulePublicBooking,
  type Booking,
  type Problem,
  type PublicBooking,
  type SchedulingPage,
  type Slot,
} from "calendar-connect-client";
import { createClient, type Client } from "calendar-connect-client/client";
// #endregion

const ZONE = "America/New_York";
const MINUTES = 30;
const PATIENCE = 120_000; // milliseconds

// #region answered
/** The API said no; `problem.code` says why. */
class Refused extends Error {
  constructor(readonly problem: Problem) {
    super(`${problem.code}: ${problem.detail}`);
  }
}

/** What was asked for. Throws Refused. */
async function answered<T>(request: Promise<{ data: T | undefined; error: Problem | undefined }>): Promise<T> {
  const { data, error } = await request;
  if (data === undefined) {
    throw error === undefined ? new Error("nobody answered") : new Refused(error);
  }
  return data;
}
// #endregion

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

// #region connect
/** The connection's id, once the user has consented at the provider. */
async function connect(client: Client): Promise<string> {
  const disclosure = await answered(getProviderDisclosure({ client, path: { provider: "google" } }));
  const started = await answered(
    createConnectionAuthorization({
      client,
      // The user has read the disclosure, and agrees.
      body: { provider: "google", client: "web", disclosure_version: disclosure.version },
    }),
  );
  console.log(`open: ${started.authorization_url}`);
  for (const deadline = Date.now() + PATIENCE; Date.now() < deadline; await pause(500)) {
    const asked = await answered(getConnectionAuthorization({ client, path: { authorization_id: started.id } }));
    if (asked.status === "completed" && asked.connection_id !== null) {
      return asked.connection_id;
    }
    if (asked.status !== "pending") {
      throw new Error(`not connected: ${asked.status}, ${asked.detail}`);
    }
  }
  throw new Error("nobody opened the provider's page");
}

/** Wait until the calendar was read for the first time. */
async function waitUntilRead(client: Client, connection_id: string): Promise<void> {
  for (const deadline = Date.now() + PATIENCE; Date.now() < deadline; await pause(500)) {
    const sync = await answered(getConnectionSync({ client, path: { connection_id } }));
    if (sync.calendars.every((calendar) => calendar.last_success_at !== null)) {
      return;
    }
  }
  throw new Error("the calendar was not read");
}
// #endregion

// #region page
/** A page with half hours on working days; what is not said takes its default. */
function makePage(client: Client): Promise<SchedulingPage> {
  return answered(
    createSchedulingPage({
      client,
      body: { name: "Intro call", type: "personal", durations_minutes: [MINUTES], time_zone: ZONE },
    }),
  );
}

/** What a visitor can choose from in the next two weeks. */
async function freeTimes(client: Client, page_id: string): Promise<Slot[]> {
  const day = (ahead: number) => new Date(Date.now() + ahead * 86_400_000).toISOString().slice(0, 10);
  const query = { time_zone: ZONE, first_day: day(1), last_day: day(14), duration_minutes: MINUTES };
  return (await answered(listPublicSlots({ client, path: { page_id }, query }))).items;
}
// #endregion

// #region book
type Visitor = { name: string; email: string };

/** The same key and the same wish are one booking, however often they are sent: repeat after any timeout. */
async function book(
  client: Client,
  page_id: string,
  start_at: string,
  visitor: Visitor,
  key: string = randomUUID(),
): Promise<PublicBooking> {
  const booked = await answered(
    bookMeeting({
      client,
      path: { page_id },
      headers: { "Idempotency-Key": key },
      body: { start_at, duration_minutes: MINUTES, time_zone: ZONE, ...visitor },
    }),
  );
  if (booked.kind !== "booking") {
    throw new Error("the host has no calendar: this is a request, to be accepted later");
  }
  return booked;
}
// #endregion

// #region conflict
/** The wanted time, or the nearest one that is still open when somebody was faster. */
async function bookOrTakeTheNext(
  client: Client,
  page_id: string,
  wanted: string,
  visitor: Visitor,
): Promise<PublicBooking> {
  try {
    return await book(client, page_id, wanted, visitor);
  } catch (refused) {
    const others = refused instanceof Refused ? (refused.problem.alternatives ?? []) : [];
    const nearest = others[0];
    if (nearest === undefined) {
      throw refused;
    }
    console.log(`taken: ${others.length} other times are offered`);
    return book(client, page_id, nearest.start_at, visitor);
  }
}
// #endregion

// #region change
/** Move a booking, then call it off, as the visitor who holds its token. */
async function change(baseUrl: string, booked: PublicBooking, to: string): Promise<PublicBooking> {
  const client = createClient({ baseUrl, auth: booked.booking_token ?? undefined });
  const path = { booking_id: booked.id };
  const moved = await answered(reschedulePublicBooking({ client, path, body: { start_at: to } }));
  console.log(`moved: ${moved.id}`);
  return answered(cancelPublicBooking({ client, path, body: { reason: "ill" } }));
}
// #endregion

// #region paginate
/** All of the host's bookings; `atOnce` of them come with each answer. */
async function* everyBooking(client: Client, atOnce = 100): AsyncGenerator<Booking> {
  let cursor: string | null | undefined;
  while (cursor !== null) {
    const query = cursor === undefined ? { limit: atOnce } : { limit: atOnce, cursor };
    const part = await answered(listBookings({ client, query }));
    yield* part.items;
    cursor = part.next_cursor;
  }
}
// #endregion

// #region problem
/** Switch on the code; the detail is for people, in their language. A code you do not know counts as its status. */
function whatToDo(problem: Problem): string {
  switch (problem.code) {
    case "validation_failed":
      return `correct ${problem.errors.map((field) => `${field.pointer} (${field.code})`).join(", ")}`;
    case "slot_unavailable":
    case "hold_expired":
      return "choose another time";
    case "rate_limited":
    case "request_in_progress":
    case "booking_unavailable":
      return "wait as long as Retry-After says, then send the same again with the same key";
    default:
      return problem.status < 500 ? "tell the person" : "send the same again later";
  }
}
// #endregion

/** Go all the way, and say what happened. */
async function main(baseUrl: string, token: string): Promise<void> {
  // #region sign-in
  const host = createClient({ baseUrl, auth: token });
  const visitor = createClient({ baseUrl });
  const me = await answered(getMe({ client: host }));
  // #endregion
  console.log(`signed in: ${me.user?.email ?? "a service"}`);
  const connectionId = await connect(host);
  await waitUntilRead(host, connectionId);
  console.log(`connected: ${connectionId}`);
  const page = await makePage(host);
  console.log(`page: ${page.id}`);
  const slots = await freeTimes(visitor, page.id);
  console.log(`free times: ${slots.length}`);
  const [wanted, other, last] = [slots[2], slots[4], slots.at(-1)];
  if (wanted === undefined || other === undefined || last === undefined) {
    throw new Error("too few times are free");
  }
  const grace = { name: "Grace", email: "grace@example.com" };
  const key = randomUUID();
  const first = await book(visitor, page.id, wanted.start_at, grace, key);
  console.log(`booked: ${first.id}`);
  const again = await book(visitor, page.id, wanted.start_at, grace, key);
  console.log(`repeated: ${again.id}`);
  const alan = { name: "Alan", email: "alan@example.com" };
  const second = await bookOrTakeTheNext(visitor, page.id, wanted.start_at, alan);
  console.log(`booked instead: ${second.id}`);
  const cancelled = await change(baseUrl, first, last.start_at);
  console.log(`cancelled: ${cancelled.id}`);
  const listed: string[] = [];
  for await (const booking of everyBooking(host, 1)) {
    listed.push(`${booking.id} ${booking.status}`);
  }
  console.log(`listed: ${listed.sort().join(", ")}`);
  try {
    await book(visitor, page.id, other.start_at, { name: "Nobody", email: "no address" });
  } catch (refused) {
    if (!(refused instanceof Refused)) {
      throw refused;
    }
    console.log(`refused: ${whatToDo(refused.problem)}`);
  }
}

const { API_URL, API_TOKEN } = process.env;
if (API_URL === undefined || API_TOKEN === undefined) {
  throw new Error("API_URL and API_TOKEN say where, and who asks");
}
await main(API_URL, API_TOKEN);
