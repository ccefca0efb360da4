// Compiled, never run: what a caller in TypeScript should be able to write against the generated client.
import {
  bookMeeting,
  listPublicSlots,
  type BookingResult,
  type Problem,
  type SchedulingPageUpdate,
} from "../../build/typescript-client";

// An answer's union narrows by its discriminator.
export function told(result: BookingResult): string {
  switch (result.kind) {
    case "booking":
      return result.calendar_event.status;
    case "meeting_request":
      return result.expires_at;
  }
}

// Only what changes is sent; null clears.
export const change: SchedulingPageUpdate = { daily_limit: null, durations_minutes: [30, 60] };

// A refusal is a problem with a code and, where it helps, more.
export function alternatives(problem: Problem): string[] {
  return problem.code === "slot_unavailable" ? (problem.alternatives ?? []).map((time) => time.start_at) : [];
}

export async function bookFirst(page_id: string): Promise<string> {
  const slots = await listPublicSlots({
    path: { page_id },
    query: { time_zone: "Europe/Rome", first_day: "2026-12-01", last_day: "2026-12-31", duration_minutes: 30 },
  });
  const start_at = slots.data?.items[0]?.start_at;
  if (start_at === undefined) {
    return "none";
  }
  const booked = await bookMeeting({
    path: { page_id },
    body: { start_at, duration_minutes: 30, name: "Ada", email: "ada@example.com", time_zone: "Europe/Rome" },
  });
  return booked.data === undefined ? alternatives(booked.error).join() : told(booked.data);
}
