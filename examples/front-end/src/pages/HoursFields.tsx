// When meetings may take place: the days, and from when to when.
import { Checkbox, Group, Stack, TextInput, Title } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { ZoneSelect } from "../ui/ZoneSelect";
import { DAYS } from "./draft";
import type { FieldsProps } from "./PageFields";

export function HoursFields({ draft, onChange }: FieldsProps) {
  const { t } = useTranslation("host");
  const { hours } = draft;
  return (
    <Stack>
      <Title order={2} size="h4">{t("hours")}</Title>
      <ZoneSelect value={draft.time_zone} onChange={(time_zone) => { onChange({ time_zone }); }} />
      {DAYS.map((day) => {
        const open = hours[day];
        return (
          <Group key={day} mih={42}>
            <Checkbox w={140} label={t(day)} checked={open !== undefined} onChange={(event) => {
              onChange({ hours: { ...hours, [day]: event.currentTarget.checked ? { start: "09:00", end: "17:00" } : undefined } });
            }} />
            {open !== undefined && (
              <Group gap="xs">
                <TextInput type="time" aria-label={t("dayFrom", { day: t(day) })} required value={open.start}
                  onChange={(event) => { onChange({ hours: { ...hours, [day]: { ...open, start: event.currentTarget.value } } }); }} />
                –
                <TextInput type="time" aria-label={t("dayTo", { day: t(day) })} required value={open.end}
                  onChange={(event) => { onChange({ hours: { ...hours, [day]: { ...open, end: event.currentTarget.value } } }); }} />
              </Group>
            )}
          </Group>
        );
      })}
    </Stack>
  );
}
