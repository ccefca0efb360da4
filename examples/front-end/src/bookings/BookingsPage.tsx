// What was booked, and what was asked for while no calendar was connected.
import { Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { listBookingsOptions, listMeetingRequestsOptions } from "../../generated/@tanstack/react-query.gen";
import { Loading } from "../ui/Loading";
import { ProblemAlert } from "../ui/ProblemAlert";
import { BookingCard } from "./BookingCard";
import { RequestCard } from "./RequestCard";

const LIVE = 5000; // milliseconds

export function BookingsPage() {
  const { t } = useTranslation("host");
  const bookings = useQuery({ ...listBookingsOptions({ query: { limit: 50, order: "-start_at" } }), refetchInterval: LIVE });
  const requests = useQuery({ ...listMeetingRequestsOptions({ query: { limit: 50, status: "pending" } }), refetchInterval: LIVE });
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
      {bookings.data?.items.map((booking) => <BookingCard key={booking.id} booking={booking} />)}
    </Stack>
  );
}
