// Another time for a booking that stands.
import { Alert, Button, Group, Paper, Stack, Text } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { PublicBooking } from "../../generated";
import { getPublicBookingQueryKey, reschedulePublicBookingMutation } from "../../generated/@tanstack/react-query.gen";
import { asProblem, codeOf } from "../api/problem";
import { browserZone, formatMoment } from "../i18n/format";
import { ProblemAlert } from "../ui/ProblemAlert";
import { ZoneSelect } from "../ui/ZoneSelect";
import { Alternatives } from "./Alternatives";
import { SlotPicker } from "./SlotPicker";

export function Reschedule({ booking, token }: { booking: PublicBooking; token: string }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [timeZone, setTimeZone] = useState(browserZone);
  const [wanted, setWanted] = useState<string | null>(null);
  const durationMinutes = (Date.parse(booking.end_at) - Date.parse(booking.start_at)) / 60_000;
  const move = useMutation({
    ...reschedulePublicBookingMutation(),
    onSuccess: (changed) => {
      setWanted(null);
      queries.setQueryData(getPublicBookingQueryKey({ path: { booking_id: booking.id }, auth: token }), changed);
    },
    onError: (error) => {
      if (codeOf(error) === "slot_unavailable") setWanted(null);
    },
  });
  if (!booking.can_reschedule) return <Alert color="gray">{t("notPossible")}</Alert>;
  const gone = codeOf(move.error) === "slot_unavailable";
  return (
    <Paper withBorder p={{ base: "md", sm: "lg" }}>
      <Stack>
        {move.isSuccess && wanted === null && <Alert color="teal" role="status">{t("movedText")}</Alert>}
        {gone ? (
          <Alternatives times={asProblem(move.error)?.alternatives ?? []} timeZone={timeZone} onPick={setWanted} />
        ) : (
          <ProblemAlert error={move.error} />
        )}
        {wanted === null ? (
          <>
            <ZoneSelect value={timeZone} onChange={setTimeZone} />
            <SlotPicker key={timeZone} pageId={booking.page_id} durationMinutes={durationMinutes} timeZone={timeZone}
              moving={{ id: booking.id, token }} onPick={(slot) => { move.reset(); setWanted(slot.start_at); }} />
          </>
        ) : (
          <>
            <Text c="dimmed">{t("moveFrom", { time: formatMoment(booking.start_at, timeZone) })}</Text>
            <Text size="lg" fw={600}>{formatMoment(wanted, timeZone)}</Text>
            <Group>
              <Button loading={move.isPending} onClick={() => {
                move.mutate({ path: { booking_id: booking.id }, auth: token, body: { start_at: wanted } });
              }}>{t("moveTo")}</Button>
              <Button variant="default" onClick={() => { setWanted(null); }}>{t("back")}</Button>
            </Group>
          </>
        )}
      </Stack>
    </Paper>
  );
}
