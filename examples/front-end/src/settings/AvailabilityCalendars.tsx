// Calendars that are checked before a time is offered. The primary always is; what cannot be ticked says why.
import { Button, Checkbox, Stack, Text } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import type { Calendar } from "../../generated";
import { listConnectionCalendarsOptions, refreshConnectionCalendarsMutation } from "../../generated/@tanstack/react-query.gen";
import { fieldError } from "../api/problem";
import { ProblemAlert } from "../ui/ProblemAlert";
import { InactiveCalendar } from "./InactiveCalendar";
import type { SectionProps } from "./SettingsForm";

export function AvailabilityCalendars({ connectionId, settings, draft, error, onChange }: SectionProps & { connectionId: string }) {
  const { t } = useTranslation("host");
  const queries = useQueryClient();
  const path = { connection_id: connectionId };
  const calendars = useQuery({ ...listConnectionCalendarsOptions({ path, query: { limit: 100 } }), refetchInterval: 10_000 });
  const refresh = useMutation({
    ...refreshConnectionCalendarsMutation(),
    onSuccess: () => queries.invalidateQueries(),
  });
  const chosen = draft.availability_calendar_ids ?? settings.availability_calendars.map((each) => each.calendar_id);
  const inactive = settings.availability_calendars.filter((each) => each.status === "inactive");
  const toggle = (id: string, ticked: boolean) => {
    onChange({ availability_calendar_ids: ticked ? [...chosen, id] : chosen.filter((each) => each !== id) });
  };
  return (
    <Stack align="stretch">
      {inactive.map((calendar) => <InactiveCalendar key={calendar.calendar_id} calendar={calendar} />)}
      <ProblemAlert error={calendars.error ?? refresh.error} />
      {calendars.data?.items.map((calendar) => (
        <Checkbox key={calendar.id} checked={calendar.is_primary || chosen.includes(calendar.id)} label={calendar.name}
          className="breaks" description={describe(calendar)} disabled={calendar.is_primary || !calendar.eligible_for_availability}
          onChange={(event) => { toggle(calendar.id, event.currentTarget.checked); }} />
      ))}
      {fieldError(error, "/availability_calendar_ids") !== undefined && (
        <Text c="red.9">{fieldError(error, "/availability_calendar_ids")}</Text>
      )}
      <div>
        <Button variant="subtle" size="compact-sm" loading={refresh.isPending} onClick={() => { refresh.mutate({ path }); }}>
          {t("refreshCalendars")}
        </Button>
      </div>
    </Stack>
  );

  function describe(calendar: Calendar): string {
    if (calendar.is_primary) return t("primaryCalendar");
    if (calendar.ineligible_reason !== null) return t("ineligible", { reason: calendar.ineligible_reason.replaceAll("_", " ") });
    return t(`role_${calendar.access_role}`);
  }
}
