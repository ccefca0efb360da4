// Booked, or asked for: what and with whom, what comes next, and the links that the visitor also has by mail.
import { Alert, Anchor, Button, Group, Paper, Stack, Text, Title } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { BookingResult, PublicSchedulingPage } from "../../generated";
import { formatMoment } from "../i18n/format";
import { InviteDownload } from "./InviteDownload";
import { useFocusOnce } from "../ui/useFocusOnce";

export function Outcome({ result, page, timeZone }: { result: BookingResult; page: PublicSchedulingPage; timeZone: string }) {
  const { t } = useTranslation();
  const heading = useFocusOnce<HTMLHeadingElement>();
  const booked = result.kind === "booking";
  const token = result.booking_token ?? "";
  const host = (booked ? result.host_name : null) ?? page.host_name;
  return (
    <Paper withBorder p="lg">
      <Stack>
        <Title order={1} size="h2" ref={heading} tabIndex={-1}>{t(booked ? "bookedTitle" : "requestedTitle")}</Title>
        <Text size="lg" fw={600} data-testid="outcome-time">{formatMoment(result.start_at, timeZone)}</Text>
        <Text c="dimmed">{timeZone.replaceAll("_", " ")}</Text>
        <Text className="breaks">{[page.name, ...(host === null ? [] : [t("with", { name: host })])].join(" · ")}</Text>
        <Alert color={booked ? "teal" : "indigo"}>{t(booked ? "bookedText" : "requestedText", { email: result.email })}</Alert>
        {booked ? (
          <Group>
            <InviteDownload bookingId={result.id} token={token} />
            {result.can_reschedule && <Button component={Link} variant="default" to={`/bookings/${result.id}/reschedule#token=${token}`}>{t("reschedule")}</Button>}
            {result.can_cancel && <Button component={Link} variant="default" to={`/bookings/${result.id}/cancel#token=${token}`}>{t("cancel")}</Button>}
          </Group>
        ) : (
          <Group>
            <Button component={Link} variant="default" to={`/meeting-requests/${result.id}/withdraw#token=${token}`}>{t("withdraw")}</Button>
          </Group>
        )}
        {page.redirect_url !== null && <Anchor href={page.redirect_url}>{t("goOn")}</Anchor>}
      </Stack>
    </Paper>
  );
}
