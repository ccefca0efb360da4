// A calendar that cannot be read, so that nobody can book: what helps, looking again, the X, or another policy.
import { Alert, Button, CloseButton, Group, NativeSelect, Stack, Text } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import type { AvailabilityCalendar, AvailabilityCalendarUpdate } from "../../generated";
import {
  recheckAvailabilityCalendarMutation,
  removeAvailabilityCalendarMutation,
  updateAvailabilityCalendarMutation,
} from "../../generated/@tanstack/react-query.gen";
import { ProblemAlert } from "../ui/ProblemAlert";

type Policy = NonNullable<AvailabilityCalendarUpdate["unreachable_policy"]>;
const POLICIES: readonly Policy[] = ["block", "request_only", "last_known", "ignore"];

export function InactiveCalendar({ calendar }: { calendar: AvailabilityCalendar }) {
  const { t } = useTranslation("host");
  const queries = useQueryClient();
  const path = { calendar_id: calendar.calendar_id };
  const anew = { onSuccess: () => queries.invalidateQueries() };
  const recheck = useMutation({ ...recheckAvailabilityCalendarMutation(), ...anew });
  const remove = useMutation({ ...removeAvailabilityCalendarMutation(), ...anew });
  const update = useMutation({ ...updateAvailabilityCalendarMutation(), ...anew });
  return (
    <Alert color="red" role="alert" data-testid="inactive-calendar">
      <Stack gap="sm">
        <Group justify="space-between" wrap="nowrap" align="flex-start">
          <Text fw={600} className="breaks">{t("inactiveTitle", { name: calendar.name })}</Text>
          {!calendar.is_primary && (
            <CloseButton aria-label={t("removeCalendar", { name: calendar.name })} title={t("removeCalendar", { name: calendar.name })}
              disabled={remove.isPending} onClick={() => { remove.mutate({ path }); }} />
          )}
        </Group>
        <Text>{calendar.remedy}</Text>
        <Group align="flex-end">
          <Button variant="default" loading={recheck.isPending} onClick={() => { recheck.mutate({ path }); }}>{t("recheck")}</Button>
          <NativeSelect label={t("policy")} value={calendar.unreachable_policy}
            data={POLICIES.map((value) => ({ value, label: t(`policy_${value}`) }))}
            onChange={(event) => {
              const policy = POLICIES.find((each) => each === event.currentTarget.value);
              if (policy !== undefined) update.mutate({ path, body: { unreachable_policy: policy } });
            }} />
        </Group>
        {recheck.data?.status === "inactive" && <Text role="status">{t("stillInactive")}</Text>}
        <ProblemAlert error={recheck.error ?? remove.error ?? update.error} />
      </Stack>
    </Alert>
  );
}
