// A scheduling page as its visitors see it.
import { Alert, Group, NativeSelect, Paper, Stack, Text } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";
import type { PublicSchedulingPage } from "../../generated";
import { getPublicSchedulingPageOptions } from "../../generated/@tanstack/react-query.gen";
import { browserZone, civilDay, formatMinutes, formatMoment } from "../i18n/format";
import { Loading } from "../ui/Loading";
import { ProblemAlert } from "../ui/ProblemAlert";
import { ZoneSelect } from "../ui/ZoneSelect";
import { Alternatives } from "./Alternatives";
import { draftFrom } from "./answers";
import { BookingForm } from "./BookingForm";
import { HoldCountdown } from "./HoldCountdown";
import { Outcome } from "./Outcome";
import { PageHeader } from "./PageHeader";
import { PageProblem } from "./PageProblem";
import { Proposal } from "./Proposal";
import { SlotPicker } from "./SlotPicker";
import { Unavailable } from "./Unavailable";
import { useBooking } from "./useBooking";
import { usePrefill } from "./usePrefill";

export function BookingPage({ pageId }: { pageId: string }) {
  const page = useQuery(getPublicSchedulingPageOptions({ path: { page_id: pageId } }));
  if (page.isPending) return <Loading />;
  if (page.isError) return <PageProblem error={page.error} />;
  return <OpenPage page={page.data} />;
}

function OpenPage({ page }: { page: PublicSchedulingPage }) {
  const { t } = useTranslation();
  const [search] = useSearchParams();
  const queries = useQueryClient();
  const asked = Number(search.get("duration_minutes"));
  const [durationMinutes, setDuration] = useState(page.durations_minutes.includes(asked) ? asked : (page.durations_minutes[0] ?? 30));
  const [timeZone, setTimeZone] = useState(browserZone);
  const [allTimes, setAllTimes] = useState(false);
  const proposalId = search.get("proposal");
  const booking = useBooking({ page, durationMinutes, timeZone, proposalId });
  const { chosen, alternatives } = booking;
  const prefill = usePrefill(page.id);
  useEffect(() => {
    // Somebody was quicker: what is listed is no longer so.
    if (alternatives !== null) void queries.invalidateQueries({ queryKey: [{ _id: "listPublicSlots" }] });
  }, [alternatives, queries]);

  if (booking.result !== undefined) return <Outcome result={booking.result} page={page} timeZone={timeZone} />;
  const startAt = search.get("start_at");
  return (
    <>
      <PageHeader page={page} />
      {!page.host_available ? (
        <Unavailable pageId={page.id} />
      ) : (
        <Stack>
          {page.mode === "offline" && <Alert color="indigo">{t("offlineNote")}</Alert>}
          {alternatives !== null && (
            <Alternatives times={alternatives} timeZone={timeZone} onPick={(start) => { booking.choose(start, "confirmable"); }} />
          )}
          <ProblemAlert error={booking.chooseError} />
          <Paper withBorder p={{ base: "md", sm: "lg" }}>
            <Group grow preventGrowOverflow={false} mb="lg" align="flex-end">
              {page.durations_minutes.length > 1 && chosen === null && (
                <NativeSelect label={t("duration")} value={String(durationMinutes)}
                  data={page.durations_minutes.map((minutes) => ({ value: String(minutes), label: formatMinutes(minutes) }))}
                  onChange={(event) => { setDuration(Number(event.currentTarget.value)); }} />
              )}
              <ZoneSelect value={timeZone} onChange={setTimeZone} />
            </Group>
            {chosen === null && proposalId !== null && !allTimes && (
              <Proposal proposalId={proposalId} wanted={startAt} timeZone={timeZone} busy={booking.choosing}
                onPick={booking.choose}
                onAllTimes={() => { setAllTimes(true); }} />
            )}
            {chosen === null && (proposalId === null || allTimes) && (
              <SlotPicker key={timeZone} pageId={page.id} durationMinutes={durationMinutes} timeZone={timeZone}
                from={startAt === null ? undefined : civilDay(startAt, timeZone)} busy={booking.choosing}
                onPick={(slot) => { booking.choose(slot.start_at, slot.grade); }} />
            )}
            {chosen !== null && (
              <Stack>
                <div>
                  <Text size="lg" fw={600}>{formatMoment(chosen.start_at, timeZone)}</Text>
                  {page.durations_minutes.length > 1 && <Text c="dimmed">{formatMinutes(durationMinutes)}</Text>}
                </div>
                {booking.hold !== null && <HoldCountdown expiresAt={booking.hold.expires_at} />}
                {prefill.said !== null && <Text c="dimmed">{t("prefilled")}</Text>}
                {!prefill.loading && (
                  <BookingForm page={page} initial={draftFrom(page, search, prefill.said)} asRequest={chosen.onRequest}
                    sending={booking.sending} error={booking.bookError} onBack={booking.leave} onSend={booking.send} />
                )}
              </Stack>
            )}
          </Paper>
        </Stack>
      )}
    </>
  );
}
