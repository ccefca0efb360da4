// A visitor's own booking, by the link in their mail: move it, cancel it. Opening the link changes nothing.
import { Alert, Button, Group, Paper, Stack, Text, Textarea, Title } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useParams } from "react-router";
import type { PublicBooking } from "../../generated";
import { cancelPublicBookingMutation, getPublicBookingOptions, getPublicBookingQueryKey } from "../../generated/@tanstack/react-query.gen";
import { formatMoment } from "../i18n/format";
import { Loading } from "../ui/Loading";
import { ProblemAlert } from "../ui/ProblemAlert";
import { InviteDownload } from "./InviteDownload";
import { PageProblem } from "./PageProblem";
import { Reschedule } from "./Reschedule";
import { useLinkToken } from "./token";
import { VisitorLayout } from "./VisitorLayout";

export function BookingRoute({ action }: { action: "reschedule" | "cancel" }) {
  const { t } = useTranslation();
  const { bookingId = "" } = useParams();
  const token = useLinkToken();
  const booking = useQuery({
    ...getPublicBookingOptions({ path: { booking_id: bookingId }, auth: token ?? "" }),
    enabled: token !== null,
  });
  return (
    <VisitorLayout>
      {token === null && <Alert color="orange">{t("linkIncomplete")}</Alert>}
      {token !== null && booking.isPending && <Loading />}
      <PageProblem error={booking.error} />
      {token !== null && booking.data !== undefined && (
        <Stack>
          <Summary booking={booking.data} token={token} />
          {booking.data.status === "confirmed" && action === "reschedule" && <Reschedule booking={booking.data} token={token} />}
          {booking.data.status === "confirmed" && action === "cancel" && <Cancel booking={booking.data} token={token} />}
        </Stack>
      )}
    </VisitorLayout>
  );
}

function Summary({ booking, token }: { booking: PublicBooking; token: string }) {
  const { t } = useTranslation();
  return (
    <Paper withBorder p="lg">
      <Stack gap="xs">
        <Title order={1} size="h2" className="breaks">{booking.title}</Title>
        <Text size="lg" data-testid="booking-time">{formatMoment(booking.start_at, booking.time_zone)}</Text>
        <Text c="dimmed">{booking.time_zone.replaceAll("_", " ")}</Text>
        {booking.location !== null && <Text className="breaks">{booking.location}</Text>}
        {booking.status === "cancelled" ? (
          <Alert color="orange" role="status" className="breaks">
            {[t("cancelledText"), ...(booking.cancel_reason === null ? [] : [booking.cancel_reason])].join(" ")}
          </Alert>
        ) : (
          <Group>
            {booking.video_url !== null && <Button component="a" href={booking.video_url}>{t("openVideo")}</Button>}
            <InviteDownload bookingId={booking.id} token={token} />
          </Group>
        )}
      </Stack>
    </Paper>
  );
}

function Cancel({ booking, token }: { booking: PublicBooking; token: string }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [reason, setReason] = useState("");
  const cancel = useMutation({
    ...cancelPublicBookingMutation(),
    onSuccess: (changed) => {
      queries.setQueryData(getPublicBookingQueryKey({ path: { booking_id: booking.id }, auth: token }), changed);
    },
  });
  if (!booking.can_cancel) return <Alert color="gray">{t("notPossible")}</Alert>;
  return (
    <Paper withBorder p="lg">
      <Stack align="flex-start">
        <Title order={2} size="h3">{t("cancelQuestion")}</Title>
        <Textarea w="100%" label={t("reason")} value={reason} autosize minRows={2} onChange={(event) => { setReason(event.currentTarget.value); }} />
        <ProblemAlert error={cancel.error} />
        <Group>
          <Button color="red" loading={cancel.isPending} onClick={() => {
            cancel.mutate({ path: { booking_id: booking.id }, auth: token, body: { reason: reason.trim() === "" ? null : reason } });
          }}>{t("cancel")}</Button>
          <Button component={Link} variant="default" to={{ pathname: `/bookings/${booking.id}/reschedule`, hash: `token=${token}` }}>{t("reschedule")}</Button>
        </Group>
      </Stack>
    </Paper>
  );
}
