// What was booked, and what was asked for while no calendar was connected.
import { Anchor, Badge, Group, Paper, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { Booking } from "../../generated";
import { listBookingsOptions, listMeetingRequestsOptions } from "../../generated/@tanstack/react-query.gen";
import { browserZone, formatMoment } from "../i18n/format";
import { Loading } from "../ui/Loading";
import { ProblemAlert } from "../ui/ProblemAlert";
import { RequestCard } from "./RequestCard";

const LIVE = 5000; // milliseconds
const COLOURS: Record<Booking["status"], string> = { confirmed: "teal", cancelled: "gray", no_show: "orange" };

export function BookingsPage() {
  const { t } = useTranslation("host");
  const bookings = useQuery({ ...listBookingsOptions({ query: { limit: 50 } }), refetchInterval: LIVE });
  const requests = useQuery({ ...listMeetingRequestsOptions({ query: { limit: 50, status: "pending" } }), refetchInterval: LIVE });
  const zone = browserZone();
  return (
    <Stack>
      <Title order={1}>{t("bookingsTitle")}</Title>
      {(bookings.isPending || requests.isPending) && <Loading />}
      <ProblemAlert error={bookings.error ?? requests.error} />
      {requests.data !== undefined && requests.data.items.length > 0 && (
        <>
          <Title order={2} size="h3">{t("requestsTitle")}</Title>
          {requests.data.items.map((request) => <RequestCard key={request.id} request={request} />)}
          <Title order={2} size="h3">{t("bookedTitle")}</Title>
        </>
      )}
      {bookings.data?.items.length === 0 && <Text>{t("noBookings")}</Text>}
      {bookings.data?.items.map((booking) => (
        <Paper key={booking.id} withBorder p="md" data-testid="booking">
          <Group justify="space-between">
            <div>
              <Group gap="sm">
                <Text fw={600}>{booking.visitor_name}</Text>
                <Badge variant="light" color={COLOURS[booking.status]}>{t(`booking_${booking.status}`)}</Badge>
                <Badge variant="light" color="gray">{t(`event_${booking.calendar_event.status}`)}</Badge>
              </Group>
              <Text>{formatMoment(booking.start_at, zone)}</Text>
              <Text size="sm" c="dimmed" className="breaks">{booking.title}</Text>
            </div>
            <Anchor component={Link} underline="always" to={`/bookings/${booking.id}/timeline`}>{t("timeline")}</Anchor>
          </Group>
        </Paper>
      ))}
    </Stack>
  );
}
