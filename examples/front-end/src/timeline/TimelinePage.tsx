// One booking from the request to the last webhook, by what the API tells of it.
import { Alert, Anchor, Badge, Button, Group, Paper, Stack, Text, Timeline, Title } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link, useParams } from "react-router";
import { createWebhookEndpoint, type Booking } from "../../generated";
import { getBookingOptions } from "../../generated/@tanstack/react-query.gen";
import { crm } from "../api/client";
import { config } from "../app/config";
import { browserZone, formatMoment, formatStamp } from "../i18n/format";
import { listMails } from "../session/session";
import { Loading } from "../ui/Loading";
import { ProblemAlert } from "../ui/ProblemAlert";
import { readAll } from "./feed";
import { steps, type Step } from "./steps";

const LIVE = 3000; // milliseconds
const COLOURS: Record<Step["kind"], string> = { log: "gray", event: "indigo", calendar: "grape", mail: "orange", webhook: "teal" };

export function TimelinePage() {
  const { bookingId = "" } = useParams();
  const booking = useQuery({ ...getBookingOptions({ path: { booking_id: bookingId } }), refetchInterval: LIVE });
  if (booking.isPending) return <Loading />;
  if (booking.isError) return <ProblemAlert error={booking.error} />;
  return <BookingTimeline booking={booking.data} />;
}

function BookingTimeline({ booking }: { booking: Booking }) {
  const { t } = useTranslation("host");
  const zone = browserZone();
  const told = useQuery({ queryKey: ["timeline", booking.id], queryFn: () => readAll(booking.id), refetchInterval: LIVE });
  const mails = useQuery({ queryKey: ["mails", booking.visitor_email], queryFn: () => listMails(booking.visitor_email), refetchInterval: LIVE });
  const listen = useMutation({
    mutationFn: () => createWebhookEndpoint({ client: crm, body: { url: config().webhook_url, description: "front end" }, throwOnError: true }),
    onSuccess: () => told.refetch(),
  });
  // A person has mails about other meetings, too: those that came before this one was made are not about it.
  const since = Date.parse(told.data?.audit[0]?.at ?? booking.created_at) - 1000;
  const own = (mails.data ?? []).filter((mail) => Date.parse(mail.received_at) >= since);
  return (
    <Stack>
      <div>
        <Title order={1}>{t("timeline")}</Title>
        <Anchor component={Link} underline="always" to="/bookings">{t("bookingsTitle")}</Anchor>
      </div>
      <Paper withBorder p="md">
        <Group gap="sm">
          <Text fw={600}>{booking.visitor_name}</Text>
          <Badge variant="light" color={booking.status === "confirmed" ? "teal" : "gray"}>{t(`booking_${booking.status}`)}</Badge>
        </Group>
        <Text>{formatMoment(booking.start_at, zone)}</Text>
        <Text size="sm" c="dimmed" className="breaks">{booking.title}</Text>
      </Paper>
      <Alert color="gray">{t("timelineText")}</Alert>
      {told.data?.hasEndpoint === false && (
        <div><Button variant="default" loading={listen.isPending} onClick={() => { listen.mutate(); }}>{t("listen")}</Button></div>
      )}
      <ProblemAlert error={told.error ?? mails.error ?? listen.error} />
      {told.isPending && <Loading />}
      {told.data !== undefined && (
        <Timeline bulletSize={18} lineWidth={2} active={Number.MAX_SAFE_INTEGER}>
          {steps(booking, told.data, own).map((step) => (
            <Timeline.Item key={step.key} color={COLOURS[step.kind]} title={step.kind === "calendar" ? t(`event_${booking.calendar_event.status}`) : step.title} className="breaks" data-kind={step.kind}>
              <Group gap="xs">
                <Badge variant="light" color={COLOURS[step.kind]}>{t(`step_${step.kind}`)}</Badge>
                <Text size="sm" c="dimmed">{[step.timed ? formatStamp(step.at, zone) : "", step.detail].filter(Boolean).join(" · ")}</Text>
              </Group>
            </Timeline.Item>
          ))}
        </Timeline>
      )}
    </Stack>
  );
}
