// How true the mirror of each calendar is, live: the state, how old, who tells us of changes, what is wrong.
import { Badge, Button, Group, Paper, Stack, Text } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import type { AvailabilityCalendar, CalendarSyncState } from "../../generated";
import { getConnectionSyncOptions, getConnectionSyncQueryKey, startConnectionSyncMutation } from "../../generated/@tanstack/react-query.gen";
import { browserZone, formatAgo, formatWhen } from "../i18n/format";
import { ProblemAlert } from "../ui/ProblemAlert";

const LIVE = 4000; // milliseconds
const COLOURS: Record<CalendarSyncState["state"], string> = {
  idle: "teal", running: "indigo", backing_off: "orange", paused: "gray", failed: "red", disabled: "gray",
};

export function SyncStrip({ connectionId, calendars }: { connectionId: string; calendars: AvailabilityCalendar[] }) {
  const { t } = useTranslation("host");
  const queries = useQueryClient();
  const path = { connection_id: connectionId };
  const sync = useQuery({ ...getConnectionSyncOptions({ path }), refetchInterval: LIVE });
  const start = useMutation({
    ...startConnectionSyncMutation(),
    onSuccess: (told) => { queries.setQueryData(getConnectionSyncQueryKey({ path }), told); },
  });
  return (
    <Stack gap="xs">
      <Group justify="space-between">
        <Text fw={600}>{t("syncTitle")}</Text>
        <Button size="compact-sm" variant="subtle" loading={start.isPending} onClick={() => { start.mutate({ path }); }}>
          {t("syncNow")}
        </Button>
      </Group>
      <ProblemAlert error={sync.error ?? start.error} />
      {sync.data?.calendars.map((calendar) => (
        <CalendarState key={calendar.calendar_id} calendar={calendar}
          remedy={calendars.find((each) => each.calendar_id === calendar.calendar_id)?.remedy ?? null} />
      ))}
    </Stack>
  );
}

function CalendarState({ calendar, remedy }: { calendar: CalendarSyncState; remedy: string | null }) {
  const { t } = useTranslation("host");
  const zone = browserZone();
  return (
    <Paper bg="gray.0" p="sm" data-testid="sync-state" data-calendar={calendar.name} data-state={calendar.state}>
      <Group gap="sm">
        <Badge variant="light" color={COLOURS[calendar.state]}>{t(`sync_${calendar.state}`)}</Badge>
        <Text fw={500} className="breaks">{calendar.name}</Text>
      </Group>
      <Text size="sm" c="dimmed">
        {calendar.last_success_at === null ? t("syncNever") : t("syncLast", { time: formatWhen(calendar.last_success_at, zone) })}
        {calendar.lag_seconds !== null && ` · ${t("syncTrue", { ago: formatAgo(calendar.lag_seconds) })}`}
        {` · ${calendar.channel_expires_at === null ? t("syncPolled") : t("syncWatched", { time: formatWhen(calendar.channel_expires_at, zone) })}`}
      </Text>
      {calendar.last_error !== null && (
        <Text size="sm" c="red.9">
          {t("syncProblem", { code: calendar.last_error.replaceAll("_", " "), count: calendar.consecutive_failures })}
          {calendar.next_run_at !== null && ` ${t("syncNext", { time: formatWhen(calendar.next_run_at, zone) })}`}
        </Text>
      )}
      {remedy !== null && <Text size="sm">{remedy}</Text>}
    </Paper>
  );
}
