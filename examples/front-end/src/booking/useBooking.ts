// A visitor's way from a chosen time to an answer: keep the time, book it, learn what is free instead.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type { AlternativeTime, PublicSchedulingPage, Slot, SlotHold } from "../../generated";
import { bookMeetingMutation, createSlotHoldMutation, releaseSlotHoldMutation } from "../../generated/@tanstack/react-query.gen";
import { asProblem, codeOf } from "../api/problem";
import { currentLanguage } from "../i18n/language";
import { givenAnswers, type Draft } from "./answers";

const GONE = new Set(["slot_unavailable", "hold_expired"]);
// Nothing can be kept where a host confirms by hand; too many are kept already: booking decides then.
const NOT_KEPT = new Set(["calendar_not_connected", "rate_limited", "booking_unavailable"]);

interface Chosen {
  start_at: string;
  onRequest: boolean;
}

interface Options {
  page: PublicSchedulingPage;
  durationMinutes: number;
  timeZone: string;
  proposalId: string | null;
}

export function useBooking({ page, durationMinutes, timeZone, proposalId }: Options) {
  const [chosen, setChosen] = useState<Chosen | null>(null);
  const [hold, setHold] = useState<SlotHold | null>(null);
  const [alternatives, setAlternatives] = useState<AlternativeTime[] | null>(null);
  // One attempt has one key, however often it is sent: an answer that got lost is given again, not made again.
  const [attempt, setAttempt] = useState(() => crypto.randomUUID());
  const keep = useMutation(createSlotHoldMutation());
  const release = useMutation(releaseSlotHoldMutation());
  const book = useMutation(bookMeetingMutation());
  const queries = useQueryClient();
  const path = { page_id: page.id };

  const gone = (error: unknown): boolean => {
    if (!GONE.has(codeOf(error) ?? "")) return false;
    setAlternatives(asProblem(error)?.alternatives ?? []);
    setChosen(null);
    setHold(null);
    return true;
  };

  const choose = (start_at: string, grade: Slot["grade"]) => {
    const onRequest = page.mode === "offline" || grade === "request_only";
    setAlternatives(null);
    setAttempt(crypto.randomUUID());
    book.reset();
    keep.reset();
    if (onRequest) {
      setChosen({ start_at, onRequest });
      return;
    }
    keep.mutate(
      { path, body: { start_at, duration_minutes: durationMinutes } },
      {
        onSuccess: (kept) => { setHold(kept); setChosen({ start_at, onRequest }); },
        onError: (error) => { if (!gone(error) && NOT_KEPT.has(codeOf(error) ?? "")) setChosen({ start_at, onRequest }); },
      },
    );
  };

  const leave = () => {
    if (hold !== null) release.mutate({ path: { hold_id: hold.id }, headers: { "Hold-Token": hold.token } });
    setHold(null);
    setChosen(null);
  };

  const send = (draft: Draft) => {
    if (chosen === null) return;
    const kept = hold !== null && Date.parse(hold.expires_at) > Date.now() ? hold : null;
    book.mutate(
      {
        path,
        headers: { "Idempotency-Key": attempt },
        body: {
          start_at: chosen.start_at,
          duration_minutes: durationMinutes,
          name: draft.name.trim(),
          email: draft.email.trim(),
          guests: draft.guests,
          consent: draft.consent,
          consent_text: page.consent_text,
          answers: givenAnswers(draft),
          time_zone: timeZone,
          language: currentLanguage(),
          hold_id: kept?.id ?? null,
          hold_token: kept?.token ?? null,
          proposal_id: proposalId,
        },
      },
      {
        onError: (error) => {
          gone(error);
          if (codeOf(error) === "consent_required") void queries.invalidateQueries(); // its text may be another by now
          // The answer is remembered under this key: what is changed now is another attempt.
          if (asProblem(error) !== null) setAttempt(crypto.randomUUID());
        },
      },
    );
  };

  const refused = keep.error !== null && !GONE.has(codeOf(keep.error) ?? "") && !NOT_KEPT.has(codeOf(keep.error) ?? "");
  return { chosen, hold, alternatives, result: book.data, choosing: keep.isPending, sending: book.isPending,
    chooseError: refused ? keep.error : null, bookError: book.error, choose, leave, send };
}
