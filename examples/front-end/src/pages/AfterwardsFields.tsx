// What comes after booking: where visitors are led, how long they can change their mind, when everybody is reminded.
import { MultiSelect, NumberInput, SimpleGrid, Stack, TextInput, Title } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { fieldError } from "../api/problem";
import { formatMinutes } from "../i18n/format";
import type { FieldsProps } from "./PageFields";

const REMINDERS = [10080, 2880, 1440, 120, 60, 15]; // minutes

export function AfterwardsFields({ draft, error, onChange }: FieldsProps) {
  const { t } = useTranslation("host");
  const reminders = [...new Set([...REMINDERS, ...draft.reminders_minutes_before])].sort((a, b) => b - a);
  const number = (value: number | string) => (typeof value === "number" ? value : 0);
  return (
    <Stack>
      <Title order={2} size="h4">{t("afterwards")}</Title>
      <TextInput label={t("redirectUrl")} type="url" placeholder="https://…" value={draft.redirect_url ?? ""} error={fieldError(error, "/redirect_url")}
        onChange={(event) => { onChange({ redirect_url: event.currentTarget.value === "" ? null : event.currentTarget.value }); }} />
      <MultiSelect label={t("reminders")} description={t("reminders_help")} maxValues={3} value={draft.reminders_minutes_before.map(String)}
        data={reminders.map((minutes) => ({ value: String(minutes), label: formatMinutes(minutes) }))}
        error={fieldError(error, "/reminders_minutes_before")}
        onChange={(values) => { onChange({ reminders_minutes_before: values.map(Number) }); }} />
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <NumberInput label={t("rescheduleCutoff")} min={0} max={43200} value={draft.reschedule_cutoff_minutes}
          error={fieldError(error, "/reschedule_cutoff_minutes")} onChange={(value) => { onChange({ reschedule_cutoff_minutes: number(value) }); }} />
        <NumberInput label={t("cancelCutoff")} min={0} max={43200} value={draft.cancel_cutoff_minutes}
          error={fieldError(error, "/cancel_cutoff_minutes")} onChange={(value) => { onChange({ cancel_cutoff_minutes: number(value) }); }} />
      </SimpleGrid>
    </Stack>
  );
}
