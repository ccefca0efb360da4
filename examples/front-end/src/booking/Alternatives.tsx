// The time went: what is free instead.
import { Alert, Group } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { AlternativeTime } from "../../generated";
import { TimeButton } from "./TimeButton";

interface Props {
  times: AlternativeTime[];
  timeZone: string;
  onPick: (start_at: string) => void;
}

export function Alternatives({ times, timeZone, onPick }: Props) {
  const { t } = useTranslation();
  return (
    <Alert color="orange" role="alert" title={t("slotGone")}>
      {times.length > 0 && t("alternatives")}
      <Group gap="xs" mt="xs">
        {times.map((time) => (
          <TimeButton key={time.start_at} start={time.start_at} timeZone={timeZone} onPick={onPick} />
        ))}
      </Group>
    </Alert>
  );
}
