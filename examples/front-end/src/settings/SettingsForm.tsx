// Everything that is chosen, saved at once: what was not touched is not sent.
import { Button, Group, Paper, Stack, Text, Title } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState, type SubmitEvent } from "react";
import { useTranslation } from "react-i18next";
import type { CalendarSettings, CalendarSettingsUpdate, Connection, Me } from "../../generated";
import { getCalendarSettingsQueryKey, updateCalendarSettingsMutation } from "../../generated/@tanstack/react-query.gen";
import { ProblemAlert } from "../ui/ProblemAlert";
import { AvailabilityCalendars } from "./AvailabilityCalendars";
import { LinkSettings } from "./LinkSettings";
import { SwitchSettings } from "./SwitchSettings";

export interface SectionProps {
  settings: CalendarSettings;
  draft: CalendarSettingsUpdate;
  me: Me;
  error: unknown;
  onChange: (part: CalendarSettingsUpdate) => void;
}

interface Props {
  settings: CalendarSettings;
  connections: Connection[];
  me: Me;
}

export function SettingsForm({ settings, connections, me }: Props) {
  const { t } = useTranslation("host");
  const queries = useQueryClient();
  const [draft, setDraft] = useState<CalendarSettingsUpdate>({});
  const save = useMutation({
    ...updateCalendarSettingsMutation(),
    onSuccess: async (saved) => {
      queries.setQueryData(getCalendarSettingsQueryKey(), saved);
      setDraft({});
      await queries.invalidateQueries();
    },
  });
  const changed = Object.keys(draft).length > 0;
  const section: SectionProps = {
    settings, draft, me, error: save.error,
    onChange: (part) => { setDraft({ ...draft, ...part }); },
  };
  function submit(event: SubmitEvent) {
    event.preventDefault();
    save.mutate({ body: draft, headers: { "If-Match": `"${String(settings.version)}"` } });
  }
  return (
    <form onSubmit={submit}>
      <Stack gap="xl">
        <Paper withBorder p="lg" component="section" aria-labelledby="switches-title">
          <Title order={2} size="h3" mb="md" id="switches-title">{t("switchesTitle")}</Title>
          <SwitchSettings {...section} />
        </Paper>
        {connections.map((connection) => (
          <Paper key={connection.id} withBorder p="lg" component="section" aria-labelledby={`calendars-${connection.id}`}>
            <Title order={2} size="h3" id={`calendars-${connection.id}`}>{t("calendarsTitle")}</Title>
            <Text c="dimmed" mb="md">{t("calendarsText")}</Text>
            <AvailabilityCalendars {...section} connectionId={connection.id} />
          </Paper>
        ))}
        <Paper withBorder p="lg" component="section" aria-labelledby="links-title">
          <Title order={2} size="h3" mb="md" id="links-title">{t("linksTitle")}</Title>
          <LinkSettings {...section} />
        </Paper>
        <div className="save-bar" data-changed={changed || undefined}>
          <ProblemAlert error={save.error} />
          <Group justify="space-between">
            <Text role="status" c="dimmed">{changed ? t("unsaved") : t("saved")}</Text>
            <Button type="submit" size="md" disabled={!changed} loading={save.isPending}>{t("save")}</Button>
          </Group>
        </div>
      </Stack>
    </form>
  );
}
