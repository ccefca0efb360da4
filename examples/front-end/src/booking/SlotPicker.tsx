// The month's days, and the open times of the chosen one. Two steps, both by keyboard.
import { Alert, Button, Grid, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { DatePicker } from "@mantine/dates";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Slot } from "../../generated";
import { listBookingSlotsOptions, listPublicBookingSlotsOptions, listPublicSlotsOptions } from "../../generated/@tanstack/react-query.gen";
import { addDays, civilDay, formatCivilDay } from "../i18n/format";
import { ProblemAlert } from "../ui/ProblemAlert";
import { SlotButton } from "./SlotButton";

interface Props {
  pageId: string;
  durationMinutes: number;
  timeZone: string;
  /** Where to begin looking; today when it is not said. */
  from?: string;
  busy?: boolean;
  /** The booking that shall move, by its visitor's token or by its host: the times are its own, not the page's. */
  moving?: { id: string; token?: string };
  onPick: (slot: Slot) => void;
}

function lastOfMonth(day: string): string {
  const [year = 0, month = 0] = day.split("-").map(Number);
  return new Date(Date.UTC(year, month, 0)).toISOString().slice(0, 10);
}

export function SlotPicker({ pageId, durationMinutes, timeZone, from, busy = false, moving, onPick }: Props) {
  const { t, i18n } = useTranslation();
  const today = civilDay(new Date(), timeZone);
  const [month, setMonth] = useState(`${(from ?? today).slice(0, 7)}-01`);
  const [chosen, setChosen] = useState<string | null>(from ?? null);
  const first = month > today ? month : today;
  const days = { time_zone: timeZone, first_day: first, last_day: lastOfMonth(first) };
  const ofPage = useQuery({
    ...listPublicSlotsOptions({ path: { page_id: pageId }, query: { ...days, duration_minutes: durationMinutes } }),
    placeholderData: keepPreviousData,
    enabled: moving === undefined,
  });
  const ofBooking = useQuery({
    ...listPublicBookingSlotsOptions({ path: { booking_id: moving?.id ?? "" }, auth: moving?.token ?? "", query: days }),
    placeholderData: keepPreviousData,
    enabled: moving?.token !== undefined,
  });
  const ofHost = useQuery({
    ...listBookingSlotsOptions({ path: { booking_id: moving?.id ?? "" }, query: days }),
    placeholderData: keepPreviousData,
    enabled: moving !== undefined && moving.token === undefined,
  });
  const slots = moving === undefined ? ofPage : moving.token === undefined ? ofHost : ofBooking;
  const byDay = Map.groupBy(slots.data?.items ?? [], (slot) => civilDay(slot.start_at, timeZone));
  const firstDay = byDay.keys().next().value ?? null;
  const day = chosen !== null && byDay.has(chosen) ? chosen : firstDay;
  const times = day === null ? [] : (byDay.get(day) ?? []);
  const empty = slots.data !== undefined && !slots.isPlaceholderData && byDay.size === 0;
  const begin = slots.data?.first_bookable_day ?? today;
  const end = slots.data?.last_bookable_day ?? undefined;
  const following = addDays(lastOfMonth(month), 1);
  const nextMonth = following > begin ? following : `${begin.slice(0, 7)}-01`;

  return (
    <Grid gap="xl">
      <Grid.Col span={{ base: 12, sm: "content" }}>
        <Title order={2} size="h4" mb="sm">
          {t("chooseDay")}
        </Title>
        <DatePicker
          value={day}
          date={month}
          onDateChange={setMonth}
          onChange={setChosen}
          minDate={begin}
          maxDate={end}
          size="md"
          locale={i18n.language}
          maxLevel="month"
          hideOutsideDates
          excludeDate={(each) => !byDay.has(each)}
          getDayAriaLabel={(each) => formatCivilDay(each)}
          ariaLabels={{ previousMonth: t("previousMonth"), nextMonth: t("followingMonth") }}
        />
      </Grid.Col>
      <Grid.Col span={{ base: 12, sm: "auto" }} aria-live="polite">
        <Title order={2} size="h4" mb="sm">
          {day === null ? t("chooseTime") : formatCivilDay(day)}
        </Title>
        <ProblemAlert error={slots.error} />
        {empty && (
          <Stack align="flex-start">
            <Text>{t("noTimesMonth")}</Text>
            {end !== undefined && nextMonth <= end && (
              <Button variant="default" onClick={() => { setMonth(nextMonth); }}>
                {t("followingMonth")}
              </Button>
            )}
          </Stack>
        )}
        <SimpleGrid cols={{ base: 2, xs: 3 }} spacing="xs">
          {times.map((slot) => (
            <SlotButton key={slot.start_at} slot={slot} timeZone={timeZone} disabled={busy} onPick={onPick} />
          ))}
        </SimpleGrid>
        {times.some((slot) => slot.grade === "request_only") && (
          <Alert color="gray" mt="md">
            {t("onRequestHelp")}
          </Alert>
        )}
      </Grid.Col>
    </Grid>
  );
}
