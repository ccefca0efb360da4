// Why a time is open or closed: four weeks of a page at a glance, and one time in detail.
import { Alert, Anchor, Box, Group, NativeSelect, Paper, SimpleGrid, Stack, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useParams } from "react-router";
import type { ReportedTime, SchedulingPage } from "../../generated";
import { getAvailabilityReportOptions, getSchedulingPageOptions } from "../../generated/@tanstack/react-query.gen";
import { addDays, civilDay, formatMinutes } from "../i18n/format";
import { Loading } from "../ui/Loading";
import { ProblemAlert } from "../ui/ProblemAlert";
import { ZoneSelect } from "../ui/ZoneSelect";
import { Legend } from "./Legend";
import { weeks } from "./grid";
import { TimeDetail } from "./TimeDetail";
import { WeekGrid } from "./WeekGrid";

const WEEKS = 4;

export function ReportPage() {
  const { pageId = "" } = useParams();
  const page = useQuery(getSchedulingPageOptions({ path: { page_id: pageId } }));
  if (page.isPending) return <Loading />;
  if (page.isError) return <ProblemAlert error={page.error} />;
  return <Report page={page.data} />;
}

function Report({ page }: { page: SchedulingPage }) {
  const { t } = useTranslation("host");
  const [timeZone, setTimeZone] = useState(page.time_zone);
  const [minutes, setMinutes] = useState(page.durations_minutes[0] ?? 30);
  const [chosen, setChosen] = useState<ReportedTime | null>(null);
  const firstDay = civilDay(new Date(), timeZone);
  const report = useQuery(getAvailabilityReportOptions({
    path: { page_id: page.id },
    query: { time_zone: timeZone, duration_minutes: minutes, first_day: firstDay, last_day: addDays(firstDay, WEEKS * 7 - 1) },
  }));
  const told = report.data;
  return (
    <Stack>
      <div>
        <Title order={1}>{t("reportTitle")}</Title>
        <Anchor component={Link} underline="always" to={`/pages/${page.id}`}>{page.name}</Anchor>
      </div>
      <Group grow preventGrowOverflow={false} align="flex-end">
        <NativeSelect label={t("durations")} value={String(minutes)}
          data={page.durations_minutes.map((each) => ({ value: String(each), label: formatMinutes(each) }))}
          onChange={(event) => { setMinutes(Number(event.currentTarget.value)); setChosen(null); }} />
        <ZoneSelect value={timeZone} onChange={(zone) => { setTimeZone(zone); setChosen(null); }} />
      </Group>
      <Legend />
      {report.isPending && <Loading />}
      <ProblemAlert error={report.error} />
      {told?.turned_off === true && <Alert color="orange">{t("reportOff")}</Alert>}
      {told?.host_available === false && <Alert color="red">{t("reportUnavailable")}</Alert>}
      {told !== undefined && (
        <>
          <Box aria-live="polite">
            {chosen === null
              ? <Paper withBorder p="md">{t("reportChoose")}</Paper>
              : <TimeDetail time={chosen} report={told} page={page} onChanged={() => { setChosen(null); }} />}
          </Box>
          <SimpleGrid cols={{ base: 1, sm: 2, lg: 4 }} spacing="md">
            {weeks(told.items, timeZone, firstDay, WEEKS).map((week) => (
              <WeekGrid key={week.firstDay} week={week} chosen={chosen} onChoose={setChosen} />
            ))}
          </SimpleGrid>
        </>
      )}
    </Stack>
  );
}
