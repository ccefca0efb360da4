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
  type AlternativeTime,
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
/** The API said no; `problem.code` says why, `retryAfter` in how many seconds the same may be sent again. */
class Refused extends Error {
  readonly retryAfter: number | undefined;

  constructor(
    readonly problem: Problem,
    response: Response,
  ) {
    super(`${problem.code}: ${problem.detail}`);
    const header = response.headers.get("Retry-After");
    this.retryAfter = header === null ? undefined : Number(header);
  }
}

type Answer<T> = { data: T | undefined; error: Problem | undefined; response?: Response };

/** What was asked for. Throws Refused; anything else when nobody answered, or a proxy before the API. */
async function answered<T>(request: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await request;
  if (data !== undefined) {
    return data;
  }
  const isProblem = typeof error === "object" && "code" in error;
  throw response !== undefined && isProblem ? new Refused(error, response) : new TypeError("nobody answered");
}
// #endregion

// #region patience
const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Send the same again when no answer came, and when the API says that it is worth it. */
async function patiently<T>(send: () => Promise<T>, tries = 5): Promise<T> {
  for (let tried = 0; tried < tries - 1; tried += 1) {
    try {
      return await send();
    } catch (failed) {
      const wait = failed instanceof Refused ? failed.retryAfter : 2 ** tried;
      if (wait === undefined) {
        throw failed;
      }
      await pause(wait * 1000);
    }
  }
  return send();
}
// #endregion

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

/** The same key and the same wish are one booking, however often they are sent. */
async function book(
  client: Client,
  page_id: string,
  start_at: string,
  visitor: Visitor,
  key: string,
): Promise<PublicBooking> {
  const headers = { "Idempotency-Key": key };
  const body = { start_at, duration_minutes: MINUTES, time_zone: ZONE, ...visitor };
  const booked = await patiently(() => answered(bookMeeting({ client, path: { page_id }, headers, body })));
  if (booked.kind !== "booking") {
    throw new Error("the host has no calendar: this is a request, to be accepted later");
  }
  return booked;
}
// #endregion

// #region conflict
/** The booking, or other open times to show. Which of them the visitor takes is a new wish, with a new key. */
async function bookOrOffer(
  client: Client,
  page_id: string,
  wanted: string,
  visitor: Visitor,
  key: string,
): Promise<PublicBooking | AlternativeTime[]> {
  try {
    return await book(client, page_id, wanted, visitor, key);
  } catch (refused) {
    if (refused instanceof Refused && refused.problem.code === "slot_unavailable") {
      return refused.problem.alternatives ?? [];
    }
    throw refused;
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
    case "overloaded":
      return "wait as long as Retry-After says, then send the same again with the same key";
    case "booking_unavailable":
      return "the same where there is a Retry-After; else the host is unavailable";
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
  const offered = await bookOrOffer(visitor, page.id, wanted.start_at, alan, randomUUID());
  const nearest = Array.isArray(offered) ? offered[0] : undefined;
  if (!Array.isArray(offered) || nearest === undefined) {
    throw new Error("two bookings of one time, or no other time is open");
  }
  console.log(`taken: ${offered.length} other times are offered`);
  const second = await book(visitor, page.id, nearest.start_at, alan, randomUUID());
  console.log(`booked instead: ${second.id}`);
  const cancelled = await change(baseUrl, first, last.start_at);
  console.log(`cancelled: ${cancelled.id}`);
  const listed: string[] = [];
  for await (const booking of everyBooking(host, 1)) {
    listed.push(`${booking.id} ${booking.status}`);
  }
  console.log(`listed: ${listed.sort().join(", ")}`);
  try {
    await book(visitor, page.id, other.start_at, { name: "Nobody", email: "no address" }, randomUUID());
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
