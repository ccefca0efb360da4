// How long, how soon, how far ahead, how often.
import { MultiSelect, NativeSelect, NumberInput, SimpleGrid, Stack, Textarea, Title } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { fieldError } from "../api/problem";
import { formatMinutes } from "../i18n/format";
import { INCREMENTS } from "./draft";
import type { FieldsProps } from "./PageFields";

const LENGTHS = [15, 20, 30, 45, 60, 90, 120];

export function RuleFields({ draft, error, onChange }: FieldsProps) {
  const { t } = useTranslation("host");
  const lengths = [...new Set([...LENGTHS, ...draft.durations_minutes])].sort((a, b) => a - b);
  const number = (value: number | string) => (typeof value === "number" ? value : 0);
  return (
    <Stack>
      <Title order={2} size="h4">{t("rules")}</Title>
      <MultiSelect label={t("durations")} data={lengths.map((minutes) => ({ value: String(minutes), label: formatMinutes(minutes) }))}
        value={draft.durations_minutes.map(String)} error={fieldError(error, "/durations_minutes")} maxValues={10}
        onChange={(values) => { onChange({ durations_minutes: values.map(Number) }); }} />
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <NativeSelect label={t("increment")} value={String(draft.increment_minutes ?? "")} error={fieldError(error, "/increment_minutes")}
          data={[{ value: "", label: t("incrementDuration") }, ...INCREMENTS.map((minutes) => ({ value: String(minutes), label: formatMinutes(minutes) }))]}
          onChange={(event) => { onChange({ increment_minutes: INCREMENTS.find((each) => String(each) === event.currentTarget.value) ?? null }); }} />
        <NumberInput label={t("notice")} min={0} max={43200} value={draft.minimum_notice_minutes} error={fieldError(error, "/minimum_notice_minutes")}
          onChange={(value) => { onChange({ minimum_notice_minutes: number(value) }); }} />
        <NumberInput label={t("bufferBefore")} min={0} max={480} value={draft.buffer_before_minutes} error={fieldError(error, "/buffer_before_minutes")}
          onChange={(value) => { onChange({ buffer_before_minutes: number(value) }); }} />
        <NumberInput label={t("bufferAfter")} min={0} max={480} value={draft.buffer_after_minutes} error={fieldError(error, "/buffer_after_minutes")}
          onChange={(value) => { onChange({ buffer_after_minutes: number(value) }); }} />
        <NumberInput label={t("windowDays")} min={1} max={365} value={draft.window_days} error={fieldError(error, "/booking_window/days")}
          onChange={(value) => { onChange({ window_days: number(value) }); }} />
        <NumberInput label={t("dailyLimit")} min={1} max={100} value={draft.daily_limit ?? ""} error={fieldError(error, "/daily_limit")}
          onChange={(value) => { onChange({ daily_limit: typeof value === "number" ? value : null }); }} />
        <NumberInput label={t("weeklyLimit")} min={1} max={500} value={draft.weekly_limit ?? ""} error={fieldError(error, "/weekly_limit")}
          onChange={(value) => { onChange({ weekly_limit: typeof value === "number" ? value : null }); }} />
        <NumberInput label={t("maxGuests")} min={0} max={20} value={draft.max_guests} error={fieldError(error, "/max_guests")}
          onChange={(value) => { onChange({ max_guests: number(value) }); }} />
      </SimpleGrid>
      <Textarea label={t("consentText")} description={t("consentText_help")} autosize minRows={2} value={draft.consent_text}
        onChange={(event) => { onChange({ consent_text: event.currentTarget.value }); }} />
    </Stack>
  );
}
