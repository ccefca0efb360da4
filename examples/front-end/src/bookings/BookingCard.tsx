// One booking, and what its host may do with it: move it, call it off, say that nobody came.
import { Anchor, Badge, Button, Group, Paper, Stack, Text, Textarea } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { Booking } from "../../generated";
import { cancelBookingMutation, markBookingNoShowMutation, rescheduleBookingMutation } from "../../generated/@tanstack/react-query.gen";
import { SlotPicker } from "../booking/SlotPicker";
import { browserZone, formatList, formatMoment } from "../i18n/format";
import { useColleagues } from "../session/useColleagues";
import { Dialog } from "../ui/Dialog";
import { ProblemAlert } from "../ui/ProblemAlert";

const COLOURS: Record<Booking["status"], string> = { confirmed: "teal", cancelled: "gray", no_show: "orange" };

export function BookingCard({ booking }: { booking: Booking }) {
  const { t } = useTranslation("host");
  const people = useColleagues();
  return (
    <Paper withBorder p="md" data-testid="booking">
      <Group justify="space-between">
        <div>
          <Group gap="sm">
            <Text fw={600}>{booking.visitor_name}</Text>
            <Badge variant="light" color={COLOURS[booking.status]}>{t(`booking_${booking.status}`)}</Badge>
            {booking.status === "confirmed" && <Badge variant="light" color="gray">{t(`event_${booking.calendar_event.status}`)}</Badge>}
            {booking.assignment !== null && (
              <Badge variant="light" color="grape">{t("byTurns", { name: people.get(booking.host_id)?.name ?? "" })}</Badge>
            )}
          </Group>
          <Text>{formatMoment(booking.start_at, browserZone())}</Text>
          {booking.co_hosts.length > 0 && <Text size="sm">{t("withHosts", { names: names(booking) })}</Text>}
          <Text size="sm" c="dimmed" className="breaks">{booking.title}</Text>
        </div>
        <Anchor component={Link} underline="always" to={`/bookings/${booking.id}/timeline`}>{t("timeline")}</Anchor>
      </Group>
      <Actions booking={booking} />
    </Paper>
  );
}

function names(booking: Booking): string {
  return formatList(booking.co_hosts.map((host) => host.name ?? host.user_id));
}

function Actions({ booking }: { booking: Booking }) {
  const { t } = useTranslation(["host", "visitor"]);
  const queries = useQueryClient();
  const [doing, setDoing] = useState<"move" | "cancel" | null>(null);
  const anew = { onSuccess: async () => { setDoing(null); await queries.invalidateQueries(); } };
  const move = useMutation({ ...rescheduleBookingMutation(), ...anew });
  const cancel = useMutation({ ...cancelBookingMutation(), ...anew });
  const noShow = useMutation({ ...markBookingNoShowMutation(), ...anew });
  // What somebody else has changed meanwhile is looked at first.
  const request = { path: { booking_id: booking.id }, headers: { "If-Match": `"${String(booking.version)}"` } };
  const close = () => { setDoing(null); move.reset(); cancel.reset(); };
  if (booking.allowed_actions.length === 0) return null;
  return (
    <Group mt="sm">
      {booking.allowed_actions.includes("reschedule") && (
        <Button variant="default" size="compact-md" onClick={() => { setDoing("move"); }}>{t("visitor:reschedule")}</Button>
      )}
      {booking.allowed_actions.includes("cancel") && (
        <Button variant="subtle" color="red" size="compact-md" onClick={() => { setDoing("cancel"); }}>{t("visitor:cancel")}</Button>
      )}
      {booking.allowed_actions.includes("no_show") && (
        <Button variant="default" size="compact-md" loading={noShow.isPending} onClick={() => { noShow.mutate(request); }}>{t("didNotCome")}</Button>
      )}
      <ProblemAlert error={noShow.error} />
      <Dialog opened={doing === "move"} size="lg" title={t("visitor:reschedule")} onClose={close}>
        <Move booking={booking} sending={move.isPending} error={move.error} onMove={(start_at) => { move.mutate({ ...request, body: { start_at } }); }} />
      </Dialog>
      <Dialog opened={doing === "cancel"} title={t("visitor:cancelQuestion")} onClose={close}>
        <Cancel sending={cancel.isPending} error={cancel.error} onCancel={(reason) => { cancel.mutate({ ...request, body: { reason } }); }} />
      </Dialog>
    </Group>
  );
}

interface Sending {
  sending: boolean;
  error: unknown;
}

function Move({ booking, sending, error, onMove }: Sending & { booking: Booking; onMove: (start_at: string) => void }) {
  const { t } = useTranslation();
  const [wanted, setWanted] = useState<string | null>(null);
  const zone = browserZone();
  const minutes = (Date.parse(booking.end_at) - Date.parse(booking.start_at)) / 60_000;
  return (
    <Stack>
      <Text c="dimmed">{t("moveFrom", { time: formatMoment(booking.start_at, zone) })}</Text>
      <ProblemAlert error={error} />
      {wanted === null ? (
        <SlotPicker pageId={booking.page_id} durationMinutes={minutes} timeZone={zone} moving={{ id: booking.id }}
          onPick={(slot) => { setWanted(slot.start_at); }} />
      ) : (
        <>
          <Text size="lg" fw={600}>{formatMoment(wanted, zone)}</Text>
          <Group>
            <Button loading={sending} onClick={() => { onMove(wanted); }}>{t("moveTo")}</Button>
            <Button variant="default" onClick={() => { setWanted(null); }}>{t("back")}</Button>
          </Group>
        </>
      )}
    </Stack>
  );
}

function Cancel({ sending, error, onCancel }: Sending & { onCancel: (reason: string | null) => void }) {
  const { t } = useTranslation();
  const [reason, setReason] = useState("");
  return (
    <Stack>
      <Textarea label={t("reason")} value={reason} autosize minRows={2} onChange={(event) => { setReason(event.currentTarget.value); }} />
      <ProblemAlert error={error} />
      <Button color="red" loading={sending} onClick={() => { onCancel(reason.trim() === "" ? null : reason); }}>{t("cancel")}</Button>
    </Stack>
  );
}
